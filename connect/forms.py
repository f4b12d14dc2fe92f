"""Forms of share links. They check shape; services act."""

import re
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from compatibility.vins import find_fault, make_of
from connect.brands import OfferedBrand
from connect.models import ShareLink
from connect.scopes import ALWAYS_NEEDED, SCOPES
from connect.sending.words import VIN_PROBLEMS
from connect.vins import brand_of_make
from fleet.countries import country_choices
from fleet.teams.forms import no_control_characters
from fleet.teams.models import Team
from fleet.vehicles.vin import clean_vin

DEFAULT_DAYS = 14
MESSAGE_MAX_LENGTH = 500
# A consent for longer than that is no end date any more.
MOST_YEARS = 10
no_control_but_lines = RegexValidator(
    r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", no_control_characters.message, inverse_match=True
)


class DayInput(forms.DateInput):
    """A date in the browser's own field."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class LinesField(forms.CharField):
    """A text of several lines; a browser's line ends count as one character each."""

    def to_python(self, value: Any) -> str:
        return super().to_python(re.sub(r"\r\n?", "\n", value) if isinstance(value, str) else value) or ""


class ShareLinkForm(forms.Form):
    """What a link asks for, for whom, until when, and how often it may be used."""

    label = forms.CharField(
        label=_("What is it for?"),
        max_length=100,
        validators=[no_control_characters],
        help_text=_("Only your team sees this, for example the owner’s name."),
    )
    message = LinesField(
        label=_("Message to the owner"),
        required=False,
        max_length=MESSAGE_MAX_LENGTH,
        validators=[no_control_but_lines],
        widget=forms.Textarea,
        help_text=_("Why you ask, in your own words. At most 500 characters."),
    )
    scopes_needed = forms.MultipleChoiceField(
        label=_("Needed"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("The owner can only say yes to all of these. Which car it is, is always needed."),
    )
    scopes_optional = forms.MultipleChoiceField(
        label=_("Optional"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("The owner switches each of these on, or not."),
    )
    days = forms.IntegerField(label=_("Good for how many days?"), min_value=1, max_value=365, initial=DEFAULT_DAYS)
    max_uses = forms.IntegerField(
        label=_("How often can it be used?"),
        min_value=1,
        max_value=1_000,
        required=False,
        initial=1,
        help_text=_("Leave it empty for no limit."),
    )
    brands = forms.MultipleChoiceField(
        label=_("Makes"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("None chosen: any make.")
    )
    vin = forms.CharField(
        label=_("Only this car"),
        required=False,
        max_length=40,
        help_text=_("Its VIN. The owner can choose no other car then."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off", "class": "mono"}),
    )
    consent_ends = forms.DateField(
        label=_("Consent until"),
        required=False,
        widget=DayInput,
        help_text=_("At the end of this day the sharing ends by itself. Empty: until the owner stops it."),
    )
    language = forms.ChoiceField(label=_("Language"), required=False)
    country = forms.ChoiceField(
        label=_("Country"), required=False, help_text=_("Which makes are shown first; the owner can change it.")
    )

    def __init__(self, *args: Any, brands: list[OfferedBrand], team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered, self.team = brands, team
        self.fields["brands"].choices = [(brand.key, brand.name) for brand in brands]  # type: ignore[attr-defined]
        choices = [(scope.key, scope.title) for scope in SCOPES.values() if scope.key != ALWAYS_NEEDED]
        for name in ("scopes_needed", "scopes_optional"):
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        languages = [("", _now("As their browser says")), *settings.LANGUAGES]
        self.fields["language"].choices = languages  # type: ignore[attr-defined]
        self.fields["country"].choices = country_choices(_now("Not said"))  # type: ignore[attr-defined]

    def clean_vin(self) -> str:
        raw: str = self.cleaned_data["vin"]
        if raw and (fault := find_fault(raw)):
            raise forms.ValidationError(VIN_PROBLEMS[fault])
        return clean_vin(raw)

    def clean_consent_ends(self) -> datetime | None:
        day = self.cleaned_data["consent_ends"]
        if day is None:
            return None
        today = timezone.localdate(timezone=self.team.zone)
        if day < today:
            raise forms.ValidationError(_("This day is over."))
        if day > today + timedelta(days=366 * MOST_YEARS):
            raise forms.ValidationError(_("At most ten years from now."))
        return datetime.combine(day, time(23, 59, 59), tzinfo=self.team.zone)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        needed, optional = set(cleaned.get("scopes_needed", ())), set(cleaned.get("scopes_optional", ()))
        if twice := needed & optional:
            titles = ", ".join(scope.title for scope in SCOPES.values() if scope.key in twice)
            self.add_error("scopes_optional", _("Needed or optional, not both: %(titles)s.") % {"titles": titles})
        elif not needed | optional and not self.errors:
            self.add_error("scopes_needed", _("Choose at least one thing to ask for."))
        self._check_make(cleaned)
        ends = cleaned.get("consent_ends")
        if ends is not None and cleaned.get("days") and ends < self.expires_at():
            self.add_error("consent_ends", _("Until then the link itself is still good. Choose a later day."))
        return cleaned

    def _check_make(self, cleaned: dict[str, Any]) -> None:
        """Refuse a car whose make is known and can't be chosen; of a make that we don't know, the owner can try."""
        make = make_of(cleaned.get("vin") or "")
        if not make or not self.offered:
            return
        brand = brand_of_make(make, self.offered)
        if brand is None:
            self.add_error("vin", _("This is a %(make)s, which is not offered here.") % {"make": make})
        elif cleaned.get("brands") and brand.key not in cleaned["brands"]:
            self.add_error("vin", _("This is a %(make)s, which you did not choose.") % {"make": make})

    def expires_at(self) -> datetime:
        return timezone.now() + timedelta(days=self.cleaned_data["days"])

    def as_link(self) -> ShareLink:
        """Return a link as the form stands, right or wrong, to be shown and not to be kept."""
        self.is_valid()
        cleaned = self.cleaned_data if self.is_bound else {}
        needed = {ALWAYS_NEEDED, *cleaned.get("scopes_needed", ())}
        return ShareLink(
            team=self.team,
            scopes_needed=sorted(needed),
            scopes_optional=sorted(set(cleaned.get("scopes_optional", ())) - needed),
            brands=cleaned.get("brands", []),
            vin=cleaned.get("vin", ""),
            country=cleaned.get("country", ""),
            language=cleaned.get("language", ""),
            message=cleaned.get("message", ""),
            consent_ends_at=cleaned.get("consent_ends"),
        )
