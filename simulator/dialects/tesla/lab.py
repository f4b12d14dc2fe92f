"""What Tesla's cloud keeps beside the common world: regions, registered domains, let-in keys, limits, what it bills."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web

from simulator.cars import Car, Garage
from simulator.dialects.tesla.vehicle_side import VehicleSide
from simulator.quotas import Window
from simulator.world import World

PREFIX = "/dialects/tesla"
BRAND = "tesla"
REGIONS = ("na", "eu")
USUAL_REGION = "eu"
USUAL_FIRMWARE = "2025.44.25"
# Requests a minute for one car of one account, whoever asks (Billing and Limits, January 2026).
USUAL_LIMITS = {"data": 60, "commands": 30, "wakes": 3}
# What one US dollar buys, of each kind.
PER_DOLLAR = {"data": 500, "commands": 1000, "wakes": 50}
SIGNING = ("required", "optional", "unsupported")
LAST_YEAR_WITHOUT_SIGNING = 2020
UP_SINCE_S = 100_000
_KEPT_QUESTIONS = 1000


@dataclass
class Lab:
    """What is forgotten when the process ends: the cars' sessions, windows, partner tokens, what a client asked for."""

    sides: dict[str, VehicleSide] = field(default_factory=dict)
    windows: dict[tuple[str, str], Window] = field(default_factory=dict)
    partner_tokens: dict[str, tuple[str, float]] = field(default_factory=dict)  # token -> client and its end
    asked: OrderedDict[tuple[str, str], list[str]] = field(default_factory=OrderedDict)  # client, challenge -> scopes
    billed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PER_DOLLAR, 0))
    keyless_until: dict[str, float] = field(default_factory=dict)

    def remember_question(self, client_id: str, challenge: str, scopes: list[str]) -> None:
        self.asked[client_id, challenge] = scopes
        if len(self.asked) > _KEPT_QUESTIONS:
            self.asked.popitem(last=False)


_LABS: WeakKeyDictionary[Garage, Lab] = WeakKeyDictionary()


def find_lab(world: World) -> Lab:
    return _LABS.setdefault(world.garage, Lab())


def forget_lab(world: World) -> None:
    """Let every car of this world boot anew and forget windows, tokens and bills."""
    _LABS.pop(world.garage, None)


def make_base_url(request: web.Request, region: str) -> str:
    return f"{request.scheme}://{request.host}{PREFIX}/{region}"


# Settings that are kept


def settings_of(world: World) -> dict[str, Any]:
    """What holds for the whole dialect; tests set it through the control API."""
    return world.shelf(BRAND).setdefault("settings", {})


def facts_of(world: World, car: Car) -> dict[str, Any]:
    """What was set for this car: `signing`, `firmware`, `keys`, `remote_access_disabled`, `passenger_c`."""
    return world.shelf(BRAND).setdefault("cars", {}).setdefault(car.id, {})


def region_of(world: World, account_id: str) -> str:
    return world.shelf(BRAND).get("regions", {}).get(account_id, USUAL_REGION)


def set_region(world: World, account_id: str, region: str) -> None:
    world.shelf(BRAND).setdefault("regions", {})[account_id] = region
    world.changes += 1


# Domains and keys


def register_domain(world: World, *, client_id: str, region: str, domain: str, public_key: bytes) -> None:
    """Note which key belongs to a client's domain; in each region for itself, as the maker wants it."""
    registrations = world.shelf(BRAND).setdefault("registrations", {})
    registrations[f"{region} {domain}"] = {"client_id": client_id, "public_key": public_key.hex()}
    world.changes += 1


def find_domain_key(world: World, domain: str, *, region: str | None = None) -> bytes | None:
    for kept_region, kept_domain, registration in _registrations(world):
        if kept_domain == domain and region in (None, kept_region):
            return bytes.fromhex(registration["public_key"])
    return None


def list_client_keys(world: World, client_id: str) -> frozenset[bytes]:
    return frozenset(
        bytes.fromhex(kept["public_key"]) for _, _, kept in _registrations(world) if kept["client_id"] == client_id
    )


def is_registered(world: World, client_id: str, region: str) -> bool:
    return any(
        kept_region == region and kept["client_id"] == client_id for kept_region, _, kept in _registrations(world)
    )


def list_keys(world: World, car: Car) -> frozenset[bytes]:
    """Return the keys that this car knows.

    Those let in on the pairing page or by the control API, and, unless the car `needs_pairing`, those of every
    registered domain: in a lab most owners have long since agreed.
    """
    own = {bytes.fromhex(key) for key in facts_of(world, car).get("keys", ())}
    if not car.is_unpaired:
        own |= {bytes.fromhex(registration["public_key"]) for _, _, registration in _registrations(world)}
    return frozenset(own)


def let_key_in(world: World, car: Car, public_key: bytes) -> None:
    keys = facts_of(world, car).setdefault("keys", [])
    if public_key.hex() not in keys:
        keys.append(public_key.hex())
    world.changes += 1


def _registrations(world: World) -> Iterator[tuple[str, str, dict[str, str]]]:
    for where, registration in world.shelf(BRAND).get("registrations", {}).items():
        region, _, domain = where.partition(" ")
        yield region, domain, registration


# Cars


def find_side(world: World, car: Car) -> VehicleSide:
    sides = find_lab(world).sides
    side = sides.get(car.id)
    if side is None:
        up_s = int.from_bytes(hashlib.sha256(car.id.encode()).digest()[:4]) % UP_SINCE_S
        side = sides[car.id] = VehicleSide(car.vin, booted_at=world.now() - up_s)
    return side


def signing_of(world: World, car: Car) -> str:
    """Return whether this car wants its commands signed: only early Model S and X do not even know how."""
    kept = facts_of(world, car).get("signing")
    if kept is not None:
        return kept
    is_early = car.model.startswith(("Model S", "Model X")) and car.year <= LAST_YEAR_WITHOUT_SIGNING
    return "unsupported" if is_early else "required"


def number_of(car: Car, what: str = "") -> int:
    """Return a number for the car as the maker has them beside the VIN."""
    return int.from_bytes(hashlib.sha256(f"{what}{car.id}".encode()).digest()[:6])
