"""Share links, and one owner's way through the flow. What comes of it (owner, connection, cars) lives in vehicles."""

import uuid
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from fleet.events.models import ClockTimestamp
from fleet.events.scoped import ScopedManager
from fleet.teams.deletion import is_closing
from fleet.teams.models import Team, User
from fleet.vehicles.models import Connection, Owner, ProviderAccount, ProviderApp


class ShareLink(models.Model):
    """An invitation of one team to owners: what it asks for, until when, and how often it may be used.

    The secret is stored as a hash and shown once. brand: a brand's key, or "" for any.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    secret_hash = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=100)
    scopes_needed = ArrayField(models.CharField(max_length=60))
    scopes_optional = ArrayField(models.CharField(max_length=60), default=list)
    brand = models.CharField(max_length=60, blank=True)
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

    @property
    def scopes_asked(self) -> frozenset[str]:
        return frozenset(self.scopes_needed) | frozenset(self.scopes_optional)


class Visit(models.Model):
    """One owner's pass through the flow, in one browser, from leaving for the maker to a decision.

    Secrets of the pass (verifier, code, tokens, the link's secret for "try again") are sealed and bound to this row;
    tokens move to the account only when the owner accepts, so a pass that ends otherwise changes nothing that works.
    vehicles: the cars as the maker listed them, forgotten when the pass ends.
    """

    class Step(models.TextChoices):
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
                | Q(step__in=["signing_in", "exchanging", "review"], finished_at__isnull=True),
                name="visit_end_has_time",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True)
                | Q(verifier_sealed__isnull=True, code_sealed__isnull=True, tokens_sealed__isnull=True),
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
