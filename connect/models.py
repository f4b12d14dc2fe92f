"""Share links, who got one, and one owner's way through the flow. What comes of it lives in vehicles."""

import uuid
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from fleet.events.models import ClockTimestamp
from fleet.events.scoped import ScopedManager
from fleet.teams.deletion import is_closing
from fleet.teams.models import Team, User
from fleet.vehicles.models import Connection, Owner, ProviderAccount, ProviderApp


class ShareLink(models.Model):
    """An invitation of one team to owners: what it asks for, until when, and how often it may be used.

    The secret is stored as a hash and shown once. brands: keys of brands, or none for any. vin: the one car it is for,
    or "". consent_ends_at: when what is given through it ends by itself. language: of the first page, "" for the
    browser's. country: two letters, "" when not known. repairs: the connection that it brings back to life.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    secret_hash = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=100)
    scopes_needed = ArrayField(models.CharField(max_length=60))
    scopes_optional = ArrayField(models.CharField(max_length=60), default=list)
    brands = ArrayField(models.CharField(max_length=60), default=list)
    vin = models.CharField(max_length=17, blank=True)
    country = models.CharField(max_length=2, blank=True)
    language = models.CharField(max_length=10, blank=True)
    message = models.CharField(max_length=500, blank=True)
    consent_ends_at = models.DateTimeField(null=True)
    repairs = models.ForeignKey(Connection, null=True, on_delete=models.CASCADE)
    expires_at = models.DateTimeField()
    max_uses = models.PositiveIntegerField(null=True)
    uses = models.PositiveIntegerField(default=0)
    revoked_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(scopes_needed=[]), name="share_link_asks_for_something"),
            models.CheckConstraint(
                condition=Q(max_uses__isnull=True) | Q(uses__lte=F("max_uses")), name="share_link_not_overused"
            ),
        ]
        indexes = [models.Index(fields=["team", "-created_at"], name="share_link_of_team")]

    def __str__(self) -> str:
        return self.label

    def problem(self, now: datetime) -> str:
        """Return why the link can't be used now: team_closed, link_revoked, link_expired, link_used_up; else ""."""
        if is_closing(self.team):
            return "team_closed"
        if self.revoked_at is not None:
            return "link_revoked"
        if self.expires_at <= now:
            return "link_expired"
        if self.max_uses is not None and self.uses >= self.max_uses:
            return "link_used_up"
        return ""

    def is_for(self, brand: str) -> bool:
        """Say whether owners of a brand can use it."""
        return not self.brands or brand in self.brands

    @property
    def scopes_asked(self) -> frozenset[str]:
        return frozenset(self.scopes_needed) | frozenset(self.scopes_optional)


class Recipient(models.Model):
    """One owner, or one car, that a share link was made for: a secret of their own that works once, and how far it is.

    email: "" where the link is handed over otherwise, on a sheet or by hand; then the secret is shown once.
    vin: the only car it is for, or "". connection: what came of it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, related_name="recipients")
    name = models.CharField(max_length=100, blank=True)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=10, blank=True)
    vin = models.CharField(max_length=17, blank=True)
    # None until the letter is written: the secret is made then, and nobody keeps it.
    secret_hash = models.CharField(max_length=64, unique=True, null=True)
    sent_at = models.DateTimeField(null=True)
    # A letter is to be written: the first one, or a reminder.
    send_at = models.DateTimeField(null=True)
    sent_count = models.PositiveSmallIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    # They said no before signing in; they may still say yes.
    declined_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    connection = models.ForeignKey(Connection, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "link", Lower("email"), condition=~Q(email=""), name="recipient_address_once_per_link"
            ),
            models.UniqueConstraint(fields=["link", "vin"], condition=~Q(vin=""), name="recipient_vin_once_per_link"),
        ]
        indexes = [models.Index(fields=["send_at"], condition=Q(send_at__isnull=False), name="recipient_to_write_to")]

    def __str__(self) -> str:
        return f"recipient {self.id}"


class TeamLook(models.Model):
    """How a team looks in the owner's flow: its logo, made small and drawn anew by us, and its colour ("#rrggbb")."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, primary_key=True)
    logo = models.BinaryField(null=True)
    colour = models.CharField(max_length=7, blank=True)
    updated_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    def __str__(self) -> str:
        return f"look of {self.team_id}"


class ReturnAddress(models.Model):
    """An address outside to which the flow may send an owner back, letter by letter; its query is ours to fill."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    url = models.CharField(max_length=500)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "url"], name="return_address_once")]

    def __str__(self) -> str:
        return self.url


class BrandWish(models.Model):
    """A make that owners looked for and did not find, as they wrote it, and how many did."""

    id = models.BigAutoField(primary_key=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    brand = models.CharField(max_length=60)
    country = models.CharField(max_length=2, blank=True)
    count = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    class Meta:
        constraints = [models.UniqueConstraint("team", Lower("brand"), "country", name="brand_wish_once")]

    def __str__(self) -> str:
        return self.brand


class PortalKey(models.Model):
    """A way for one owner into their own pages (fleet.portal): a secret in a letter, or shown at the end of the flow.

    send_at: a letter with a new key is to be written; the secret is made then.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="portal_keys")
    secret_hash = models.CharField(max_length=64, unique=True, null=True)
    send_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    class Meta:
        indexes = [models.Index(fields=["send_at"], condition=Q(send_at__isnull=False), name="portal_key_to_send")]

    def __str__(self) -> str:
        return f"portal key {self.id}"


class Visit(models.Model):
    """One owner's pass through the flow, in one browser, from leaving for the maker to a decision.

    Asking is a step of its own where the provider makes the address of each sign-in: a worker asks for it.
    Secrets of the pass (verifier, code, tokens, the link's secret for "try again") are sealed and bound to this row;
    tokens move to the account only when the owner accepts, so a pass that ends otherwise changes nothing that works.
    vehicles: the cars as the maker listed them, forgotten when the pass ends.
    """

    class Step(models.TextChoices):
        ASKING = "asking"
        SIGNING_IN = "signing_in"
        EXCHANGING = "exchanging"
        REVIEW = "review"
        DONE = "done"
        DECLINED = "declined"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE)
    app = models.ForeignKey(ProviderApp, on_delete=models.CASCADE)
    brand = models.CharField(max_length=60)
    brand_name = models.CharField(max_length=60)
    # Hash of a random value kept in the browser's session: nobody else can go on with this pass.
    browser_hash = models.CharField(max_length=64)
    link_secret_sealed = models.BinaryField(null=True)
    state_hash = models.CharField(max_length=64, unique=True)
    state_expires_at = models.DateTimeField()
    verifier_sealed = models.BinaryField(null=True)
    # The state while a worker asks for the address of the sign-in, then that address.
    sign_in_sealed = models.BinaryField(null=True)
    # What the way back carried: the fields that the provider's card names, as JSON.
    code_sealed = models.BinaryField(null=True)
    # Tells a reload of the callback (same code) from a replay of its state.
    code_hash = models.CharField(max_length=64, blank=True)
    # Set when a worker takes the code; nobody takes it twice.
    claimed_at = models.DateTimeField(null=True)
    tokens_sealed = models.BinaryField(null=True)
    step = models.CharField(max_length=20, choices=Step, default=Step.SIGNING_IN)
    failure = models.CharField(max_length=40, blank=True)
    scopes_granted = ArrayField(models.CharField(max_length=60), default=list)
    vehicles = models.JSONField(default=list)
    account = models.ForeignKey(ProviderAccount, null=True, on_delete=models.SET_NULL)
    connection = models.ForeignKey(Connection, null=True, on_delete=models.CASCADE)
    owner = models.ForeignKey(Owner, null=True, on_delete=models.CASCADE)
    language = models.CharField(max_length=10, blank=True)
    # Where the owner said that the car is at home, two letters; "" when not said.
    country = models.CharField(max_length=2, blank=True, default="", db_default="")
    # Whose personal link it was, where to send the browser at the end, and what the other site wants back with it.
    recipient = models.ForeignKey(Recipient, null=True, on_delete=models.CASCADE)
    return_url = models.CharField(max_length=500, blank=True)
    return_state = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    expires_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(step="done", connection__isnull=False, owner__isnull=False) | ~Q(step="done"),
                name="visit_done_has_connection",
            ),
            models.CheckConstraint(
                condition=Q(step__in=["done", "declined", "failed"], finished_at__isnull=False)
                | Q(step__in=["asking", "signing_in", "exchanging", "review"], finished_at__isnull=True),
                name="visit_end_has_time",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True)
                | Q(
                    verifier_sealed__isnull=True,
                    sign_in_sealed__isnull=True,
                    code_sealed__isnull=True,
                    tokens_sealed__isnull=True,
                ),
                name="visit_end_has_no_secrets",
            ),
        ]
        indexes = [
            models.Index(fields=["browser_hash", "-created_at"], name="visit_of_browser"),
            models.Index(fields=["expires_at"], condition=Q(finished_at__isnull=True), name="visit_open"),
        ]

    def __str__(self) -> str:
        return f"visit {self.id}"

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None


class BrandList(models.Model):
    """The brands of one provider as a worker last read them, because a page never asks a maker."""

    app = models.OneToOneField(ProviderApp, on_delete=models.CASCADE, primary_key=True)
    brands = models.JSONField(default=list)
    read_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"brands of {self.app_id}"


class LinkMiss(models.Model):
    """How often one address asked for links that do not exist, per minute."""

    id = models.BigAutoField(primary_key=True)
    address_hash = models.CharField(max_length=64)
    minute_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address_hash", "minute_at"], name="link_miss_once_a_minute")]

    def __str__(self) -> str:
        return f"{self.count} at {self.minute_at:%H:%M}"
