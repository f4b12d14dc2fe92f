"""What the home page of an owner shows, made from rows: cars with what is allowed on each. No rights, no changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse

from connect.looks import look_of
from connect.models import ShareLink
from connect.scopes import SCOPES, Scope
from fleet.portal.access import Guest, links_of, live_links_of
from fleet.vehicles.models import Consent, VehicleLink

# Of what was shared once, so much is shown; the rest is in the file.
MOST_ENDED = 20


@dataclass(frozen=True)
class ScopeSwitch:
    """One permission on one car that is given, or that the link asks for and the maker granted."""

    scope: Scope
    is_on: bool
    is_needed: bool
    url: str

    @property
    def key(self) -> str:
        return self.scope.key


@dataclass(frozen=True)
class SharedCar:
    """One car as its owner shares it now."""

    id: UUID
    make: str
    title: str
    plate: str
    vin: str
    brand: str
    since: datetime
    until: datetime | None
    needs_sign_in: bool
    sees: list[ScopeSwitch]
    does: list[ScopeSwitch]
    stop_url: str

    @property
    def groups(self) -> list[tuple[str, list[ScopeSwitch]]]:
        return [(name, switches) for name, switches in (("see", self.sees), ("do", self.does)) if switches]


def frame(guest: Guest) -> dict[str, Any]:
    """Return what every page shows: the team that it is about, in its looks."""
    return {"asker": guest.owner.team, "look": look_of(guest.owner.team)}


def home_context(guest: Guest) -> dict[str, Any]:
    """Return what is shared now, what was, and what the owner can do about it; a few queries whatever the number."""
    live = list(live_links_of(guest.owner).order_by("created_at", "id"))
    ended = links_of(guest.owner).exclude(pk__in=[link.pk for link in live])
    return frame(guest) | {
        "cars": shared_cars(live),
        "ended": list(ended.order_by("-ended_at")[:MOST_ENDED]),
        "has_private_hours": bool(guest.owner.private_hours),
    }


def shared_cars(links: Iterable[VehicleLink]) -> list[SharedCar]:
    """Return the cars of live links with every permission that is given, was given, or is asked for."""
    links = list(links)
    if not links:
        return []
    team_id = links[0].team_id
    given: dict[UUID, set[str]] = {link.id: set() for link in links}
    asked: dict[UUID, set[str]] = {link.id: set() for link in links}
    for consent in Consent.objects.filter(team_id=team_id, link_id__in=given):
        asked[consent.link_id].add(consent.scope)
        if consent.withdrawn_at is None:
            given[consent.link_id].add(consent.scope)
    ids = {link.connection.share_link_id for link in links if link.connection.share_link_id is not None}
    found: dict[UUID | None, ShareLink] = {one.id: one for one in ShareLink.objects.filter(team_id=team_id, id__in=ids)}
    return [
        _shared_car(link, found.get(link.connection.share_link_id), given[link.id], asked[link.id]) for link in links
    ]


def _shared_car(link: VehicleLink, share_link: ShareLink | None, given: set[str], asked: set[str]) -> SharedCar:
    offered = changeable_scopes(link, share_link, asked)
    needed = set(share_link.scopes_needed) if share_link is not None else set()
    switches = [
        ScopeSwitch(
            scope=scope,
            is_on=key in given,
            is_needed=key in needed,
            url=reverse("portal:scope", args=[link.id, key]),
        )
        for key, scope in SCOPES.items()
        if key in given or key in offered
    ]
    vehicle, account = link.vehicle, link.connection.account
    return SharedCar(
        id=link.id,
        make=vehicle.make,
        title=vehicle.make_and_model,
        plate=vehicle.plate,
        vin=vehicle.vin,
        brand=account.brand,
        since=link.created_at,
        until=link.connection.ends_at,
        needs_sign_in=account.status == "needs_owner",
        sees=[switch for switch in switches if not switch.scope.is_control],
        does=[switch for switch in switches if switch.scope.is_control],
        stop_url=reverse("portal:stop_car", args=[link.id]),
    )


def changeable_scopes(link: VehicleLink, share_link: ShareLink | None, asked: set[str]) -> set[str]:
    """Return what an owner can switch on: what the link asks for, or asked once, and the maker granted."""
    wanted = asked | (set(share_link.scopes_asked) if share_link is not None else set())
    return wanted & set(link.connection.scopes_granted) & SCOPES.keys()
