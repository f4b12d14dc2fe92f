"""Leaving for a provider and coming back: to sign in, or to confirm who it is."""

import time

from allauth.account.adapter import get_adapter
from allauth.account.app_settings import EmailVerificationMethod
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.core.internal import ratelimit
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from fleet.sign_on import configured
from fleet.sign_on.arriving import admit, is_of
from fleet.sign_on.errors import SignOnFailed
from fleet.sign_on.joining import join_teams, landing_team
from fleet.sign_on.letters import tell_linked
from fleet.sign_on.oidc import CLOCKS_DIFFER_S, CONFIRM, LOGIN, Arrival, leave, receive
from fleet.sign_on.providers import Provider, domain_of
from fleet.sign_on.ways_out import show_way_out
from fleet.teams.access import SESSION_KEY
from fleet.teams.by_provider import METHOD
from fleet.teams.joining import JOINING_KEY
from fleet.teams.models import User

# Each begin may call the provider, and each writes a session.
RATES = {"sign_on": "60/m/ip"}


@require_safe
@never_cache
def begin(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Lead to a provider's sign-in. A link and no form: the policy of our pages lets no form lead elsewhere."""
    return _leave(request, _get_provider(provider_id), LOGIN)


@require_safe
@login_required
@never_cache
def confirm(request: HttpRequest) -> HttpResponseBase:
    """Lead the person to their own provider, which is to ask them anew; without one, to a password by letter."""
    assert isinstance(request.user, User)  # noqa: S101 - signed in
    provider = configured.provider_for(domain_of(request.user.email))
    if provider is None or not SocialAccount.objects.filter(user=request.user, provider=provider.id).exists():
        return redirect("account_reset_password")
    return _leave(request, provider, CONFIRM)


@require_safe
@never_cache
def callback(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Take back whom a provider sends, with the proof of who it is."""
    provider = _get_provider(provider_id)
    try:
        arrival = receive(request, provider)
        if arrival.purpose == CONFIRM:
            return _note_confirmed(request, arrival)
        return _sign_in(request, arrival)
    except SignOnFailed as failed:
        return show_way_out(request, failed.code, provider)


def _get_provider(provider_id: str) -> Provider:
    provider = configured.find_provider(provider_id)
    if provider is None:
        raise Http404
    return provider


def _leave(request: HttpRequest, provider: Provider, purpose: str) -> HttpResponseBase:
    # A person who is signed in is counted by themselves, so that no colleague's tries keep them from confirming.
    if not ratelimit.consume(request, app="sign_on", action="sign_on", config=RATES, limit_get=True):
        return show_way_out(request, "too_many", provider)
    try:
        return leave(request, provider, purpose=purpose, next_url=get_next_redirect_url(request) or "")
    except SignOnFailed as failed:
        return show_way_out(request, failed.code, provider)


def _sign_in(request: HttpRequest, arrival: Arrival) -> HttpResponseBase:
    user, was_linked = admit(arrival, language=getattr(request, "LANGUAGE_CODE", ""))
    joined = join_teams(user, arrival.provider)
    if request.user.is_authenticated:
        _sign_out_keeping_invitation(request)
    _note_proof(request, user, arrival)
    if team_id := joined[0].team_id if joined else landing_team(user):
        request.session[SESSION_KEY] = str(team_id)
    if was_linked:
        tell_linked(user, arrival.provider)
    login = Login(
        user=user,
        email_verification=EmailVerificationMethod.NONE,  # the provider verified the address
        redirect_url=arrival.next_url or None,
        signal_kwargs={"provider": arrival.provider.id},
    )
    return perform_login(request, login)  # type: ignore[no-any-return]


def _note_confirmed(request: HttpRequest, arrival: Arrival) -> HttpResponse:
    user = request.user
    if not isinstance(user, User) or str(user.pk) != arrival.user_id or not is_of(arrival, user):
        raise SignOnFailed("other_person")
    at = _proved_at(arrival)
    if at is None or at < arrival.begun_at - CLOCKS_DIFFER_S:
        raise SignOnFailed("not_fresh")
    _note_proof(request, user, arrival, reauthenticated=True)
    if arrival.next_url and url_has_allowed_host_and_scheme(arrival.next_url, {request.get_host()}):
        return redirect(arrival.next_url)
    return render(request, "sign_on/confirmed.html", {"provider": arrival.provider})


def _note_proof(request: HttpRequest, user: User, arrival: Arrival, *, reauthenticated: bool | None = None) -> None:
    record_authentication(
        request,
        user,
        METHOD,
        provider=arrival.provider.id,
        proved_at=_proved_at(arrival),
        second_factor=arrival.has_second_factor or None,
        reauthenticated=reauthenticated,
    )


def _proved_at(arrival: Arrival) -> float | None:
    """Return when the person showed who they are, by our clock at the latest; None where that can't be."""
    now = time.time()
    if arrival.proved_at is None or arrival.proved_at > now + CLOCKS_DIFFER_S:
        return None
    return min(arrival.proved_at, now)


def _sign_out_keeping_invitation(request: HttpRequest) -> None:
    held = request.session.get(JOINING_KEY)
    get_adapter().logout(request)
    if held:
        request.session[JOINING_KEY] = held
