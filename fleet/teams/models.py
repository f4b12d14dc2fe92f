"""People, teams and the authority under which someone acts."""

import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from fleet.events.models import ClockTimestamp
from fleet.events.scoped import ScopedManager
from fleet.teams.hours import WorkingHours
from fleet.teams.roles import NOTHING, PRESETS, Permission, Rights, Role
from fleet.teams.zones import find_zone


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Create a person who signs in by e-mail; without a password nobody can sign in as them."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email__iexact=email)


class User(AbstractBaseUser):
    """A person with an account. Owners of cars have none; see fleet.vehicles.Owner."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=10, blank=True)
    is_active = models.BooleanField(default=True)
    # Looks after this installation, see fleet.teams.installation; says nothing about any team.
    is_administrator = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = UserManager()

    # See fleet.teams.access.memberships_of.
    loaded_memberships: "list[Membership] | None" = None

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def actor(self) -> str:
        """Return how this person is named in the log."""
        return f"user:{self.id}"

    @property
    def initials(self) -> str:
        words = (self.name or self.email).replace("@", " ").split()
        return "".join(word[0] for word in words[:2]).upper()


class Installation(models.Model):
    """The one row about this installation as a whole; see fleet.teams.installation."""

    class SignUp(models.TextChoices):
        ANYONE = "anyone", _("Anyone")
        INVITED = "invited", _("Only people who are invited")

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    sign_up = models.CharField(max_length=10, choices=SignUp, default=SignUp.INVITED, db_default="invited")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_is_one")]

    def __str__(self) -> str:
        return "installation"


class Team(models.Model):
    """A tenant: owns vehicles, connections, links, commands."""

    class DistanceUnit(models.TextChoices):
        KM = "km", _("Kilometres")
        MI = "mi", _("Miles")

    class TemperatureUnit(models.TextChoices):
        CELSIUS = "c", _("Degrees Celsius")
        FAHRENHEIT = "f", _("Degrees Fahrenheit")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    # IANA name; empty is the installation's own (settings.TIME_ZONE).
    time_zone = models.CharField(max_length=40, blank=True, default="", db_default="")
    # Of letters to people who have chosen no language; empty is the installation's own.
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    # Where its cars are at home, two letters; empty is not said. A car may say otherwise.
    country = models.CharField(max_length=2, blank=True, default="", db_default="")
    # Its runs count, without its name, in what all teams see of how well commands work.
    shares_measurements = models.BooleanField(default=False, db_default=False)
    # Whoever may command or manage has to have one, and to have used it at this sign-in.
    requires_second_factor = models.BooleanField(default=False, db_default=False)
    # In what people of the team read and type. Whatever is stored, sent to makers or exported is metric.
    distance_unit = models.CharField(
        max_length=2, choices=DistanceUnit, default=DistanceUnit.KM, db_default=DistanceUnit.KM.value
    )
    temperature_unit = models.CharField(
        max_length=1,
        choices=TemperatureUnit,
        default=TemperatureUnit.CELSIUS,
        db_default=TemperatureUnit.CELSIUS.value,
    )
    # How long what is over is kept; null: for as long as the team exists. See fleet.teams.retention.
    keep_history_days = models.PositiveIntegerField(null=True, blank=True)
    keep_names_days = models.PositiveIntegerField(null=True, blank=True)
    # Set: closed, and erased at that time unless an owner opens it again. See fleet.teams.deletion.
    delete_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="team_has_name"),
            # A short wait would let one bad hour erase what explains it.
            models.CheckConstraint(condition=Q(keep_history_days__gte=30), name="team_keeps_a_month_of_history"),
            models.CheckConstraint(condition=Q(keep_names_days__gte=30), name="team_keeps_a_month_of_names"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split()[:2]).upper()

    @property
    def zone(self) -> ZoneInfo:
        return find_zone(self.time_zone, settings.TIME_ZONE)


class Authority(models.Model):
    """The right under which commands are sent: one per membership (later also per token, program, guest key).

    A command stores the version it was accepted under; any change of rights raises the version, and the permit to send
    is refused to every command accepted before.
    """

    class Kind(models.TextChoices):
        MEMBERSHIP = "membership"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    kind = models.CharField(max_length=20, choices=Kind)
    version = models.PositiveIntegerField(default=1)
    valid_from = models.DateTimeField(db_default=ClockTimestamp())
    valid_until = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ScopedManager()

    def __str__(self) -> str:
        return f"{self.kind} v{self.version}"


class CustomRole(models.Model):
    """A role of the team's own: values of Permission and of Family, and the limits of fleet.teams.roles.Rights."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    name = models.CharField(max_length=60)
    permissions = ArrayField(models.CharField(max_length=20), default=list)
    families = ArrayField(models.CharField(max_length=40), default=list)
    max_cars = models.PositiveIntegerField(null=True)
    needs_step_up = models.BooleanField(default=False)
    # fleet.teams.hours.WorkingHours; null is always.
    hours = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    removed_at = models.DateTimeField(null=True)

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "team", Lower("name"), condition=Q(removed_at__isnull=True), name="custom_role_name_once"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="custom_role_has_name"),
            models.CheckConstraint(
                condition=Q(max_cars__isnull=True) | Q(max_cars__gte=1), name="custom_role_some_cars"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rights(self) -> Rights:
        return Rights(
            permissions=frozenset(Permission(value) for value in self.permissions),
            families=frozenset(self.families),
            max_cars=self.max_cars,
            needs_step_up=self.needs_step_up,
            hours=WorkingHours.from_json(self.hours) if self.hours else None,
        )


class Granted(models.Model):
    """What is given to somebody: a role, and for which of the team's vehicles. Copied from an invitation as it is.

    vehicle_ids, group_ids: which ones, where it is not all of them; ids of the team's vehicles and vehicle groups.
    """

    role = models.CharField(max_length=20, choices=Role)
    custom_role = models.ForeignKey(CustomRole, null=True, blank=True, on_delete=models.PROTECT)
    reaches_all = models.BooleanField(default=True, db_default=True)
    vehicle_ids = ArrayField(models.UUIDField(), default=list, db_default=[])
    group_ids = ArrayField(models.UUIDField(), default=list, db_default=[])

    class Meta:
        abstract = True

    @property
    def rights(self) -> Rights:
        """Return what the role allows; nothing where the role is not known."""
        if self.custom_role is not None:
            return self.custom_role.rights
        return PRESETS.get(Role(self.role), NOTHING) if self.role in Role.values else NOTHING

    @property
    def role_title(self) -> str:
        """Return the role's name for people."""
        return str(self.custom_role or Role(self.role).label)


class Membership(Granted):
    """One person in one team."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    authority = models.OneToOneField(Authority, on_delete=models.PROTECT)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    ended_at = models.DateTimeField(null=True)

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "user"], condition=Q(ended_at__isnull=True), name="membership_once_at_a_time"
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
            models.CheckConstraint(
                condition=Q(role="custom", custom_role__isnull=False)
                | (~Q(role="custom") & Q(custom_role__isnull=True)),
                name="membership_custom_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team} as {self.role}"

    def may(self, permission: Permission) -> bool:
        return self.ended_at is None and self.rights.may(permission)

    def may_send(self, kind: str) -> bool:
        """Say whether the role includes commands of this kind; hours and vehicles are asked elsewhere."""
        return self.ended_at is None and self.rights.may_send(kind)

    def is_at_work(self, at: datetime) -> bool:
        """Say whether the role's hours, by the clock of the team, let commands be sent now."""
        hours = self.rights.hours
        return hours is None or hours.hold(at, self.team.zone)


class Invitation(Granted):
    """A place in a team that waits for somebody; one person can take it, once.

    email: whom it is for, in lower case; empty for a link that whoever holds it may use. The secret in the link is kept
    as its SHA-256 only. A letter that is sent again carries a new secret: the older link is dead.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    invited_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField(max_length=254, blank=True)
    secret_hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    sent_count = models.PositiveSmallIntegerField(default=0, db_default=0)
    revoked_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(Membership, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_known"),
            models.CheckConstraint(
                condition=Q(role="custom", custom_role__isnull=False)
                | (~Q(role="custom") & Q(custom_role__isnull=True)),
                name="invitation_custom_role",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True, accepted_by__isnull=True)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False, revoked_at__isnull=True),
                name="invitation_accepted_once",
            ),
            models.UniqueConstraint(
                fields=["team", "email"],
                condition=~Q(email="") & Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="invitation_open_once_per_address",
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.id}"


class SignOnDomain(Granted):
    """People with an address of this domain join the team when they come by single sign-on; see fleet.sign_on.

    domain: in lower case. The grant is what they begin with; it does not outlive the rights of whoever set it up.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    made_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    domain = models.CharField(max_length=253)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    removed_at = models.DateTimeField(null=True)

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "domain"], condition=Q(removed_at__isnull=True), name="sign_on_domain_once_per_team"
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="sign_on_role_known"),
            models.CheckConstraint(
                condition=Q(role="custom", custom_role__isnull=False)
                | (~Q(role="custom") & Q(custom_role__isnull=True)),
                name="sign_on_custom_role",
            ),
            models.CheckConstraint(
                condition=~Q(domain="") & Q(domain=Lower("domain")), name="sign_on_domain_lower_case"
            ),
        ]

    def __str__(self) -> str:
        return self.domain
