"""Forms of jobs: how fast, how long, when to give up, and the number typed before a risky one. Services decide."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from commands.jobs.errors import JobError, TooLate
from commands.jobs.services import PACE, STOP_SHARE
from commands.jobs.words import PROBLEMS
from commands.words import PARAMETER_ERRORS
from fleet.adapters.rules import InvalidParameter, Number

HOUR_MIN = 60
DAY_MIN = 24 * HOUR_MIN
LIVES_MIN = (
    (15, _("15 minutes")),
    (HOUR_MIN, _("1 hour")),
    (4 * HOUR_MIN, _("4 hours")),
    (12 * HOUR_MIN, _("12 hours")),
    (DAY_MIN, _("1 day")),
    (3 * DAY_MIN, _("3 days")),
)
MOST_DIGITS = 6


def _whole(number: Number, label: Any, help_text: Any) -> forms.IntegerField:
    field = forms.IntegerField(
        label=label,
        required=False,
        min_value=int(number.minimum),
        max_value=int(number.maximum),
        help_text=help_text,
    )
    field.localize = False
    field.widget.attrs["inputmode"] = "numeric"
    return field


class OptionsForm(forms.Form):
    """How a job goes about its cars. Empty is a good choice for each of them."""

    pace_per_min = _whole(PACE, _("Vehicles per minute, at most"), _("Empty: as fast as the makers allow."))
    stop_share_percent = _whole(
        STOP_SHARE, _("Stop at failures of, in %"), _("From the tenth result on. Empty: never.")
    )
    within_min = forms.TypedChoiceField(
        label=_("Give up after"),
        choices=LIVES_MIN,
        coerce=int,
        initial=HOUR_MIN,
        help_text=_("Nothing is sent later than that."),
    )

    def deadline(self) -> datetime:
        """Return when nothing more is to be sent."""
        return timezone.now() + timedelta(minutes=self.cleaned_data["within_min"])

    def note(self, error: InvalidParameter) -> bool:
        """Show what a service refused at its field; say whether there is such a field."""
        field = "within_min" if error.field == "deadline" else error.field
        if field not in self.fields:
            return False
        self.add_error(field, problem_of(error))
        return True


class ConfirmForm(forms.Form):
    """The answer to the question before a risky job: the number of cars in digits, where they are many."""

    confirmed_count = forms.CharField(max_length=20)

    def __init__(self, data: Any = None, *, count: int, needs_number: bool) -> None:
        super().__init__(data, auto_id="confirm-%s")
        self.expected = count
        if not needs_number:
            del self.fields["confirmed_count"]
            return
        field = self.fields["confirmed_count"]
        shown = number_format(count, 0, force_grouping=False)
        field.label = _("Type the number %(count)s to confirm") % {"count": shown}
        field.widget.attrs |= {"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"}

    def is_good(self) -> bool:
        """Say whether the right number was typed, or none had to be; else the error stands at the field."""
        if "confirmed_count" not in self.fields:
            return True
        if not self.is_valid():
            return False
        raw = self.cleaned_data["confirmed_count"].strip()
        is_right = raw.isascii() and raw.isdigit() and len(raw) <= MOST_DIGITS and int(raw) == self.expected
        if not is_right:
            self.add_error("confirmed_count", str(PROBLEMS["wrong_number"]))
        return is_right


def problem_of(error: InvalidParameter) -> str:
    """Return one sentence for a value that a service of jobs refused."""
    sentence = PROBLEMS.get(error.code) or PARAMETER_ERRORS.get(error.code) or _("This makes no sense.")
    return str(sentence) % error.limits


def refusal_of(error: JobError) -> str:
    """Return one sentence for what can't be done with a job any more, or not by this person."""
    if isinstance(error, TooLate):
        return str(_("It is too late for that. Below you see where the job stands now."))
    return str(PROBLEMS.get(error.code, _("This makes no sense.")))
