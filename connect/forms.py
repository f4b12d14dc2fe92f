"""Forms of share links. They check shape; services act."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from connect.brands import OfferedBrand
from connect.scopes import ALWAYS_NEEDED, SCOPES
from fleet.teams.forms import no_control_characters

DEFAULT_DAYS = 14


class ShareLinkForm(forms.Form):
    """What a link asks for, for whom, until when, and how often it may be used."""

    label = forms.CharField(
        label=_("What is it for?"),
        max_length=100,
        validators=[no_control_characters],
        help_text=_("Only your team sees this, for example the owner’s name."),
    )
    brands = forms.MultipleChoiceField(label=_("Makes"), required=False, help_text=_("None chosen: any make."))
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

    def __init__(self, *args: Any, brands: list[OfferedBrand], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["brands"].choices = [(brand.key, brand.name) for brand in brands]  # type: ignore[attr-defined]
        choices = [(scope.key, scope.title) for scope in SCOPES.values() if scope.key != ALWAYS_NEEDED]
        for name in ("scopes_needed", "scopes_optional"):
            self.fields[name].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        needed, optional = set(cleaned.get("scopes_needed", ())), set(cleaned.get("scopes_optional", ()))
        if twice := needed & optional:
            titles = ", ".join(scope.title for scope in SCOPES.values() if scope.key in twice)
            self.add_error("scopes_optional", _("Needed or optional, not both: %(titles)s.") % {"titles": titles})
        elif not needed | optional and not self.errors:
            self.add_error("scopes_needed", _("Choose at least one thing to ask for."))
        return cleaned

    def expires_at(self) -> datetime:
        return timezone.now() + timedelta(days=self.cleaned_data["days"])
