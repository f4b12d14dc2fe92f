"""Finding links and visits on behalf of somebody: a member of the team, the holder of a secret, or one browser."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone

from connect.browser import browser_hash
from connect.models import Recipient, ReturnAddress, ShareLink, Visit
from fleet.teams.access import get_in_teams
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission
from fleet.vehicles.sealing import hash_token, keyed_hash

SECRET_MAX_LENGTH = 100
# So many links that do not exist may one address ask for in a minute; links that exist always open.
MISSES_PER_MINUTE = 30


def get_share_link(user: User | AnonymousUser, link_id: UUID) -> tuple[ShareLink, Membership]:
    """Return a share link of a team and the membership under which it is reached.

    Raises Http404 for a foreign link, PermissionDenied for too small a role.
    """
    return get_in_teams(ShareLink.objects.all(), user, link_id, to=Permission.CONNECT)


def get_return_address(user: User | AnonymousUser, return_id: UUID) -> tuple[ReturnAddress, Membership]:
    """Return a way back of a team and the membership under which it is reached. Raises as get_share_link."""
    return get_in_teams(ReturnAddress.objects.all(), user, return_id, to=Permission.CONNECT)


def links_of(membership: Membership) -> QuerySet[ShareLink]:
    """Return the links of a team, newest first."""
    links = ShareLink.objects.filter(team_id=membership.team_id)
    return links.select_related("created_by", "team").order_by("-created_at")


def find_link(secret: str) -> ShareLink | None:
    """Return the link that a secret opens, usable or not; None when there is none."""
    if len(secret) > SECRET_MAX_LENGTH:
        return None
    return ShareLink.objects.across_teams().filter(secret_hash=hash_token(secret)).select_related("team").first()


def get_visit(request: HttpRequest, visit_id: UUID) -> Visit:
    """Return a visit of this very browser. Raises Http404 for everybody else, members of the team included."""
    browser = browser_hash(request)
    visits = (
        Visit.objects.across_teams()
        .filter(pk=visit_id, browser_hash=browser)
        .select_related("link__team", "link__repairs", "recipient", "app", "connection", "owner")
    )
    visit = visits.first() if browser else None
    if visit is None:
        raise Http404
    return visit


def find_latest_visit(
    request: HttpRequest, link: ShareLink | None = None, *, recipient: Recipient | None = None
) -> Visit | None:
    """Return this browser's latest visit, of one link (the personal one of a recipient) or of any, or None."""
    browser = browser_hash(request)
    if browser is None:
        return None
    visits = Visit.objects.across_teams().filter(browser_hash=browser).select_related("link__team", "recipient", "app")
    if link is not None:
        visits = visits.filter(link=link, recipient=recipient)
    return visits.order_by("-created_at").first()


def note_miss(address: str, *, now: datetime | None = None) -> bool:
    """Count a link that does not exist against an address; False when it asked for too many this minute.

    One statement, so that guesses from many connections at once are all counted.
    """
    minute_at = (now or timezone.now()).replace(second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO connect_linkmiss AS m (address_hash, minute_at, count) VALUES (%s, %s, 1) "
            "ON CONFLICT (address_hash, minute_at) DO UPDATE SET count = m.count + 1 RETURNING count",
            [keyed_hash(address, purpose="link_miss"), minute_at],
        )
        (count,) = cursor.fetchone()
    return count <= MISSES_PER_MINUTE
