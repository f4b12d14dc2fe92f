"""Forms of sign-up and sign-in."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm as BaseLoginForm
from allauth.account.forms import SignupForm as BaseSignupForm
from django import forms
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator, RegexValidator
from django.utils.translation import gettext_lazy as _

from fleet.teams.passwords import MAXIMUM_LENGTH

EMAIL_MAX_LENGTH = 254

no_control_characters = RegexValidator(
    r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]",
    _("This text holds characters that can’t be shown."),
    inverse_match=True,
)


class SignupForm(BaseSignupForm):
    """Name, team, e-mail and password: all that is needed to begin."""

    name = forms.CharField(label=_("Your name"), max_length=100, validators=[no_control_characters])
    team_name = forms.CharField(label=_("Name of your team"), max_length=100, validators=[no_control_characters])
    field_order = ["name", "team_name", "email", "password1"]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs |= {"autocomplete": "name"}
        self.fields["team_name"].widget.attrs |= {"autocomplete": "organization"}
        self.fields["email"].validators.append(MaxLengthValidator(EMAIL_MAX_LENGTH))
        self.fields["email"].widget.attrs |= {"maxlength": EMAIL_MAX_LENGTH}
        self.fields["password1"].max_length = MAXIMUM_LENGTH
        self.fields["password1"].widget.attrs |= {"maxlength": MAXIMUM_LENGTH}


class LoginForm(BaseLoginForm):
    """E-mail and password; whoever may not sign in reads the same, whatever the reason."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        password = self.fields["password"]
        password.help_text = ""  # the way to a new password stands below the form
        # Refuse by length before hashing.
        password.validators += [ProhibitNullCharactersValidator(), _at_most(MAXIMUM_LENGTH)]

    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] | None = super().clean()
        if self.user is not None and not self.user.is_active:
            raise get_adapter().validation_error("email_password_mismatch")
        return cleaned


def _at_most(length: int) -> RegexValidator:
    return RegexValidator(rf"(?s)\A.{{0,{length}}}\Z", _("This password is too long. Use at most 256 characters."))
