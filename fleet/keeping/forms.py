"""Forms: how long a team keeps what is over, and saying that it shall end."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.teams.models import Team
from fleet.teams.retention import LEAST_DAYS, MOST_DAYS, Retention

ERRORS = {
    "invalid": _("Please enter a whole number of days."),
    "min_value": _("At least %(limit_value)s days."),
    "max_value": _("At most %(limit_value)s days. Leave it empty to keep everything."),
}


class DaysField(forms.IntegerField):
    """A number of days; empty is for as long as the team exists."""

    def __init__(self, **kwargs: Any) -> None:
        messages = {name: ERRORS[name] for name in ERRORS}
        super().__init__(required=False, min_value=LEAST_DAYS, max_value=MOST_DAYS, error_messages=messages, **kwargs)
        self.widget.attrs |= {"inputmode": "numeric", "autocomplete": "off"}


class RetentionForm(forms.Form):
    """Two numbers of days."""

    history_days = DaysField(
        label=_("Days that history is kept"),
        help_text=_("Commands, jobs and alerts that are over, used invitations, last readings of silent cars."),
    )
    names_days = DaysField(
        label=_("Days that names are kept in the audit trail"),
        help_text=_("The trail itself stays for ever and can be verified; addresses in it become unreadable."),
    )

    @property
    def wanted(self) -> Retention:
        return Retention(self.cleaned_data["history_days"], self.cleaned_data["names_days"])


class CloseForm(forms.Form):
    """The name of the team, typed by hand: so that nobody ends the wrong one."""

    name = forms.CharField(
        label=_("Type the name of the team"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Type the name of the team as it stands above.")},
    )

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team = team

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if name.split() != self.team.name.split():
            raise forms.ValidationError(_("This is not the name of the team."), code="other_name")
        return str(name)
