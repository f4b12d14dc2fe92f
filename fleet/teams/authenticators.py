"""How second factors are kept and checked on top of django-allauth: sealed secrets, codes that work once, passkeys.

allauth's forms trust what a browser's script sends; these take anything and answer with an error at the field.
"""

import base64
import hashlib
import hmac
import re
from functools import cache
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as AllauthReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.webauthn import forms as webauthn
from cryptography.fernet import Fernet, MultiFernet
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from fleet.teams.forms import no_control_characters
from fleet.teams.second_factor import METHOD

CODE_MAX_LENGTH = 32
CREDENTIAL_MAX_LENGTH = 20_000
NAME_MAX_LENGTH = 60
# What a broken or malicious answer of an authenticator makes the libraries raise, besides what allauth catches itself.
MALFORMED = (AttributeError, KeyError, IndexError, TypeError, ValueError)


class AuthenticatorAdapter(DefaultMFAAdapter):
    """Seals the secrets of authenticator apps and recovery codes under the installation's key ring."""

    def encrypt(self, text: str) -> str:
        return _ring(settings.KEY_RING).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _ring(settings.KEY_RING).decrypt(encrypted_text.encode()).decode()

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:  # noqa: A002 - allauth's word
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return str(_("Passkey %(number)d") % {"number": count + 1})


@cache
def _ring(raw: str) -> MultiFernet:
    """Make keys of their own from the key ring ("id:base64", newest first), so that no key serves two purposes."""
    keys = [base64.b64decode(entry.partition(":")[2]) for entry in raw.split(",")]
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hmac.new(key, b"second factor", hashlib.sha256).digest())) for key in keys]
    )


def clean_code(raw: str) -> str:
    """Return the digits of a code as people type them. Raises ValidationError when it can be none."""
    code = re.sub(r"[\s-]", "", raw)
    if not re.fullmatch(r"[0-9]{6}|[0-9]{8}", code, re.ASCII):
        raise ValidationError(_("A code has six digits, a recovery code eight."), code="malformed_code")
    return code


def use_up(authenticator: Authenticator, code: str) -> None:
    """Let a code of an app work once, in every process: it and all before it are spent. Raises ValidationError.

    allauth remembers them for half a minute, in the cache of one process, while they are good for a minute and a half.
    """
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
        secret = get_adapter().decrypt(row.data["secret"])
        counter = next(
            (c for c in yield_hotp_counters_from_time() if format_hotp_value(hotp_value(secret, c)) == code), -1
        )
        if counter <= row.data.get("last_counter", -1):
            raise get_adapter().validation_error("incorrect_code")
        row.data["last_counter"] = counter
        row.save(update_fields=["data"])
    authenticator.data = row.data


def _code_field(label: Any) -> forms.CharField:
    attrs = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "maxlength": CODE_MAX_LENGTH}
    return forms.CharField(label=label, max_length=CODE_MAX_LENGTH, widget=forms.TextInput(attrs=attrs))


class _TakesCodes:
    """Reads a code, lets allauth look for whose it is, under its limits, and uses it up."""

    cleaned_data: dict[str, Any]
    authenticator: Authenticator

    def clean_code(self) -> str:
        self.cleaned_data["code"] = clean_code(self.cleaned_data["code"])
        code: str = super().clean_code()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.TOTP:
            use_up(self.authenticator, code)
        return code


class CodeForm(_TakesCodes, AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in."""

    code = _code_field(_("Code from your app, or a recovery code"))


class ConfirmCodeForm(_TakesCodes, AllauthReauthenticateForm):  # type: ignore[misc]
    """Confirming who it is, while signed in."""

    code = _code_field(_("Code from your app, or a recovery code"))


class ActivateForm(ActivateTOTPForm):  # type: ignore[misc]
    """Setting up an app: its first code shows that it holds the secret."""

    code = _code_field(_("Code that the app shows"))

    def clean_code(self) -> str:
        self.cleaned_data["code"] = clean_code(self.cleaned_data["code"])
        return str(super().clean_code())


class _TakesPasskeys:
    """Takes what script says an authenticator answered, and nothing on trust."""

    def clean_credential(self) -> Any:
        credential = self.cleaned_data["credential"]  # type: ignore[attr-defined]
        if not isinstance(credential, dict):
            raise get_adapter().validation_error("incorrect_code")
        parent = getattr(super(), "clean_credential", None)
        try:
            return parent() if parent is not None else credential
        except ValidationError:
            raise
        except MALFORMED as error:
            raise get_adapter().validation_error("incorrect_code") from error


def _credential_field() -> forms.JSONField:
    # The length is looked at as text: before it is parsed.
    return _CredentialField(required=True, widget=forms.HiddenInput)


class _CredentialField(forms.JSONField):
    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and (len(value) > CREDENTIAL_MAX_LENGTH or "\x00" in value):
            raise ValidationError(_("This passkey can’t be read."), code="invalid")
        try:
            return super().to_python(value)
        except RecursionError as error:
            raise ValidationError(_("This passkey can’t be read."), code="invalid") from error


def _name_field(*, required: bool) -> forms.CharField:
    return forms.CharField(
        label=_("Name"),
        required=required,
        max_length=NAME_MAX_LENGTH,
        validators=[no_control_characters],
        help_text=_("So that you know it again, for example “Phone” or “Key on the key ring”."),
    )


class AddPasskeyForm(_TakesPasskeys, webauthn.AddWebAuthnForm):  # type: ignore[misc]
    """Adding a passkey; every one is made so that it can sign in by itself."""

    name = _name_field(required=False)
    credential = _credential_field()
    passwordless = None

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["passwordless"] = True
        try:
            return dict(super().clean())
        except ValidationError:
            raise
        except MALFORMED as error:
            raise get_adapter().validation_error("incorrect_code") from error


class NamePasskeyForm(webauthn.EditWebAuthnForm):  # type: ignore[misc]
    """Giving a passkey another name."""

    name = _name_field(required=True)


class PasskeyForm(_TakesPasskeys, webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """The second step of signing in, by passkey."""

    credential = _credential_field()


class ConfirmPasskeyForm(_TakesPasskeys, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Confirming who it is by passkey, while signed in."""

    credential = _credential_field()


class SignInPasskeyForm(_TakesPasskeys, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    """Signing in by passkey alone; which counts as both factors."""

    credential = _credential_field()


def count_as_given(request: HttpRequest, authenticator: Authenticator) -> None:
    """Note that a factor set up just now was given: its code or its signature was asked for."""
    record_authentication(
        request,
        authenticator.user,
        METHOD,
        id=authenticator.pk,
        type=authenticator.type,
        reauthenticated=True,
    )
