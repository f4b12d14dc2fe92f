"""What a pass keeps in its row until it ends: its secrets, sealed, and the cars as the maker listed them."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from compatibility.eligibility import Refusals
from connect.models import Visit
from fleet.adapters.base import RemoteVehicle
from fleet.adapters.oauth import TokenSet
from fleet.vehicles.sealing import seal, unseal

MAX_VEHICLES = 2_000
MAX_TEXT = 200
MOST_TOLD = 5
_REFUSED = "refused"


def keep(visit: Visit, which: str, secret: str) -> bytes:
    """Seal a secret for one purpose of one visit; moved to another row or column it does not open."""
    return seal(secret, bound_to=f"visit:{visit.id}:{which}")


def reveal(visit: Visit, which: str, sealed: bytes | memoryview | None) -> str:
    """Open what keep() sealed. Raises CannotUnseal."""
    return unseal(sealed or b"", bound_to=f"visit:{visit.id}:{which}")


def seal_tokens(visit: Visit, tokens: TokenSet) -> bytes:
    plain = asdict(tokens) | {"scopes": None if tokens.scopes is None else sorted(tokens.scopes)}
    return keep(visit, "tokens", json.dumps(plain))


def read_tokens(visit: Visit) -> TokenSet:
    """Return the tokens of a visit under review. Raises CannotUnseal."""
    plain = json.loads(reveal(visit, "tokens", visit.tokens_sealed))
    scopes = plain.pop("scopes")
    return TokenSet(**plain, scopes=None if scopes is None else frozenset(scopes))


def list_plainly(
    vehicles: Iterable[RemoteVehicle], refusals: Mapping[str, Refusals] | None = None
) -> list[dict[str, object]]:
    """Return the maker's list for the row: bounded, each car once, texts that PostgreSQL can hold.

    refusals: by car, what it can't do; kept beside it.
    """
    kept: dict[str, dict[str, object]] = {}
    for vehicle in vehicles:
        if len(kept) == MAX_VEHICLES:
            break
        plain = {key: _bounded(value) for key, value in asdict(vehicle).items()}
        if refused := (refusals or {}).get(vehicle.provider_vehicle_id):
            plain[_REFUSED] = {scope: why[:MAX_TEXT] for scope, why in refused.items()}
        kept[str(plain["provider_vehicle_id"])] = plain
    return list(kept.values())


def remote_vehicles(visit: Visit) -> list[RemoteVehicle]:
    """Return the cars as the maker listed them for this visit."""
    return [RemoteVehicle(**_without_refusals(plain)) for plain in visit.vehicles]


def refusals_of(visit: Visit) -> dict[str, Refusals]:
    """Return by the maker's id what each car of a visit can't do, and why."""
    return {plain["provider_vehicle_id"]: plain.get(_REFUSED, {}) for plain in visit.vehicles}


def tell_refusals(
    cars: Iterable[RemoteVehicle], refusals: Mapping[str, Refusals], needed: Collection[str]
) -> list[dict[str, object]]:
    """Return what a pass that ends for it may still tell of its cars: what they are called and what they lack."""
    told = []
    for car in list(cars)[:MOST_TOLD]:
        lacks = {scope: why for scope, why in refusals.get(car.provider_vehicle_id, {}).items() if scope in needed}
        told.append({"make": _bounded(car.make), "model": _bounded(car.model), _REFUSED: lacks})
    return told


def refusals_told(visit: Visit) -> list[tuple[str, str, Refusals]]:
    """Return what tell_refusals() left in a pass that has ended: each car's make and model, and what it lacks."""
    return [(plain["make"], plain["model"], plain.get(_REFUSED, {})) for plain in visit.vehicles]


def _without_refusals(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in plain.items() if name != _REFUSED}


def _bounded(value: object) -> object:
    return value.replace("\x00", "")[:MAX_TEXT] if isinstance(value, str) else value
