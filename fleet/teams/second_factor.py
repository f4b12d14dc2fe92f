"""Who has a second factor, whether this browser's sign-in gave it, and leading people there where a team demands it.

The one place where the demand is decided: fleet.teams.access asks here for every page, partial and stream. How factors
are kept is in authenticators.py, how somebody is asked for one before a risky command in stepup.py.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from asgiref.sync import iscoroutinefunction
from django.contrib.auth.middleware import get_user
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import sync_and_async_middleware
from django.utils.functional import SimpleLazyObject

from fleet.teams.by_provider import second_factors
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission

# Recovery codes are a way back to one of these, and never alone.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
METHOD = "mfa"  # how django-allauth notes in the session that one was given; passkeys and recovery codes too


class SecondFactorRequired(PermissionDenied):
    """The team shows itself only to those who gave a second factor; where nobody leads them to one, it is a 403."""


def has_second_factor(user: User) -> bool:
    """Say whether a person has set one up; asked once per request, since `user` is made anew for each."""
    known: bool | None = getattr(user, "_has_second_factor", None)
    if known is None:
        known = Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists()
        user._has_second_factor = known  # type: ignore[attr-defined]  # noqa: SLF001 - kept for the life of this object
    return known


def is_given(user: User) -> bool:
    """Say whether the person gave a second factor at this sign-in, and still has it; never true outside a request."""
    known: bool | None = getattr(user, "_gave_second_factor", None)
    if known is None:
        known = _is_given(user)
        user._gave_second_factor = known  # type: ignore[attr-defined]  # noqa: SLF001
    return known


def _is_given(user: User) -> bool:
    request: HttpRequest | None = getattr(user, "_request", None)
    if request is None:
        return False
    records = get_authentication_records(request, user)
    if second_factors(records):
        return True
    ids = [record.get("id") for record in records if record.get("method") == METHOD]
    # One that was taken away since counts no more, in whichever browser it was taken away.
    return bool(ids) and Authenticator.objects.filter(user_id=user.pk, id__in=ids).exists()


def is_locked(membership: Membership, user: User) -> bool:
    """Say whether the team stays closed to this person until they give a second factor. A viewer is not asked."""
    return membership.team.requires_second_factor and would_be_locked(membership, user)


def would_be_locked(membership: Membership, user: User) -> bool:
    """Say whether the team would be closed to this person if it demanded a second factor, as it may at any time."""
    return bool(membership.rights.permissions - {Permission.VIEW}) and not is_given(user)


def lead_to_second_factor(request: HttpRequest) -> HttpResponse:
    """Return the answer that leads to setting up a second factor, or to giving it; a part of a page leaves with it."""
    url = reverse("account_second_factor")
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=401, headers={"HX-Redirect": url, "Cache-Control": "no-store"})
    if request.method in {"GET", "HEAD"}:
        url += "?" + urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(url, headers={"Cache-Control": "no-store"})


View = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def second_factor(get_response: View) -> View:
    """Let the person of a request know its session, and answer SecondFactorRequired. After AuthenticationMiddleware."""

    def introduce(request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: _know(request))  # type: ignore[assignment]

    answer: Any
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            introduce(request)
            return await get_response(request)

        answer = answer_async
    else:

        def answer_sync(request: HttpRequest) -> HttpResponseBase:
            introduce(request)
            return get_response(request)  # type: ignore[return-value]

        answer = answer_sync

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return lead_to_second_factor(request) if isinstance(exception, SecondFactorRequired) else None

    answer.process_exception = process_exception
    return answer  # type: ignore[no-any-return]


def _know(request: HttpRequest) -> Any:
    user = get_user(request)
    if isinstance(user, User):
        user._request = request  # type: ignore[attr-defined]  # noqa: SLF001
    return user
