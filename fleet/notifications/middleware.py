"""Giving a browser the cookie by which it is known the next time."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from fleet.notifications.devices import COOKIE, KEPT_FOR

View = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def remember_browser(get_response: View) -> View:
    """Set the cookie with the answer to a sign-in, anew each time: its months begin again."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            return _with_cookie(request, await get_response(request))

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        return _with_cookie(request, get_response(request))  # type: ignore[arg-type]

    return answer


def _with_cookie(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if cookie := getattr(request, "browser_cookie", None):
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=KEPT_FOR,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response
