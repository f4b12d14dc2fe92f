"""What the brokers' dialects share: tokens for a whole application, and names for the cars of every maker."""

import secrets
import uuid
from functools import cache
from typing import Any

from aiohttp import web

from simulator.brands import BRANDS, Brand
from simulator.cars import Car
from simulator.dialects.frame import unauthorized
from simulator.keys import WORLD
from simulator.secrets_seen import note
from simulator.world import World

BROKERS = ("smartcar", "enode")
_NAMESPACE = uuid.UUID("6f1c1f0e-6d0b-4c55-9d1f-0d8f3a7c5b21")
_TOKENS = "application_tokens"


@cache
def name_car(dialect: str, car_id: str) -> str:
    """Return the id under which a broker knows a car; each broker has its own for the same car."""
    return str(uuid.uuid5(_NAMESPACE, f"{dialect}:{car_id}"))


def name_anything(*words: str) -> str:
    """Return an id that is always the same for these words."""
    return str(uuid.uuid5(_NAMESPACE, ":".join(words)))


def find_car(world: World, dialect: str, account_id: str, vehicle_id: str) -> Car | None:
    return next((car for car in world.cars_of(account_id) if name_car(dialect, car.id) == vehicle_id), None)


def find_brand_by_make(make: str) -> Brand | None:
    """Return the brand that a broker writes in capitals."""
    return BRANDS.get(make.strip().lower())


def write_make(brand_key: str) -> str:
    return brand_key.upper()


def issue_application_token(
    world: World, dialect: str, client_id: str, *, life_s: float, user_id: str | None = None
) -> str:
    """Return a new token of an application, or of one user of it; kept over a restart."""
    token, now = note(secrets.token_urlsafe(32)), world.now()
    kept = world.shelf(_TOKENS)
    for old, fields in list(kept.items()):
        if fields["expires_at"] <= now:
            del kept[old]
    kept[token] = {"dialect": dialect, "client_id": client_id, "user_id": user_id, "expires_at": now + life_s}
    world.changes += 1
    return token


def authorize_application(request: web.Request, dialect: str) -> tuple[World, dict[str, Any]]:
    """Return what the bearer token stands for: client_id and, if it is one user's, user_id.

    Raises ApiError 401, or 429 when the client is over its quota.
    """
    world = request.app[WORLD]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    fields = world.shelf(_TOKENS).get(token) if scheme.lower() == "bearer" else None
    is_good = fields is not None and fields["dialect"] == dialect and world.now() < fields["expires_at"]
    if fields is None or not is_good or world.behaviours.for_all().token_revoked:
        raise unauthorized()
    world.quotas.take(fields["client_id"], world.now())
    return world, fields
