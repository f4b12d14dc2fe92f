"""Whether the person at this browser proved lately who they are, and asking them to: before anything risky.

The one place for it: pages of commands, jobs and schedules ask here. Whoever has a second factor confirms with that,
others with their password. The record is django-allauth's own, in the session: when, and by what; never a password.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.core.internal import ratelimit
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from fleet.teams.authenticators import ConfirmCodeForm
from fleet.teams.by_provider import can_use_password, proofs, second_factors
from fleet.teams.models import Membership, User
from fleet.teams.passwords import MAXIMUM_LENGTH
from fleet.teams.second_factor import METHOD, has_second_factor

# Commands that open, start or hand over a car.
RISKY = frozenset(
    {
        "unlock",
        "open_trunk",
        "open_frunk",
        "start_engine",
        "set_pin",
        "reset_pin",
        "enable_valet",
        "disable_valet",
    }
)
FIELD = "password"


class ConfirmForm(forms.Form):
    """ "Confirm it is you": one field, beside whatever else is asked. status: what to answer a refused one with.

    by_code: the field takes a code of the second factor instead. Its name stays, so that no page has to know which.
    by_provider: nothing can be typed; a link leads to the person's provider, in a page of its own, and what they have
    filled in here stays.
    """

    password = forms.CharField(
        label=_("Your password"),
        max_length=MAXIMUM_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("Confirm it is you. Then we do not ask again for 15 minutes."),
        error_messages={
            "required": _("Please enter your password: it was too long ago that you did."),
            "max_length": _("This password is too long. Use at most 256 characters."),
        },
    )
    status = 422

    def __init__(self, *args: Any, by_code: bool = False, by_provider: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_code = by_code
        if by_provider:
            field = self.fields[FIELD]
            field.label = _("Confirm it is you")
            field.help_text = format_html(
                '{} <a class="link" target="_blank" href="{}">{}</a>',
                _("Your provider asks you once more. Then come back here; we do not ask again for 15 minutes."),
                reverse("sign_on_confirm"),
                _("Confirm in a new page"),
            )
            field.error_messages["required"] = FAULTS["elsewhere"]
            field.widget = forms.HiddenInput()
        if by_code:
            field = self.fields[FIELD]
            field.label = _("Code from your app, or a recovery code")
            field.help_text = format_html(
                '{} <a class="link" href="{}">{}</a>',
                _("Confirm it is you. Then we do not ask again for 15 minutes."),
                reverse("mfa_reauthenticate"),
                _("Use a passkey instead"),
            )
            field.error_messages["required"] = _("Please enter a code: it was too long ago that you did.")
            field.widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"})


def must_confirm(membership: Membership, kind: str) -> bool:
    """Say whether a member has to confirm who they are before this command: the risky ones, or all by their role."""
    return kind in RISKY or membership.rights.needs_step_up


def form_for(user: User, *, auto_id: str = "confirm-%s") -> ConfirmForm:
    """Return the form to show, whether or not something has to be asked: see ask()."""
    return ConfirmForm(auto_id=auto_id, **_ways_of(user))


def is_recent(request: HttpRequest) -> bool:
    """Say whether the person at this browser signed in or confirmed it within the last 15 minutes.

    With a second factor only that counts, ours or a provider's; it is looked for only where something else is fresh.
    """
    if not isinstance(request.user, User):
        return False
    now = time.time()
    records = get_authentication_records(request, request.user)
    fresh = {record.get("method") for record in records if _is_within(now - record.get("at", 0.0))}
    if METHOD in fresh:
        return True
    if any(_is_within(now - (record.get("proved_at") or 0.0)) for record in second_factors(records)):
        return True
    by_provider = any(_is_within(now - (record.get("proved_at") or 0.0)) for record in proofs(records))
    return (by_provider or "password" in fresh) and not has_second_factor(request.user)


def _is_within(age_s: float) -> bool:
    # A record from the future comes of a clock that was set back; it would stay recent for too long.
    return -1 <= age_s < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def confirm(request: HttpRequest, password: str) -> bool:
    """Check a password or a code and remember for 15 minutes that it was right; False when wrong or tried too often."""
    return not _find_fault(request, password)


def ask(request: HttpRequest, *, auto_id: str = "confirm-%s") -> ConfirmForm | None:
    """Return the form to show, or None when nothing has to be asked."""
    return None if is_recent(request) else _form_for(request, auto_id=auto_id)


def check(request: HttpRequest, *, auto_id: str = "confirm-%s") -> ConfirmForm | None:
    """Read what was sent: None when it is confirmed, else the form with what is wrong at its field.

    Call it last, when nothing else is wrong: every wrong password counts towards the limit.
    """
    if is_recent(request):
        return None
    form = _form_for(request, {FIELD: request.POST.get(FIELD, "")}, auto_id=auto_id)
    if form.is_valid():
        fault = _find_fault(request, form.cleaned_data[FIELD])
        if not fault:
            return None
        form.status = 429 if fault == "too_many" else 422
        form.add_error(FIELD, FAULTS[fault])
    form.data = {}  # nothing that was typed comes back, in a field of plain text neither
    return form


FAULTS = {
    "wrong": _("This is not your password."),
    "wrong_code": _("This code is wrong, or was used already."),
    "too_many": _("Too many tries. Please wait some minutes."),
    "elsewhere": _("Please confirm it in the new page first."),
}


def _form_for(request: HttpRequest, *args: Any, auto_id: str) -> ConfirmForm:
    ways = _ways_of(request.user) if isinstance(request.user, User) else {}
    return ConfirmForm(*args, auto_id=auto_id, **ways)


def _ways_of(user: User) -> dict[str, bool]:
    by_code = has_second_factor(user)
    has_providers = bool(settings.SIGN_ON_PROVIDERS)
    return {"by_code": by_code, "by_provider": has_providers and not by_code and not can_use_password(user)}


def _find_fault(request: HttpRequest, given: str) -> str:
    """Check a password or a code through allauth, under its limits; "" when it was right."""
    user = request.user
    if not isinstance(user, User) or len(given) > MAXIMUM_LENGTH:
        return "wrong"
    if _ways_of(user)["by_provider"]:
        return "elsewhere"
    if not ratelimit.consume(request, app="allauth.account", action="reauthenticate", user=user):
        return "too_many"
    return (
        _find_fault_in_code(user, given) if has_second_factor(user) else _find_fault_in_password(request, user, given)
    )


def _find_fault_in_code(user: User, code: str) -> str:
    form = ConfirmCodeForm(user=user, data={"code": code})
    if form.is_valid():
        form.save()
        return ""
    codes = {error.code for error in form.errors.as_data().get("code", [])}
    return "too_many" if "too_many_login_attempts" in codes else "wrong_code"


def _find_fault_in_password(request: HttpRequest, user: User, password: str) -> str:
    try:
        # Shares the limit of wrong sign-ins to this account, so that no second door has tries of its own.
        found = get_adapter(request).authenticate(request, email=user.email, password=password)
    except ValidationError:
        return "too_many"
    if found is None or found.pk != user.pk:
        return "wrong"
    record_authentication(request, user, method="password", reauthenticated=True)
    return ""


def counts_as_sign_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Note for a view that signs people up that they chose their password just now: allauth itself does not."""

    @wraps(view)
    def noting(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        was_known = request.user.is_authenticated
        answer = view(request, *args, **kwargs)
        if request.user.is_authenticated and not was_known:
            record_authentication(request, request.user, method="password")
        return answer

    return noting
