"""Browsers in which a person signed in before: a signed random cookie, known by its hash; another one is news."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from allauth.account.signals import user_logged_in
from django.core import signing
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from fleet.notifications.models import KnownBrowser
from fleet.teams.account_events import tell
from fleet.teams.browser_sessions import BROWSERS, SYSTEMS
from fleet.teams.models import User

COOKIE = "fleetwell_browser"
SALT = "fleet.notifications.browser"
# As long as browsers keep a cookie at all.
KEPT_FOR = timedelta(days=400)
# The one that was used least lately makes room.
MOST_BROWSERS = 20


def meet_browser(request: HttpRequest, user: User) -> None:
    """Note that a person signed in in this browser, and tell it when they never did before.

    Their very first sign-in is no news. The cookie is set with the answer; see fleet.notifications.middleware.
    """
    secret = read_cookie(request) or secrets.token_urlsafe(20)
    request.browser_cookie = signing.dumps(secret, salt=SALT)  # type: ignore[attr-defined]
    now = timezone.now()
    with transaction.atomic():
        # Two sign-ins at once are one after the other here: the row of a person is what all their browsers share.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        known = KnownBrowser.objects.filter(user=user)
        met = known.filter(secret_hash=hash_of(secret, user), last_used_at__gt=now - KEPT_FOR).update(last_used_at=now)
        if met:
            return
        is_first = not known.exists()
        KnownBrowser.objects.update_or_create(
            user=user, secret_hash=hash_of(secret, user), defaults={"last_used_at": now}
        )
        oldest = known.order_by("-last_used_at", "-id")[MOST_BROWSERS:]
        known.filter(id__in=list(oldest.values_list("id", flat=True))).delete()
        if not is_first:
            tell("account.new_device", user.id, **name_browser(request.headers.get("User-Agent", "")))


def read_cookie(request: HttpRequest) -> str | None:
    """Return the secret of this browser, None when it has none of ours."""
    try:
        return str(signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=KEPT_FOR))
    except signing.BadSignature:
        return None


def hash_of(secret: str, user: User) -> bytes:
    """Return what is kept of a browser's secret for one person."""
    return hashlib.sha256(f"{user.pk}:{secret}".encode()).digest()


def name_browser(user_agent: str) -> dict[str, str]:
    """Return browser and system as families, e.g. Firefox and Android; "" for what is not known."""

    def first(words: tuple[tuple[str, str], ...]) -> str:
        return next((name for word, name in words if word in user_agent), "")

    return {"browser": first(BROWSERS), "system": first(SYSTEMS)}


def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    meet_browser(request, user)


def connect() -> None:
    """Listen from now on: django-allauth tells of a sign-in when it is complete, the second factor included."""
    user_logged_in.connect(_signed_in, dispatch_uid="notifications.devices")
