"""Who may open an owner's pages: the browser that came in by a key. What is another owner's does not exist here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from connect.models import PortalKey
from connect.portal_keys import get_key
from fleet.events.models import ClockTimestamp
from fleet.events.scoped import ScopedQuerySet
from fleet.vehicles.models import Connection, Owner, VehicleLink
from fleet.vehicles.sealing import hash_token, make_token

SESSION_KEY = "portal"
# The session alone would not do: who can make somebody use a session that they know too would see these pages as well.
COOKIE = "owner_pages"
COOKIE_PATH = "/my/"
IDLE = timedelta(hours=1)
# Not every page that is opened writes into the session.
NOTE_EVERY = timedelta(minutes=1)

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Guest:
    """An owner in this browser, and the key by which they came in."""

    owner: Owner
    key: PortalKey

    @property
    def actor(self) -> str:
        return f"owner:{self.owner.id}"


def let_in(request: HttpRequest, response: HttpResponse, key: PortalKey) -> None:
    """Remember in this browser who came in; whoever is signed in to the dashboard stays so."""
    value, now = make_token(), timezone.now()
    request.session[SESSION_KEY] = {"key": str(key.id), "hash": hash_token(value), "seen": now.timestamp()}
    response.set_cookie(
        COOKIE, value, path=COOKIE_PATH, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )
    # Nothing depends on it: programs that look through mail open links too.
    PortalKey.objects.this(key).update(used_at=ClockTimestamp())


def let_out(request: HttpRequest, response: HttpResponse) -> None:
    """Forget in this browser who came in."""
    request.session.pop(SESSION_KEY, None)
    response.delete_cookie(COOKIE, path=COOKIE_PATH, samesite="Lax")


def find_guest(request: HttpRequest) -> Guest | None:
    """Return who came in in this browser; None when nobody did, an hour went by, or the key was taken back."""
    held = request.session.get(SESSION_KEY)
    if not isinstance(held, dict):
        return None
    now = timezone.now().timestamp()
    if now - held["seen"] > IDLE.total_seconds():
        return None
    if not constant_time_compare(held["hash"], hash_token(request.COOKIES.get(COOKIE, ""))):
        return None
    key = get_key(UUID(held["key"]))
    if key is None:
        return None
    if now - held["seen"] > NOTE_EVERY.total_seconds():
        request.session[SESSION_KEY] = held | {"seen": now}
    return Guest(key.owner, key)


def for_owners(way_out: View) -> Callable[[View], View]:
    """Call a view with the guest of this browser as its second argument; without one show the way out."""

    def decorate(view: View) -> View:
        @wraps(view)
        def asking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            guest = find_guest(request)
            return view(request, guest, *args, **kwargs) if guest is not None else way_out(request)

        return asking

    return decorate


def links_of(owner: Owner) -> ScopedQuerySet[VehicleLink]:
    """Return every link of an owner, live ones and ended ones."""
    links = VehicleLink.objects.filter(connection__owner=owner, team_id=owner.team_id)
    return links.select_related("connection__account", "vehicle")


def live_links_of(owner: Owner) -> ScopedQuerySet[VehicleLink]:
    """Return the links through which an owner's cars are reached now."""
    return links_of(owner).filter(ended_at__isnull=True, connection__status=Connection.Status.ACTIVE)


def get_live_link(owner: Owner, link_id: UUID) -> VehicleLink:
    """Return a live link of an owner. Raises Http404 for any other."""
    link = live_links_of(owner).filter(pk=link_id).first()
    if link is None:
        raise Http404
    return link
