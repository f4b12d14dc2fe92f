"""Grants at makers that are to end because nobody uses them; the rest of this app works on rows of others."""

from django.db import models

from fleet.events.models import ClockTimestamp
from fleet.vehicles.models import ProviderAccount


class GrantEnding(models.Model):
    """An owner's login whose grant a worker takes back at the maker, tried a bounded number of times.

    team_id: the team that used it last; its rows may be gone while a maker is silent. ended_at: nothing of the login's
    tokens is left with us.
    """

    account = models.OneToOneField(ProviderAccount, primary_key=True, on_delete=models.CASCADE)
    team_id = models.UUIDField()
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_try_at = models.DateTimeField(db_default=ClockTimestamp())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["team_id"], name="grant_ending_of_team")]

    def __str__(self) -> str:
        return f"end of {self.account_id}"
