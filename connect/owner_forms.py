"""Forms of the owner's flow: the way back from a maker, the decision, a make that is missing. They check shape."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from fleet.adapters.base import RemoteVehicle
from fleet.countries import country_choices
from fleet.teams.forms import no_control_characters


class CallbackForm(forms.Form):
    """The maker's answer as it stands in the address: bounded, and nothing in it that could break a line or a page."""

    state = forms.CharField(max_length=100, strip=False, validators=[RegexValidator(r"\A[A-Za-z0-9_-]+\Z")])
    code = forms.CharField(
        max_length=2_048, required=False, strip=False, validators=[RegexValidator(r"\A[\x20-\x7e]+\Z")]
    )
    user_id = forms.CharField(
        max_length=200, required=False, strip=False, validators=[RegexValidator(r"\A[\x20-\x7e]+\Z")]
    )
    error = forms.CharField(max_length=64, required=False, strip=False, validators=[RegexValidator(r"\A[a-z_]+\Z")])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if isinstance(self.data, QueryDict) and any(len(self.data.getlist(name)) > 1 for name in self.fields):
            raise forms.ValidationError("given twice", code="twice")
        if not self.errors and cleaned["code"] and cleaned["error"]:
            raise forms.ValidationError("a code or an error", code="one_of_two")
        return cleaned


class ReviewForm(forms.Form):
    """The owner's decision: which cars, and what of the optional things."""

    cars = forms.MultipleChoiceField(error_messages={"required": _("Choose at least one car.")})
    scopes = forms.MultipleChoiceField(required=False)
    name = forms.CharField(
        label=_("Your name"),
        max_length=100,
        required=False,
        validators=[no_control_characters],
        help_text=_("So that the team knows whose car it is."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("Your e-mail address"),
        max_length=254,
        required=False,
        help_text=_("We send you the link to your own page: what you share, who used it, and how to stop."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def __init__(self, *args: Any, cars: list[RemoteVehicle], scopes: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cars"].choices = [(car.provider_vehicle_id, car.model) for car in cars]  # type: ignore[attr-defined]
        self.fields["scopes"].choices = [(key, key) for key in scopes]  # type: ignore[attr-defined]


class LetterForm(forms.Form):
    """Where the link to the owner's own pages is sent."""

    email = forms.EmailField(
        label=_("Your e-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


class WishForm(forms.Form):
    """A make that an owner did not find."""

    brand = forms.CharField(
        label=_("Make of your car"),
        max_length=60,
        validators=[no_control_characters],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    country = forms.ChoiceField(label=_("Country"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = country_choices(str(_("Not said")))  # type: ignore[attr-defined]
