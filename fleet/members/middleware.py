"""Leading the parts of a page that lost its right to the page that says so: a part alone can't."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.decorators import sync_and_async_middleware
from django.utils.http import urlencode

from fleet.teams.access import memberships_of
from fleet.teams.models import User

View = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]
LOST = frozenset({403, 404})


@sync_and_async_middleware
def lead_out(get_response: View) -> View:
    """Answer a part that asks for a page of sign-in with 401, and one of somebody without a team with 403.

    Both carry no data and lead the whole page on. Followed as it is, the redirect would draw the sign-in into the part.
    """
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            response = await get_response(request)
            return await sync_to_async(_lead)(request, response) if "HX-Request" in request.headers else response

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        return _lead(request, response) if "HX-Request" in request.headers else response  # type: ignore[arg-type]

    return answer


def _lead(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    sign_in = resolve_url(settings.LOGIN_URL)
    if response.status_code == 302 and response.headers.get("Location", "").startswith(f"{sign_in}?"):
        page = getattr(request, "htmx", None) and request.htmx.current_url_abs_path  # type: ignore[attr-defined]
        return _send(f"{sign_in}?{urlencode({'next': page})}" if page else sign_in, status=401)
    # Owners need no team: whatever their own flow says stays theirs.
    if request.resolver_match is not None and request.resolver_match.app_name == "connect":
        return response
    if response.status_code in LOST and isinstance(request.user, User) and not memberships_of(request.user):
        return _send(reverse("members:no_team"), status=403)
    return response


def _send(url: str, *, status: int) -> HttpResponse:
    return HttpResponse(status=status, headers={"HX-Redirect": url, "Cache-Control": "no-store"})
