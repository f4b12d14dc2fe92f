"""People, teams and the authority under which someone acts."""

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from fleet.events.models import ClockTimestamp
from fleet.teams.roles import Permission, Role, may


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


class Team(models.Model):
    """A tenant: owns vehicles, connections, links, commands."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    # IANA name; empty is the installation's own (settings.TIME_ZONE).
    time_zone = models.CharField(max_length=40, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="team_has_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split()[:2]).upper()


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

    def __str__(self) -> str:
        return f"{self.kind} v{self.version}"


class Membership(models.Model):
    """One person in one team."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    authority = models.OneToOneField(Authority, on_delete=models.PROTECT)
    role = models.CharField(max_length=20, choices=Role)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "user"], condition=Q(ended_at__isnull=True), name="membership_once_at_a_time"
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team} as {self.role}"

    def may(self, permission: Permission) -> bool:
        return self.ended_at is None and may(self.role, permission)
