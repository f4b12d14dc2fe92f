"""The way into the API: token, region, registration, the car of a VIN, billing limit and the limits for each minute."""

import json
import math
from typing import Any

from aiohttp import web

from simulator.behaviours import Behaviour
from simulator.cars import Car
from simulator.dialects.frame import behave_for
from simulator.dialects.tesla.lab import (
    USUAL_LIMITS,
    find_lab,
    is_registered,
    make_base_url,
    number_of,
    region_of,
    settings_of,
)
from simulator.dialects.tesla.tokens import Partner, authorize_either
from simulator.errors import ApiError, InvalidParameter
from simulator.oauth import Grant
from simulator.quotas import Window
from simulator.world import World

MINUTE_S = 60.0
Headers = dict[str, str]


def enter(request: web.Request) -> tuple[World, Grant]:
    """Return the owner's grant. Raises ApiError 401, 402, 403, 412 or 421."""
    world, speaker = enter_as_either(request)
    if isinstance(speaker, Partner):
        raise ApiError(403, "insufficient_scope")
    return world, speaker


def enter_as_either(request: web.Request) -> tuple[World, Grant | Partner]:
    """Return whom the token speaks for: an owner who granted something, or the client itself."""
    world, speaker = authorize_either(request)
    region, settings = request.match_info["region"], settings_of(world)
    home = region if isinstance(speaker, Partner) else region_of(world, speaker.account_id)
    if home != region:
        right = make_base_url(request, home)
        raise ApiError(
            421,
            "wrong_region",
            error=f"user out of region, use base URL: {right}, "
            "see https://developer.tesla.com/docs/fleet-api#regional-requirements",
        )
    if settings.get("registration_required") and not is_registered(world, speaker.client_id, region):
        raise ApiError(
            412, "not_registered", error=f"Account {speaker.client_id} must be registered in the current region"
        )
    if settings.get("billing_limit_reached"):
        raise ApiError(402, "payment_required")
    return world, speaker


def enter_for_car(request: web.Request) -> tuple[World, Grant, Car, Behaviour]:
    """Return the owner's grant and the car by its VIN, or by one of its numbers. Raises ApiError, 404 too."""
    world, grant = enter(request)
    tag = request.match_info["vin"]
    for car in world.cars_of(grant.account_id):
        if tag in (car.vin, str(number_of(car)), str(number_of(car, "vehicle"))):
            return world, grant, car, behave_for(world, car)
    raise ApiError(404, "not_found")


def count_request(world: World, car: Car, kind: str) -> Headers:
    """Count one request of a kind for a car and return the headers that tell how many are left; or raise ApiError 429.

    The star in the maker's `RateLimit-*-Limit` is not known; the kind stands for it here.
    """
    lab, limits = find_lab(world), settings_of(world).get("limits", USUAL_LIMITS)
    lab.billed[kind] += 1
    if limits is None:
        return {}
    limit, now = limits[kind], world.now()
    window = lab.windows.setdefault((car.id, kind), Window(limit, MINUTE_S))
    window.limit = limit
    wait_s = window.wait_s(now)
    if wait_s <= 0:
        window.taken_at.append(now)
    name = kind.capitalize()
    reset_s = math.ceil(window.taken_at[0] + MINUTE_S - now) if window.taken_at else int(MINUTE_S)
    headers = {
        f"RateLimit-{name}-Limit": str(limit),
        f"RateLimit-{name}-Remaining": str(max(limit - len(window.taken_at), 0)),
        f"RateLimit-{name}-Reset": str(reset_s),
        "RateLimit-Reset": str(reset_s),
    }
    if wait_s > 0:
        raise ApiError(429, "rate_limited", headers={**headers, "Retry-After": str(max(math.ceil(wait_s), 1))})
    return headers


async def read_body(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of a request; no body is an empty one. Raises ApiError 400 or 406."""
    raw = await request.read()
    if not raw:
        return {}
    if request.content_type != "application/json":
        raise ApiError(406, "not_acceptable")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidParameter("body") from error
    if not isinstance(body, dict):
        raise InvalidParameter("body")
    return body
