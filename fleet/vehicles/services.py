"""The verbs of connections and vehicles: open a connection, join a car, note what it can do, read it, end."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from fleet.adapters.base import Access, Adapter, RemoteVehicle
from fleet.adapters.capabilities import Capability, Tokens
from fleet.adapters.errors import AdapterError
from fleet.adapters.http import Http, Take
from fleet.adapters.oauth import TokenSet
from fleet.adapters.signals import VehicleSnapshot
from fleet.budgets.meter import Payer, calls_of
from fleet.events.services import acting_as, record
from fleet.teams.models import Team
from fleet.vehicles.consent import allowed_scopes, forget_unallowed, lock_lane, stop_waiting
from fleet.vehicles.logins import get_login
from fleet.vehicles.models import (
    Connection,
    Consent,
    Lane,
    Owner,
    ProviderAccount,
    ProviderApp,
    Vehicle,
    VehicleLink,
)
from fleet.vehicles.providers import make_adapter, manifest_of
from fleet.vehicles.sealing import keyed_hash
from fleet.vehicles.snapshots import save_snapshot
from fleet.vehicles.tokens import store_tokens
from fleet.vehicles.vin import clean_vin

MOST_ENDED_AT_ONCE = 200
# What a car's own answer to a command taught us, and for how long that is believed: it may be repaired or updated.
LEARNED = "answer"
LEARNED_FOR = timedelta(days=30)


def save_account(*, app: ProviderApp, brand: str, tokens: TokenSet) -> ProviderAccount:
    """Keep the tokens of an owner's login, one row per login in this installation, whoever asked for it.

    Raises AdapterError (upstream_error) when the answer is too poor to keep; see check_lasts.
    """
    check_lasts(app, tokens)
    with transaction.atomic():
        account, _ = ProviderAccount.objects.get_or_create(
            app=app, brand=brand, provider_user_id=(tokens.account_id or "")[:200]
        )
        account = ProviderAccount.objects.select_for_update().get(pk=account.pk)
        if account.region != tokens.region:
            account.region = tokens.region[:20]
            account.save(update_fields=["region"])
        store_tokens(account, tokens)
    return account


def check_lasts(app: ProviderApp, tokens: TokenSet) -> None:
    """Raise AdapterError (upstream_error) when the maker gave no refresh token or no account id.

    Such a grant would die within the hour, so it is refused while the owner is still there.
    """
    is_the_applications = manifest_of(app).tokens is Tokens.APPLICATION
    if not tokens.account_id or (tokens.refresh_token is None and not is_the_applications):
        raise AdapterError("upstream_error", detail="no refresh token or no account in the token answer")


def open_connection(
    *,
    team: Team,
    account: ProviderAccount,
    owner: Owner,
    scopes_granted: Iterable[str],
    share_link_id: UUID | None,
    ends_at: datetime | None = None,
) -> Connection:
    """Open one team's grant by one owner at one maker. The caller's transaction carries the event and the cars."""
    connection = Connection.objects.create(
        team=team,
        account=account,
        owner=owner,
        scopes_granted=sorted(scopes_granted),
        share_link_id=share_link_id,
        ends_at=ends_at,
    )
    record(
        "connection.opened",
        actor=f"owner:{owner.id}",
        team_id=team.id,
        subject=f"connection:{connection.id}",
        data={"brand": account.brand, "scopes": sorted(scopes_granted)},
    )
    return connection


def join_vehicle(
    *, connection: Connection, remote: RemoteVehicle, scopes: Iterable[str], text_version: str, country: str = ""
) -> VehicleLink:
    """Put one car into the fleet, or link a car that is there already to its new connection; return the link.

    scopes: what the owner allowed on this car. country: where it is at home, as far as somebody said; what the team
    says of a car stands. An earlier link of the same login ends in the same transaction, so that at no moment two
    grants count.
    """
    vin = clean_vin(remote.vin)
    app = connection.account.app
    lane_key = keyed_hash(vin or f"{app.provider}:{remote.provider_vehicle_id}", purpose="lane")
    lane, _ = Lane.objects.get_or_create(key=lane_key)
    vehicle, is_new = Vehicle.objects.get_or_create(
        team=connection.team,
        lane=lane,
        removed_at=None,
        defaults={
            "vin": vin,
            "make": remote.make[:60],
            "model": remote.model[:100],
            "year": remote.year,
            "powertrain": remote.powertrain or "",
            "country": country,
            "plate": (remote.license_plate or "")[:20],
        },
    )
    if country and not is_new:
        Vehicle.objects.this(vehicle).filter(country="").update(country=country)
    actor = f"owner:{connection.owner_id}"
    with acting_as(actor):
        lock_lane(vehicle)
        for old in VehicleLink.objects.select_for_update().filter(
            vehicle=vehicle, ended_at__isnull=True, connection__account=connection.account
        ):
            _end_link(old, actor=actor)
    link = VehicleLink.objects.create(
        team=connection.team,
        connection=connection,
        vehicle=vehicle,
        provider_vehicle_id=remote.provider_vehicle_id,
    )
    Consent.objects.bulk_create(
        Consent(team=connection.team, link=link, scope=scope, text_version=text_version) for scope in sorted(scopes)
    )
    record(
        "vehicle.joined" if is_new else "vehicle.rejoined",
        actor=actor,
        team_id=connection.team_id,
        vehicle_id=vehicle.id,
        subject=f"link:{link.id}",
        data={"scopes": sorted(scopes), "text_version": text_version},
    )
    return link


def set_country(*, vehicle: Vehicle, country: str, actor: str) -> None:
    """Say where a car is at home, a code of fleet.countries; "" is where its team's cars are."""
    with acting_as(actor):
        if Vehicle.objects.this(vehicle).exclude(country=country).update(country=country):
            data = {"country": country}
            record("vehicle.country_set", actor=actor, team_id=vehicle.team_id, vehicle_id=vehicle.id, data=data)


def end_link(*, link: VehicleLink, actor: str) -> None:
    """Stop reaching a car through a link; the connection ends with its last link.

    Commands that wait for it are refused at once, and what was read by it is forgotten.
    """
    with acting_as(actor):
        lock_lane(link.vehicle)
        _end_link(VehicleLink.objects.this(link).select_for_update().get(), actor=actor)


def remove_vehicle(*, vehicle: Vehicle, actor: str) -> None:
    """Take a car out of the team: every link ends, its commands that are not yet permitted will not be sent."""
    with acting_as(actor):
        lock_lane(vehicle)
        for link in VehicleLink.objects.select_for_update().filter(vehicle=vehicle, ended_at__isnull=True):
            _end_link(link, actor=actor)
        Vehicle.objects.this(vehicle).filter(removed_at__isnull=True).update(removed_at=timezone.now())
        record("vehicle.removed", actor=actor, team_id=vehicle.team_id, vehicle_id=vehicle.id)


def _end_link(link: VehicleLink, *, actor: str) -> None:
    now = timezone.now()
    VehicleLink.objects.this(link).update(ended_at=now, consent_version=F("consent_version") + 1)
    Consent.objects.filter(link=link, withdrawn_at__isnull=True).update(withdrawn_at=now)
    stop_waiting([link], actor=actor)
    forget_unallowed(link.vehicle)
    subject = f"link:{link.id}"
    record("link.ended", actor=actor, team_id=link.team_id, vehicle_id=link.vehicle_id, subject=subject)
    live = VehicleLink.objects.filter(connection_id=link.connection_id, team_id=link.team_id, ended_at__isnull=True)
    if not live.exists():
        connection = Connection.objects.filter(pk=link.connection_id, team_id=link.team_id)
        connection.filter(status=Connection.Status.ACTIVE).update(status=Connection.Status.ENDED, ended_at=now)


def end_due_connections() -> int:
    """End the connections whose owner gave them until now; return how many links ended. For worker processes only."""
    due = VehicleLink.objects.filter(
        ended_at__isnull=True, connection__status=Connection.Status.ACTIVE, connection__ends_at__lte=timezone.now()
    )
    links = list(due.select_related("vehicle")[:MOST_ENDED_AT_ONCE])
    for link in links:
        end_link(link=link, actor="system:consent")
    return len(links)


def note_capabilities(link: VehicleLink, capabilities: Mapping[str, Capability]) -> None:
    """Keep what the maker says this car can do, and where it says nothing what the car's own answers taught us."""
    since = timezone.now() - LEARNED_FOR
    link.refresh_from_db(fields=["capabilities"])
    learned = {
        kind: known
        for kind, known in link.capabilities.items()
        if known.get("source") == LEARNED and datetime.fromisoformat(known["checked_at"]) > since
    }
    link.capabilities = learned | {kind: _plain(capability) for kind, capability in capabilities.items()}
    link.save(update_fields=["capabilities"])


def _plain(capability: Capability) -> dict[str, Any]:
    return {
        "answer": capability.answer.value,
        "why": capability.why,
        "source": capability.source,
        "checked_at": capability.checked_at.isoformat(),
        "ranges": {name: [r.minimum, r.maximum, r.step] for name, r in capability.ranges.items()},
    }


def read_vehicle(link: VehicleLink, *, with_capabilities: bool = False, asked_by: str = "") -> VehicleSnapshot:
    """Ask the maker for a car's last values (never wakes it), store them, and return them. For worker processes only.

    asked_by: the actor who pressed refresh, for the owner's log; "" for the regular round.
    Raises AdapterError; quota_exhausted when the budget has no room for a read that nobody's command waits for.
    """
    account = link.connection.account
    access = get_login(account.id).to(link.provider_vehicle_id)
    take = calls_of(Payer(account.app_id, account.id, link.vehicle.lane_id))
    snapshot, capabilities = asyncio.run(_ask(link, access, take, with_capabilities=with_capabilities))
    if capabilities is not None:
        note_capabilities(link, capabilities)
    save_snapshot(
        snapshot,
        link=link,
        scopes=allowed_scopes(link),
        source=link.connection.account.app.provider,
        purpose="asked" if asked_by else "regular",
        actor=asked_by,
    )
    return snapshot


async def _ask(
    link: VehicleLink, access: Access, take: Take | None, *, with_capabilities: bool
) -> tuple[VehicleSnapshot, Mapping[str, Capability] | None]:
    async with Http() as http:
        adapter: Adapter = make_adapter(link.connection.account.app, http.metered(take) if take else http)
        capabilities = await adapter.read_capabilities(access) if with_capabilities else None
        return await adapter.read(access), capabilities
