"""Budgets of a provider's application, what is used of them, and the ledger of wakes. Taking is done in SQL."""

import uuid
from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from fleet.events.models import ClockTimestamp


class Resource(models.TextChoices):
    """What is counted. A command is a call as well, and so is every request that a wake takes."""

    CALLS = "calls", _("Calls")
    COMMANDS = "commands", _("Commands")
    WAKES = "wakes", _("Wakes")


class Per(models.TextChoices):
    """Whose limit it is: the whole application's, one owner's login's, or one car's."""

    APP = "app", _("Whole connection")
    ACCOUNT = "account", _("Each owner")
    CAR = "car", _("Each car")


class Budget(models.Model):
    """No more than `limit` of a resource leave us within any `window_s` seconds.

    reserve: the part of the limit that only a person's own press may use. unit_price: what one costs at the maker.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    app = models.ForeignKey("vehicles.ProviderApp", on_delete=models.CASCADE, related_name="budgets")
    resource = models.CharField(max_length=10, choices=Resource)
    per = models.CharField(max_length=10, choices=Per, default=Per.APP)
    limit = models.PositiveIntegerField()
    window_s = models.PositiveIntegerField()
    reserve = models.PositiveIntegerField(default=0, db_default=0)
    unit_price = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["app", "resource", "per", "window_s"], name="budget_once"),
            models.CheckConstraint(condition=Q(limit__gte=1, window_s__gte=1), name="budget_has_size"),
            models.CheckConstraint(condition=Q(reserve__lte=F("limit")), name="budget_reserve_within_limit"),
            models.CheckConstraint(condition=Q(resource__in=Resource.values), name="budget_resource_known"),
            models.CheckConstraint(condition=Q(per__in=Per.values), name="budget_per_known"),
            models.CheckConstraint(
                condition=Q(unit_price__isnull=True) | (Q(unit_price__gte=Decimal(0)) & ~Q(currency="")),
                name="budget_price_has_currency",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.limit} {self.resource} per {self.window_s} s, {self.per}"


class BudgetUse(models.Model):
    """What one application, login or car has used of a budget: a ring of 61 sub-windows, the newest first.

    slot: the number of the newest sub-window since 1970. Written by budget_take() alone; see the migrations.
    """

    id = models.BigAutoField(primary_key=True)
    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="uses")
    key = models.UUIDField()
    slots = ArrayField(models.IntegerField())
    slot = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["budget", "key"], name="budget_use_once")]

    def __str__(self) -> str:
        return f"{sum(self.slots)} used"


class Wake(models.Model):
    """One wake of one car, written before it is asked for: the 12 V battery pays for it, so every one counts.

    cause: "command:<id>" or the like; is_automated: no person waited for it.
    """

    id = models.BigAutoField(primary_key=True)
    lane = models.ForeignKey("vehicles.Lane", on_delete=models.PROTECT)
    app = models.ForeignKey("vehicles.ProviderApp", on_delete=models.PROTECT)
    at = models.DateTimeField(db_default=ClockTimestamp())
    is_automated = models.BooleanField()
    cause = models.CharField(max_length=80)

    class Meta:
        indexes = [models.Index(fields=["lane", "-at"], name="wake_of_lane")]

    def __str__(self) -> str:
        return f"wake for {self.cause}"
