"""What every request of Volvo's API must bring: token, application key, scope, room under the limits, an own car."""

from math import ceil
from typing import Any

from aiohttp import web

from simulator.behaviours import Behaviour
from simulator.cars import Car
from simulator.control import open_control
from simulator.dialects.frame import authorize, behave_for, unauthorized
from simulator.dialects.volvo.oauth import make_life_s, word_tokens
from simulator.dialects.volvo.scopes import DIALECT, VOLVO_SCOPES, find_scopes, list_granted, remember
from simulator.errors import ApiError, InvalidParameter
from simulator.faults import json_response
from simulator.keys import WORLD
from simulator.oauth import Grant
from simulator.quotas import Window
from simulator.secrets_seen import note
from simulator.world import World

API_KEY = note("volvo-lab-api-key")
# Volvo allows 100 requests and 10 commands a minute to each user of each application; the lab only when told.
LIMITS = ("per_minute", "commands_per_minute")


def enter(request: web.Request, *scopes: str, is_command: bool = False) -> tuple[World, Grant]:
    """Return the grant of a request. Raises ApiError: 401 for the token or the key, 403 for a scope, 429."""
    world = request.app[WORLD]
    if request.headers.get("vcc-api-key") != find_settings(world).get("api_key", API_KEY):
        raise ApiError(401, "wrong_key")
    world, grant = authorize(request)
    if grant.brand != DIALECT:
        raise unauthorized()
    granted = list_granted(world, grant)
    for scope in scopes:
        if scope not in granted:
            raise ApiError(403, "insufficient_scope", scope=scope)
    _take(world, grant, "per_minute")
    if is_command:
        _take(world, grant, "commands_per_minute")
    return world, grant


def enter_for_car(request: web.Request, *scopes: str, is_command: bool = False) -> tuple[World, Grant, Car, Behaviour]:
    """Return the car of a request as well. Raises ApiError 404 when it is not one of the owner's."""
    world, grant = enter(request, *scopes, is_command=is_command)
    vin = request.match_info["vin"]
    car = next((car for car in world.cars_of(grant.account_id) if car.vin == vin), None)
    if car is None:
        raise ApiError(404, "not_found")
    return world, grant, car, behave_for(world, car)


async def put_settings(request: web.Request) -> web.StreamResponse:
    """Control API: the application key and the limits per minute; null takes a limit away."""
    world, body = await open_control(request)
    for name, value in body.items():
        is_text = name == "api_key" and isinstance(value, str) and value != ""
        is_limit = name in LIMITS and (value is None or (isinstance(value, int) and not isinstance(value, bool)))
        if not is_text and not is_limit:
            raise InvalidParameter(name)
    find_settings(world).update(body)
    world.windows.clear()
    world.changes += 1
    return json_response({"api_key": API_KEY, **find_settings(world)})


async def create_tokens(request: web.Request) -> web.StreamResponse:
    """Control API: an answer as from the token endpoint, without a browser; all of Volvo's scopes unless told."""
    world, body = await open_control(request)
    account = world.accounts.find(str(body.get("account_id", "")))
    if account is None or account.brand != DIALECT:
        raise InvalidParameter("account_id")
    client = world.authorizations.clients.get(str(body.get("client_id", "")))
    if client is None:
        raise InvalidParameter("client_id")
    words = body.get("scopes", list(VOLVO_SCOPES))
    if not isinstance(words, list) or not all(word in VOLVO_SCOPES for word in words):
        raise InvalidParameter("scopes")
    life_s = make_life_s(world.access_token_life_s(account))
    answer = world.authorizations.grant_directly(
        client_id=client.client_id,
        account_id=account.id,
        brand=DIALECT,
        scopes=find_scopes(words),
        life_s=life_s,
        now=world.now(),
    )
    grant = world.authorizations.find_by_refresh_token(answer["refresh_token"])
    remember(world, grant.id, words)
    world.changes += 1
    return json_response({**word_tokens(world, client, grant, answer), "account_id": account.id})


def find_settings(world: World) -> dict[str, Any]:
    kept: dict[str, Any] = world.shelf(DIALECT).setdefault("settings", {})
    return kept


def _take(world: World, grant: Grant, limit: str) -> None:
    allowed = find_settings(world).get(limit)
    if allowed is None:
        return
    window = world.windows.setdefault((DIALECT, limit, grant.client_id, grant.account_id), Window(allowed, 60.0))
    wait_s = window.wait_s(world.now())
    if wait_s > 0:
        raise ApiError(429, "rate_limited", headers={"Retry-After": str(max(1, ceil(wait_s)))})
    window.taken_at.append(world.now())
