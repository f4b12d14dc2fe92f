"""Forms of the cockpit: an owner's address, until when a consent is asked for."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.teams.models import Team

LONGEST_CONSENT = timedelta(days=3660)


class OwnerEmailForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail of the owner"),
        required=False,
        max_length=254,
        help_text=_("For letters about their connections only."),
    )


class AskForm(forms.Form):
    """ends_on: the last day of the consent, in the team's time zone."""

    ends_on = forms.DateField(
        label=_("Ask for it until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Without a day: for as long again, or without an end where there was none."),
    )

    def __init__(self, data: Any = None, *, team: Team) -> None:
        super().__init__(data)
        self.team = team

    def clean_ends_on(self) -> date | None:
        day: date | None = self.cleaned_data["ends_on"]
        if day is None:
            return None
        today = timezone.localdate(timezone=self.team.zone)
        if not today < day <= today + LONGEST_CONSENT:
            raise forms.ValidationError(_("Choose a day in the next ten years."))
        return day

    def ends_at(self) -> datetime | None:
        """Return the end of the chosen day as a moment."""
        day: date | None = self.cleaned_data["ends_on"]
        if day is None:
            return None
        return datetime.combine(day + timedelta(days=1), time(), self.team.zone).astimezone(UTC)
