"""Forms of teams: settings, and another team of one's own."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from fleet.countries import country_choices
from fleet.teams.forms import no_control_characters
from fleet.teams.models import Team
from fleet.teams.settings import TeamSettings
from fleet.teams.zones import zone_names


class NewTeamForm(forms.Form):
    """A name is all that is needed to begin."""

    name = forms.CharField(label=_("Name of the team"), max_length=100, validators=[no_control_characters])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs |= {"autocomplete": "organization"}


class SettingsForm(NewTeamForm):
    """The settings of a team."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"), required=False, help_text=_("Schedules, rules and the hours of roles go by it.")
    )
    country = forms.ChoiceField(
        label=_("Country"),
        required=False,
        help_text=_("Where the cars are at home: what works differs by country. A car may say otherwise."),
    )
    language = forms.ChoiceField(
        label=_("Language"), required=False, help_text=_("Of letters to people who have chosen none themselves.")
    )
    distance_unit = forms.ChoiceField(label=_("Distances"), choices=Team.DistanceUnit.choices, widget=forms.RadioSelect)
    temperature_unit = forms.ChoiceField(
        label=_("Temperatures"),
        choices=Team.TemperatureUnit.choices,
        widget=forms.RadioSelect,
        help_text=_("What people of the team read and type. Files and makers always get kilometres and °C."),
    )
    requires_second_factor = forms.BooleanField(
        label=_("Whoever may command or manage needs a second factor"), required=False
    )
    shares_measurements = forms.BooleanField(label=_("Share what your runs show"), required=False)

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = dict.fromkeys(name for name in (team.time_zone, *zone_names()) if name)
        own = _("The installation’s own: %(value)s")
        zone, language = settings.TIME_ZONE, dict(settings.LANGUAGES)[settings.LANGUAGE_CODE]
        self.fields["time_zone"].choices = [("", own % {"value": zone}), *((name, name) for name in names)]  # type: ignore[attr-defined]
        self.fields["country"].choices = country_choices(_now("Not said"))  # type: ignore[attr-defined]
        self.fields["language"].choices = [("", own % {"value": language}), *settings.LANGUAGES]  # type: ignore[attr-defined]

    @property
    def wanted(self) -> TeamSettings:
        return TeamSettings(**self.cleaned_data)
