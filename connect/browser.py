"""The browser that a pass through the flow belongs to: a random value in its session, a hash of it in our rows."""

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from fleet.vehicles.sealing import hash_token, make_token

SESSION_KEY = "connect_browser"


def know_browser(request: HttpRequest) -> str:
    """Return the hash of this browser's value, giving it one if it has none."""
    if SESSION_KEY not in request.session:
        request.session[SESSION_KEY] = make_token()
    return hash_token(request.session[SESSION_KEY])


def browser_hash(request: HttpRequest) -> str | None:
    """Return the hash of this browser's value, or None when it never began a pass."""
    value = request.session.get(SESSION_KEY)
    return hash_token(value) if isinstance(value, str) else None


def speak(request: HttpRequest, language: str) -> None:
    """Answer in the language that a link or a pass names, unless somebody chose one in this browser by the switch."""
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and language in dict(settings.LANGUAGES):
        translation.activate(language)
        request.LANGUAGE_CODE = language
