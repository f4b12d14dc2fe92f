"""Links: which of a client's users let Enode into which account, with which scopes; and the sessions that make them."""

import secrets
from typing import Any

from simulator.accounts import Account
from simulator.behaviours import Behaviour
from simulator.cars import Car
from simulator.dialects.brokers import find_car, write_make
from simulator.errors import ApiError, InvalidParameter
from simulator.oauth import SCOPES
from simulator.secrets_seen import note
from simulator.world import World

DIALECT = "enode"
SESSION_S = 24 * 3600.0
# Enode's scope -> the simulator's scopes that an owner grants with it.
VEHICLE_SCOPES: dict[str, tuple[str, ...]] = {
    "vehicle:read:data": ("read_vin", "read_odometer", "read_battery", "read_charge"),
    "vehicle:read:location": ("read_location",),
    "vehicle:control:charging": ("control_charge",),
}
NEEDED = "vehicle:read:data"
_OTHERS = ("charger", "hvac", "inverter", "battery", "meter")


def parse_scopes(scopes: Any) -> list[str]:
    """Return the scopes of a link session. Raises InvalidParameter: reading a car's data is always among them."""
    if not isinstance(scopes, list) or NEEDED not in scopes:
        raise InvalidParameter("scopes")
    for scope in scopes:
        is_other = isinstance(scope, str) and scope.split(":")[0] in _OTHERS
        if scope not in VEHICLE_SCOPES and not is_other:
            raise InvalidParameter("scopes")
    return [scope for scope in VEHICLE_SCOPES if scope in scopes]


def find_scopes(scopes: list[str]) -> list[str]:
    """Return the simulator's scopes behind Enode's."""
    wanted = {name for scope in scopes for name in VEHICLE_SCOPES[scope]}
    return [name for name in SCOPES if name in wanted]


def keep_ticked(scopes: list[str], ticked: list[str]) -> list[str]:
    return [scope for scope in scopes if all(name in ticked for name in VEHICLE_SCOPES[scope])]


def begin_session(world: World, **fields: Any) -> str:
    """Keep what a link session is for and return its token: it works once, for a day."""
    sessions = _shelf(world, "sessions")
    now = world.now()
    for old in [token for token, kept in sessions.items() if kept["expires_at"] <= now]:
        del sessions[old]
    token = note(secrets.token_urlsafe(24))
    sessions[token] = {**fields, "expires_at": now + SESSION_S}
    world.changes += 1
    return token


def find_session(world: World, token: str) -> dict[str, Any] | None:
    kept = _shelf(world, "sessions").get(token)
    return kept if kept is not None and world.now() < kept["expires_at"] else None


def end_session(world: World, token: str) -> None:
    _shelf(world, "sessions").pop(token, None)


def link(world: World, *, client_id: str, user_id: str, account: Account, scopes: list[str]) -> dict[str, Any]:
    """Link an account to a user, or renew the link that there is."""
    links = _shelf(world, "links")
    key = f"{client_id}|{user_id}|{account.id}"
    links[key] = {
        "client_id": client_id,
        "user_id": user_id,
        "account_id": account.id,
        "vendor": write_make(account.brand),
        "scopes": scopes,
        "created_at": links.get(key, {}).get("created_at", world.now()),
    }
    world.changes += 1
    return links[key]


def unlink(world: World, client_id: str, user_id: str) -> list[dict[str, Any]]:
    """Delete all links of a user and return them."""
    links = _shelf(world, "links")
    gone = [key for key, fields in links.items() if fields["client_id"] == client_id and fields["user_id"] == user_id]
    world.changes += bool(gone)
    return [links.pop(key) for key in gone]


def list_links(world: World, client_id: str, user_id: str | None = None) -> list[dict[str, Any]]:
    return [
        fields
        for fields in _shelf(world, "links").values()
        if fields["client_id"] == client_id and user_id in (None, fields["user_id"])
    ]


def list_cars(world: World, links: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Car]]:
    """Return the cars with a plug behind these links: Enode has no others."""
    return [
        (fields, car) for fields in links for car in world.cars_of(fields["account_id"]) if car.has_traction_battery
    ]


def find_linked_car(world: World, client_id: str, vehicle_id: str) -> tuple[dict[str, Any], Car, Behaviour]:
    """Return a linked car by Enode's id. Raises ApiError 404."""
    for fields in list_links(world, client_id):
        car = find_car(world, DIALECT, fields["account_id"], vehicle_id)
        if car is not None and car.has_traction_battery:
            return fields, car, world.behaviours.for_car(car.id)
    raise ApiError(404, "not_found")


def is_valid(world: World, fields: dict[str, Any]) -> bool:
    """Whether the owner's sign-in still opens the account."""
    account = world.accounts.find(fields["account_id"])
    return account is not None and not any(kept.token_revoked for kept in world.behaviour_of_account(account))


def _shelf(world: World, name: str) -> dict[str, dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = world.shelf(DIALECT).setdefault(name, {})
    return kept
