"""What a pass keeps in its row until it ends: its secrets, sealed, and the cars as the maker listed them."""

import json
from collections.abc import Iterable
from dataclasses import asdict

from connect.models import Visit
from fleet.adapters.base import RemoteVehicle
from fleet.adapters.oauth import TokenSet
from fleet.vehicles.sealing import seal, unseal

MAX_VEHICLES = 2_000
MAX_TEXT = 200


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


def list_plainly(vehicles: Iterable[RemoteVehicle]) -> list[dict[str, object]]:
    """Return the maker's list for the row: bounded, each car once, texts that PostgreSQL can hold."""
    kept: dict[str, dict[str, object]] = {}
    for vehicle in vehicles:
        if len(kept) == MAX_VEHICLES:
            break
        plain = {key: _bounded(value) for key, value in asdict(vehicle).items()}
        kept[str(plain["provider_vehicle_id"])] = plain
    return list(kept.values())


def remote_vehicles(visit: Visit) -> list[RemoteVehicle]:
    """Return the cars as the maker listed them for this visit."""
    return [RemoteVehicle(**plain) for plain in visit.vehicles]


def _bounded(value: object) -> object:
    return value.replace("\x00", "")[:MAX_TEXT] if isinstance(value, str) else value
