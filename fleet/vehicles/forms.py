"""Forms of one vehicle."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from fleet.countries import COUNTRIES, country_choices
from fleet.teams.models import Team


class CountryForm(forms.Form):
    """Where a car is at home; empty is where its team's cars are."""

    country = forms.ChoiceField(
        label=_("Country"), required=False, help_text=_("Where the car is at home: what works differs by country.")
    )

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = COUNTRIES.get(team.country) or _now("not said")
        self.fields["country"].choices = country_choices(_now("The team’s own: %(country)s") % {"country": own})  # type: ignore[attr-defined]
