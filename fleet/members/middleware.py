"""Leading pages, and parts of pages, that lost their right to the page that says so: a part alone can't."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.decorators import sync_and_async_middleware
from django.utils.http import urlencode

from fleet.teams.access import all_memberships_of
from fleet.teams.models import User

View = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]
LOST = frozenset({403, 404})
# What needs no team and speaks for itself: the owners' own flow, accounts (without a name), accepting an invitation.
APART = frozenset({"connect", "installation", ""})
APART_VIEWS = frozenset({"members:open", "members:join", "members:switch"})


@sync_and_async_middleware
def lead_out(get_response: View) -> View:
    """Answer a part that asks for a page of sign-in with 401, and one of somebody without a team with 403.

    Both carry no data and lead the whole page on. Followed as it is, the redirect would draw the sign-in into the part.
    A whole page of somebody without a team leads on as well; whoever has one is told of foreign things what they ever
    were: that they do not exist.
    """
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            response = await get_response(request)
            return await sync_to_async(_lead)(request, response) if _may_lead(request, response) else response

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        return _lead(request, response) if _may_lead(request, response) else response  # type: ignore[arg-type]

    return answer


def _may_lead(request: HttpRequest, response: HttpResponseBase) -> bool:
    return response.status_code in LOST or "HX-Request" in request.headers


def _lead(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    is_part = "HX-Request" in request.headers
    sign_in = resolve_url(settings.LOGIN_URL)
    if is_part and response.status_code == 302 and response.headers.get("Location", "").startswith(f"{sign_in}?"):
        page = getattr(request, "htmx", None) and request.htmx.current_url_abs_path  # type: ignore[attr-defined]
        return _send(f"{sign_in}?{urlencode({'next': page})}" if page else sign_in, status=401)
    if response.status_code not in LOST or not _needs_team(request) or not _has_no_team(request):
        return response
    no_team = reverse("members:no_team")
    return (
        _send(no_team, status=403) if is_part else HttpResponseRedirect(no_team, headers={"Cache-Control": "no-store"})
    )


def _needs_team(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.app_name not in APART and match.view_name not in APART_VIEWS


def _has_no_team(request: HttpRequest) -> bool:
    # A team that waits for a second factor is a team.
    return isinstance(request.user, User) and not all_memberships_of(request.user)


def _send(url: str, *, status: int) -> HttpResponse:
    return HttpResponse(status=status, headers={"HX-Redirect": url, "Cache-Control": "no-store"})
