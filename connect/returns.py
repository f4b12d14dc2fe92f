"""Ways back to another site: which addresses a team allows, and what the browser takes there. No cars, no tokens."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from connect.models import ReturnAddress, ShareLink, Visit
from connect.words import WAYS_OUT
from fleet.events.services import acting_as, record
from fleet.teams.models import Team, User

MOST_ADDRESSES = 20
URL_MAX_LENGTH = 500
STATE_MAX_LENGTH = 200
MOST_REMEMBERED = 5
SESSION_KEY = "connect_return"


class TooManyAddresses(Exception):
    """The team has as many ways back as it can have."""


# The team's list --------------------------------------------------------------------------------------------------


@transaction.atomic
def allow_address(*, team: Team, url: str, user: User) -> ReturnAddress:
    """Allow a way back; allowed already is fine. Raises TooManyAddresses."""
    with acting_as(user.actor):
        # The team's row is held, so that two who add the last one at once are counted one after the other.
        Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        found = ReturnAddress.objects.filter(team=team, url=url).first()
        if found is not None:
            return found
        if ReturnAddress.objects.filter(team=team).count() >= MOST_ADDRESSES:
            raise TooManyAddresses
        address = ReturnAddress.objects.create(team=team, url=url)
        _record("return_address.allowed", address, user)
    return address


def forbid_address(*, address: ReturnAddress, user: User) -> None:
    """Take a way back away. Owners who are on their way end on our page."""
    with acting_as(user.actor):
        deleted, _rows = ReturnAddress.objects.this(address).delete()
        if deleted:
            _record("return_address.forbidden", address, user)


def _record(kind: str, address: ReturnAddress, user: User) -> None:
    subject = f"return_address:{address.id}"
    record(kind, actor=user.actor, team_id=address.team_id, subject=subject, data={"url": address.url})


# The owner's way ---------------------------------------------------------------------------------------------------


def remember_return(request: HttpRequest, link: ShareLink) -> bool:
    """Keep in the session where to send the browser at the end; False when the address names a way that is not allowed.

    Letter by letter: whatever is like an allowed address, but not it, would be a way for somebody else.
    """
    urls, states = request.GET.getlist("return_to"), request.GET.getlist("state")
    if not urls:
        return True
    state = states[0] if states else ""
    if len(urls) > 1 or len(states) > 1 or len(state) > STATE_MAX_LENGTH or not (state.isprintable() or not state):
        return False
    if not is_allowed(link, urls[0]):
        return False
    kept: dict[str, Any] = request.session.get(SESSION_KEY, {})
    kept.pop(str(link.id), None)
    kept[str(link.id)] = [urls[0], state]
    request.session[SESSION_KEY] = dict(list(kept.items())[-MOST_REMEMBERED:])
    return True


def kept_return(request: HttpRequest, link: ShareLink) -> tuple[str, str]:
    """Return the address and the state that this browser came with for a link; both "" when it came without."""
    url, state = request.session.get(SESSION_KEY, {}).get(str(link.id), ["", ""])
    return url, state


def is_allowed(link: ShareLink, url: str) -> bool:
    """Say whether a team allows a way back; asked again at the end, since it may have been taken away meanwhile."""
    return (
        len(url) <= 500 and "\x00" not in url and ReturnAddress.objects.filter(team_id=link.team_id, url=url).exists()
    )


def way_back(
    request: HttpRequest, *, link: ShareLink | None, visit: Visit | None = None, error: str = "", cars: int = 0
) -> tuple[str, str]:
    """Return the words and the address of the link back to where the owner came from; both "" when there is none.

    error: a code of WAYS_OUT, or "" for success with so many cars.
    """
    if link is None:
        return "", ""
    url, state = (visit.return_url, visit.return_state) if visit and visit.return_url else kept_return(request, link)
    if not url or not is_allowed(link, url):
        return "", ""
    answer = {"error": WAYS_OUT[error].error} if error else {"result": "connected", "vehicles": str(cars)}
    if state:
        answer["state"] = state
    return _("Back to %(host)s") % {"host": urlsplit(url).netloc}, f"{url}?{urlencode(answer)}"
