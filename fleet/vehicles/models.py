"""Accounts, connections, links and vehicles: what we drive and how we reach it."""

import uuid
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from fleet.events.models import ClockTimestamp
from fleet.events.scoped import ScopedManager
from fleet.teams.models import Team
from fleet.vehicles.provider_models import ApplicationToken, CarSession, ProviderApp

__all__ = [
    "ApplicationToken",
    "CarSession",
    "Connection",
    "Consent",
    "GroupedVehicle",
    "Lane",
    "Owner",
    "ProviderAccount",
    "ProviderApp",
    "ReadCount",
    "SavedFilter",
    "Vehicle",
    "VehicleGroup",
    "VehicleLink",
    "VehicleSignal",
]


class ProviderAccount(models.Model):
    """An owner's login at a maker, once per installation: its tokens and their version."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        NEEDS_OWNER = "needs_owner"
        REVOKED = "revoked"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    app = models.ForeignKey(ProviderApp, on_delete=models.PROTECT)
    brand = models.CharField(max_length=60)
    provider_user_id = models.CharField(max_length=200)
    # Where the login lives, at makers whose clouds differ by region.
    region = models.CharField(max_length=20, blank=True, default="", db_default="")
    access_token_sealed = models.BinaryField(null=True)
    refresh_token_sealed = models.BinaryField(null=True)
    previous_refresh_token_sealed = models.BinaryField(null=True)
    access_expires_at = models.DateTimeField(null=True)
    token_version = models.PositiveBigIntegerField(default=0)
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    # When it is refreshed next, well before the access token is over; see fleet.vehicles.refreshing.
    refresh_at = models.DateTimeField(null=True)
    refreshed_at = models.DateTimeField(null=True)
    # In a row, without an answer that says anything.
    refresh_failures = models.PositiveSmallIntegerField(default=0, db_default=0)
    listed_at = models.DateTimeField(null=True)  # when its cars were asked for; see fleet.vehicles.listing
    refresh_started_at = models.DateTimeField(null=True)  # crash marker: began, and never told its end
    # First and last definite refusal on the version beside them; a second one at least 60 s later asks the owner.
    refused_at = models.DateTimeField(null=True)
    refused_last_at = models.DateTimeField(null=True)
    refused_version = models.PositiveBigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["app", "brand", "provider_user_id"], name="provider_account_once")
        ]
        indexes = [
            models.Index(fields=["refresh_at"], condition=Q(status="active"), name="account_to_refresh"),
            models.Index(
                fields=["refresh_started_at"],
                condition=Q(status="active", refresh_started_at__isnull=False),
                name="account_in_refresh",
            ),
            models.Index(
                fields=["app", "refused_last_at"], condition=Q(refused_last_at__isnull=False), name="account_refused"
            ),
            models.Index(fields=["app", "refreshed_at"], name="account_refreshed"),
        ]

    def __str__(self) -> str:
        return f"account {self.id} at {self.brand}"


class Owner(models.Model):
    """A person who shared a car and has no account with us.

    private_hours: [{"days": [1..7], "from": "18:00", "until": "06:00"}], Monday is 1, in private_time_zone; in them no
    location is kept. A window that ends before it begins ends on the next day. forgotten_at: they had us forget them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    name = models.CharField(max_length=100, blank=True)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=10, blank=True)
    private_hours = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    private_time_zone = models.CharField(max_length=40, blank=True, default="", db_default="")
    forgotten_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    def __str__(self) -> str:
        return self.name or "owner"


class Connection(models.Model):
    """One team's grant by one owner at one maker. The maker's own grant ends with the last connection that uses it."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        ENDED = "ended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT)
    owner = models.ForeignKey(Owner, on_delete=models.PROTECT)
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    scopes_granted = ArrayField(models.CharField(max_length=60), default=list)
    ends_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # The share link it came from; the link lives in a higher app.
    share_link_id = models.UUIDField(null=True)
    # The expected end that the team was told of; a new expectation is told again.
    told_of_end_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status="ended", ended_at__isnull=False) | Q(status="active", ended_at__isnull=True),
                name="connection_end_has_time",
            )
        ]

    def __str__(self) -> str:
        return f"connection {self.id}"

    @property
    def is_live(self) -> bool:
        return self.status == self.Status.ACTIVE and (self.ends_at is None or self.ends_at > timezone.now())


class Lane(models.Model):
    """One physical car, whoever asks: the order of its commands, and which one is between claim and answer.

    key: a keyed hash of the VIN (or the provider's id), so that two teams share it without learning of each other.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=64, unique=True)
    next_sequence = models.PositiveBigIntegerField(default=1)
    # Under no index, so that taking and freeing a car touches nothing but its row.
    busy_id = models.UUIDField(null=True)

    def __str__(self) -> str:
        return f"lane {self.id}"


class Vehicle(models.Model):
    """One team's car: how the team calls it and what it is. The same car in two teams is two rows on one lane."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT)
    vin = models.CharField(max_length=17, blank=True)
    make = models.CharField(max_length=60)
    model = models.CharField(max_length=100)
    year = models.PositiveSmallIntegerField(null=True)
    powertrain = models.CharField(max_length=10, blank=True)
    country = models.CharField(max_length=2, blank=True, default="", db_default="")  # empty is the team's own
    name = models.CharField(max_length=100, blank=True)
    plate = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    removed_at = models.DateTimeField(null=True)
    # When the state was last asked for; reading never wakes the car.
    read_at = models.DateTimeField(null=True)
    # IANA name; empty is the team's own.
    time_zone = models.CharField(max_length=40, blank=True, default="", db_default="")
    # Somebody who is not of the team has the car until then.
    guest_until = models.DateTimeField(null=True)

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "lane"], condition=Q(removed_at__isnull=True), name="vehicle_once_per_team"
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("vehicles:detail", args=[self.id])

    @property
    def title(self) -> str:
        """Return what people call it: its name, else make and model."""
        return self.name or f"{self.make} {self.model}".strip() or self.vin

    @property
    def make_and_model(self) -> str:
        return f"{self.make} {self.model}".strip()


class VehicleLink(models.Model):
    """A vehicle as one connection reaches it: what it can do there, and what its owner allowed.

    consent_version goes up when consent shrinks; a command keeps the version it was accepted under.
    unlisted_at: since then the maker does not list the car.
    capabilities: {kind: {"answer", "why", "source", "checked_at", "ranges": {field: [min, max, step]}}}.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT)
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT)
    provider_vehicle_id = models.CharField(max_length=200)
    capabilities = models.JSONField(default=dict)
    consent_version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    ended_at = models.DateTimeField(null=True)
    unlisted_at = models.DateTimeField(null=True)

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "provider_vehicle_id"],
                condition=Q(ended_at__isnull=True),
                name="link_once_per_connection",
            )
        ]

    def __str__(self) -> str:
        return f"link {self.id}"

    @property
    def is_live(self) -> bool:
        return self.ended_at is None and self.connection.is_live

    def capability(self, kind: str) -> dict[str, Any]:
        """Return what is known of one command on this car; answer "unknown" when the maker did not say."""
        return self.capabilities.get(kind) or {"answer": "unknown", "why": "", "ranges": {}}


class Consent(models.Model):
    """One thing an owner allowed on one car, with the text they saw."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    link = models.ForeignKey(VehicleLink, on_delete=models.CASCADE, related_name="consents")
    scope = models.CharField(max_length=60)
    text_version = models.CharField(max_length=40)
    given_at = models.DateTimeField(db_default=ClockTimestamp())
    withdrawn_at = models.DateTimeField(null=True)

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["link", "scope"], condition=Q(withdrawn_at__isnull=True), name="consent_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return self.scope


class VehicleSignal(models.Model):
    """The latest value of one signal of one vehicle. Older never overwrites newer."""

    id = models.BigAutoField(primary_key=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    vehicle = models.ForeignKey(Vehicle, on_delete=models.CASCADE, related_name="signals")
    signal = models.CharField(max_length=40)
    value = models.JSONField()
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=ClockTimestamp())
    source = models.CharField(max_length=40)

    objects = ScopedManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["vehicle", "signal"], name="signal_latest_once")]

    def __str__(self) -> str:
        return self.signal


class ReadCount(models.Model):
    """How often a car was read through one link in one hour, with what allowed: what its owner can look up.

    purpose: "regular", "asked" (somebody pressed refresh: actor) or "command" (to prepare or prove one).
    """

    id = models.BigAutoField(primary_key=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    link = models.ForeignKey(VehicleLink, on_delete=models.CASCADE, related_name="reads")
    hour_at = models.DateTimeField()
    purpose = models.CharField(max_length=20)
    actor = models.CharField(max_length=80, blank=True, default="", db_default="")
    scopes = ArrayField(models.CharField(max_length=60), default=list)
    count = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["link", "hour_at", "purpose", "actor"], name="read_count_once_an_hour")
        ]
        indexes = [BrinIndex(fields=["hour_at"], name="read_count_by_time")]

    def __str__(self) -> str:
        return f"{self.count} reads at {self.hour_at:%d.%m. %H}h"


class SavedFilter(models.Model):
    """A selection of a team's cars under a name; values as fleet.vehicles.filters.VehicleFilter writes them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    name = models.CharField(max_length=60)
    values = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="saved_filter_has_name"),
            models.UniqueConstraint("team", Lower("name"), name="saved_filter_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class VehicleGroup(models.Model):
    """Some of a team's cars under a name: a depot, a department. A membership may be limited to groups."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    name = models.CharField(max_length=60)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="vehicle_group_has_name"),
            models.UniqueConstraint("team", Lower("name"), name="vehicle_group_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class GroupedVehicle(models.Model):
    """A car in a group."""

    id = models.BigAutoField(primary_key=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    group = models.ForeignKey(VehicleGroup, on_delete=models.CASCADE, related_name="grouped")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.CASCADE, related_name="grouped")

    objects = ScopedManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "vehicle"], name="vehicle_once_per_group")]

    def __str__(self) -> str:
        return f"{self.vehicle_id} in {self.group_id}"
