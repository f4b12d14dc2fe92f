"""Forms of sign-up, sign-in and of one's own account."""

from typing import Any
from uuid import UUID

from allauth.account.adapter import get_adapter
from allauth.account.forms import AddEmailForm
from allauth.account.forms import ChangePasswordForm as BaseChangePasswordForm
from allauth.account.forms import LoginForm as BaseLoginForm
from allauth.account.forms import ReauthenticateForm as BaseReauthenticateForm
from allauth.account.forms import ResetPasswordForm as BaseResetPasswordForm
from allauth.account.forms import SignupForm as BaseSignupForm
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from allauth.core import context
from django import forms
from django.conf import settings
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator, RegexValidator
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from fleet.teams.joining import invited_address
from fleet.teams.models import User
from fleet.teams.passwords import MAXIMUM_LENGTH

EMAIL_MAX_LENGTH = 254
# Of whom an unknown address is not; and what is asked about somebody to reset a password: here, and for the token.
NOBODY = UUID(int=0)
QUERIES_FOR_ONE = 3

no_control_characters = RegexValidator(
    r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]",
    _("This text holds characters that can’t be shown."),
    inverse_match=True,
)


class SignupForm(BaseSignupForm):
    """Name, team, e-mail and password: all that is needed to begin; who was invited needs no team of their own."""

    name = forms.CharField(label=_("Your name"), max_length=100, validators=[no_control_characters])
    team_name = forms.CharField(label=_("Name of your team"), max_length=100, validators=[no_control_characters])
    field_order = ["name", "team_name", "email", "password1"]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs |= {"autocomplete": "name"}
        self.fields["team_name"].widget.attrs |= {"autocomplete": "organization"}
        invited = invited_address(context.request)
        if invited is not None:
            del self.fields["team_name"]
            self.initial.setdefault("email", invited)
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
        _refuse_before_hashing(password)

    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] | None = super().clean()
        if self.user is not None and not self.user.is_active:
            raise get_adapter().validation_error("email_password_mismatch")
        return cleaned


class ResetPasswordForm(BaseResetPasswordForm):
    """Asking for a link by letter: a letter goes to every address, and the work for it is the same."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        known = [address for user in self.users for address in user.emailaddress_set.all()]
        if any(address.verified for address in known):
            list(User.objects.filter(email=email.lower()).iterator(2000))  # allauth stopped before it
        for _time in range(0 if self.users else QUERIES_FOR_ONE):
            list(EmailAddress.objects.filter(user_id=NOBODY))
        return email


class ReauthenticateForm(BaseReauthenticateForm):
    """The password again, before something risky."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        _refuse_before_hashing(self.fields["password"])


class ChangePasswordForm(BaseChangePasswordForm):
    """Choosing another password; the old one shows who asks."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].help_text = ""
        for name in ("oldpassword", "password2"):
            _refuse_before_hashing(self.fields[name])
        self.fields["password1"].max_length = MAXIMUM_LENGTH


class ChangeEmailForm(AddEmailForm):
    """The address to change to."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("New e-mail address")
        self.fields["email"].validators.append(MaxLengthValidator(EMAIL_MAX_LENGTH))
        self.fields["email"].widget.attrs |= {"maxlength": EMAIL_MAX_LENGTH}

    def save(self, request: HttpRequest) -> EmailAddress:
        """Keep the new address beside the present one until it is confirmed, and send the letter.

        allauth's own takes the present address for an older wish where it was never confirmed, and removes it.
        """
        EmailAddress.objects.filter(user=self.user, verified=False).exclude(email__iexact=self.user.email).delete()
        wished = EmailAddress.objects.create(user=self.user, email=self.cleaned_data["email"].lower())
        send_verification_email_to_address(request, wished)
        return wished


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """What others see of somebody, and the language of pages and letters."""

    name = forms.CharField(label=_("Your name"), max_length=100, validators=[no_control_characters])
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    class Meta:
        model = User
        fields = ["name", "language"]


def _refuse_before_hashing(password: forms.Field) -> None:
    password.validators += [ProhibitNullCharactersValidator(), _at_most(MAXIMUM_LENGTH)]


def _at_most(length: int) -> RegexValidator:
    return RegexValidator(rf"(?s)\A.{{0,{length}}}\Z", _("This password is too long. Use at most 256 characters."))
