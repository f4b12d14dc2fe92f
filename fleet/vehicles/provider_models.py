"""Our registrations at providers, the tokens that are theirs and no owner's, and sessions with parts of cars."""

import uuid

from django.db import models

from fleet.events.models import ClockTimestamp
from fleet.teams.models import Team


class ProviderApp(models.Model):
    """Our registration at a provider. One per installation, or one of a team.

    The breaker is open while breaker_until is set: nothing is sent until then; afterwards one command at a time looks
    whether the provider is back (probe_until: one is on its way), until an answer closes the breaker.

    secrets_sealed: what the provider wants beside id and secret, by the words of its card, as sealed JSON. options:
    what is no secret ("mode", "domain").
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE)
    provider = models.CharField(max_length=40)
    name = models.CharField(max_length=100)
    client_id = models.CharField(max_length=200)
    client_secret_sealed = models.BinaryField()
    secrets_sealed = models.BinaryField(null=True)
    options = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    urls = models.JSONField(default=dict)
    is_enabled = models.BooleanField(default=True)
    held_until = models.DateTimeField(null=True)  # its 429 holds the whole application, not one worker
    breaker_opened_at = models.DateTimeField(null=True)
    breaker_until = models.DateTimeField(null=True)
    breaker_code = models.CharField(max_length=40, default="", db_default="")
    probe_until = models.DateTimeField(null=True)
    # Grants are refused in numbers since then: the provider's trouble, for which no owner is asked.
    refusing_since = models.DateTimeField(null=True)
    # The last test of the registration: fleet.adapters.setup.SetupCheck, step by step; asked for, and done.
    test_asked_at = models.DateTimeField(null=True)
    tested_at = models.DateTimeField(null=True)
    test_result = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "client_id"], name="provider_app_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.name


class ApplicationToken(models.Model):
    """The access token of a registration, at providers where the application has one and owners have none."""

    app = models.OneToOneField(ProviderApp, on_delete=models.CASCADE, primary_key=True)
    access_token_sealed = models.BinaryField(null=True)
    expires_at = models.DateTimeField(null=True)
    version = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"token of application {self.app_id}"


class CarSession(models.Model):
    """What signed commands to one part of one car are counted by (fleet.adapters.sessions), shared by all workers.

    Nothing in it is secret: the key that signs is the registration's. Within one epoch the counter only rises.
    """

    id = models.BigAutoField(primary_key=True)
    app = models.ForeignKey(ProviderApp, on_delete=models.CASCADE)
    car = models.CharField(max_length=200)
    part = models.CharField(max_length=10)
    public_key = models.BinaryField()
    epoch = models.BinaryField()
    counter = models.PositiveBigIntegerField()
    clock_zero_at = models.FloatField()
    updated_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "car", "part"], name="car_session_once")]

    def __str__(self) -> str:
        return f"session with {self.part} of a car"
