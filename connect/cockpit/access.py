"""Finding connections on behalf of a member. What belongs to another team, or is beyond their reach, does not exist."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from django.utils import timezone

from connect.cockpit.facts import shown_links
from fleet.teams.access import get_in_teams
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission
from fleet.vehicles.models import Connection, VehicleLink


def get_connection(user: User | AnonymousUser, connection_id: UUID) -> tuple[Connection, Membership]:
    """Return a connection with a car that the member reaches, and the membership.

    Raises Http404 for a foreign one, PermissionDenied for too small a role.
    """
    connections = Connection.objects.select_related("team", "owner", "account__app")
    connection, membership = get_in_teams(connections, user, connection_id, to=Permission.CONNECT)
    if not shown_links(membership, now=timezone.now()).filter(connection=connection).exists():
        raise Http404
    return connection, membership


def links_of(connection: Connection, membership: Membership) -> list[VehicleLink]:
    """Return the cars of a connection that the member reaches."""
    links = shown_links(membership, now=timezone.now()).filter(connection=connection)
    return list(links.select_related("vehicle", "connection__account__app", "connection__owner").order_by("created_at"))


def live_connections(membership: Membership, link_ids: Iterable[UUID]) -> list[Connection]:
    """Return the live connections behind links, those of another team left out; each once, oldest first."""
    links = shown_links(membership, now=timezone.now()).filter(pk__in=list(link_ids), ended_at__isnull=True)
    found = Connection.objects.filter(
        team_id=membership.team_id, status=Connection.Status.ACTIVE, id__in=links.values("connection_id")
    )
    return list(found.select_related("team", "owner", "account__app").order_by("created_at"))
