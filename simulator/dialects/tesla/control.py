"""The control API of Tesla's dialect, for this machine alone: cars, accounts, settings, tokens without a browser."""

import json
from typing import Any

from aiohttp import web

from simulator.cars import Car
from simulator.control import refuse_strangers
from simulator.dialects.tesla.lab import (
    PER_DOLLAR,
    REGIONS,
    SIGNING,
    facts_of,
    find_lab,
    find_side,
    let_key_in,
    list_keys,
    region_of,
    set_region,
    settings_of,
    signing_of,
)
from simulator.dialects.tesla.partner import read_key
from simulator.dialects.tesla.proofs import read_public
from simulator.dialects.tesla.scopes import KNOWN, translate
from simulator.dialects.tesla.tokens import ACCESS_TOKEN_S, word_tokens
from simulator.dialects.tesla.vehicle_side import INFOTAINMENT, VCSEC
from simulator.errors import ApiError, InvalidParameter
from simulator.faults import json_response
from simulator.keys import WORLD
from simulator.world import World

_DOMAINS = {"vcsec": VCSEC, "infotainment": INFOTAINMENT}
_FLAGS = ("remote_access_disabled", "sleeps_as_offline")
_SETTINGS = ("registration_required", "billing_limit_reached")


async def set_car(request: web.Request) -> web.StreamResponse:
    """Set what is special about a car.

    `signing`: required, optional, unsupported or null; `firmware`; `remote_access_disabled`, `sleeps_as_offline`;
    `pair`, `unpair`: public keys, as PEM or as the point in hex; `reboot`: "vcsec" or "infotainment";
    `clock_offset_s`: for both computers.
    """
    world, body = await _open(request)
    car = _find_car(world, request.match_info["id"])
    facts, side = facts_of(world, car), find_side(world, car)
    if "signing" in body:
        if body["signing"] not in (*SIGNING, None):
            raise InvalidParameter("signing")
        facts["signing"] = body["signing"]
    if "firmware" in body:
        facts["firmware"] = str(body["firmware"])
    for name in _FLAGS:
        if name in body:
            facts[name] = _flag(body, name)
    if "pair" in body:
        let_key_in(world, car, _read_key(body, "pair"))
    if "unpair" in body:
        # Out, and no longer taken for one that every registered key was let into.
        key = _read_key(body, "unpair").hex()
        facts["keys"] = [kept for kept in facts.get("keys", ()) if kept != key]
        car.is_unpaired = True
    if "reboot" in body:
        if body["reboot"] not in tuple(_DOMAINS):
            raise InvalidParameter("reboot")
        side.computers[_DOMAINS[body["reboot"]]].reboot(world.now())
    if "clock_offset_s" in body:
        for computer in side.computers.values():
            computer.clock_offset_s = _number(body, "clock_offset_s")
    world.changes += 1
    return json_response(_describe(world, car))


async def show_car(request: web.Request) -> web.StreamResponse:
    world, _ = await _open(request)
    return json_response(_describe(world, _find_car(world, request.match_info["id"])))


async def set_account(request: web.Request) -> web.StreamResponse:
    world, body = await _open(request)
    account = world.accounts.find(request.match_info["id"])
    if account is None:
        raise ApiError(404, "not_found")
    if body.get("region") not in REGIONS:
        raise InvalidParameter("region")
    set_region(world, account.id, body["region"])
    return json_response({"account_id": account.id, "region": body["region"]})


async def put_settings(request: web.Request) -> web.StreamResponse:
    """Set what holds for all: `registration_required`, `billing_limit_reached`, `limits` (null: none), `domain_keys`.

    Fields that are not named stay as they are.
    """
    world, body = await _open(request)
    settings = settings_of(world)
    for name in _SETTINGS:
        if name in body:
            settings[name] = _flag(body, name)
    if "limits" in body:
        settings["limits"] = _read_limits(body["limits"])
    if "domain_keys" in body:
        settings["domain_keys"] = _read_domain_keys(body["domain_keys"])
    world.changes += 1
    return json_response(settings)


async def delete_settings(request: web.Request) -> web.StreamResponse:
    """Take all settings away, forget the limits' windows and begin to bill anew. Cars, keys and regions stay."""
    world, _ = await _open(request)
    settings_of(world).clear()
    lab = find_lab(world)
    lab.windows.clear()
    lab.billed = dict.fromkeys(PER_DOLLAR, 0)
    return json_response({})


async def show_bill(request: web.Request) -> web.StreamResponse:
    world, _ = await _open(request)
    billed = find_lab(world).billed
    dollars = sum(count / PER_DOLLAR[kind] for kind, count in billed.items())
    return json_response({"requests": billed, "usd": round(dollars, 6)})


async def create_tokens(request: web.Request) -> web.StreamResponse:
    """Grant a client Tesla's `scopes` of an account without a browser; the answer is the token endpoint's."""
    world, body = await _open(request)
    account = world.accounts.find(str(body.get("account_id")))
    if account is None:
        raise InvalidParameter("account_id")
    if body.get("client_id") not in world.authorizations.clients:
        raise InvalidParameter("client_id")
    scopes = body.get("scopes", sorted(KNOWN))
    if not isinstance(scopes, list) or any(word not in tuple(KNOWN) for word in scopes):
        raise InvalidParameter("scopes")
    life_s = _number(body, "life_s", ACCESS_TOKEN_S)
    world.changes += 1
    answer = world.authorizations.grant_directly(
        client_id=body["client_id"],
        account_id=account.id,
        brand=account.brand,
        scopes=translate(scopes),
        life_s=life_s,
        now=world.now(),
    )
    return json_response(word_tokens(world, request, answer, asked=scopes))


async def _open(request: web.Request) -> tuple[World, dict[str, Any]]:
    refuse_strangers(request)
    raw = await request.read()
    try:
        body = json.loads(raw) if raw else {}
    except (ValueError, RecursionError) as error:
        raise InvalidParameter("body") from error
    if not isinstance(body, dict):
        raise InvalidParameter("body")
    return request.app[WORLD], body


def _find_car(world: World, car_id: str) -> Car:
    car = world.garage.find(car_id)
    if car is None:
        raise ApiError(404, "not_found")
    return car


def _describe(world: World, car: Car) -> dict[str, Any]:
    facts, side = facts_of(world, car), find_side(world, car)
    return {
        "id": car.id,
        "vin": car.vin,
        "region": region_of(world, car.account_id),
        "signing": signing_of(world, car),
        "keys": sorted(key.hex() for key in list_keys(world, car)),
        **{name: facts.get(name, False) for name in _FLAGS},
        "computers": {
            name: {
                "epoch": side.computers[domain].epoch.hex(),
                "clock_time": side.computers[domain].clock(world.now()),
                "public_key": side.computers[domain].public_key.hex(),
            }
            for name, domain in _DOMAINS.items()
        },
    }


def _read_key(body: dict[str, Any], name: str) -> bytes:
    words = body[name]
    try:
        if words.startswith("-----BEGIN"):
            return read_key(words)
        key = bytes.fromhex(words)
        read_public(key)
    except (AttributeError, ValueError) as error:
        raise InvalidParameter(name) from error
    return key


def _read_limits(limits: Any) -> dict[str, int] | None:
    if limits is None:
        return None
    if not isinstance(limits, dict) or limits.keys() != PER_DOLLAR.keys():
        raise InvalidParameter("limits")
    return {kind: int(_number(limits, kind)) for kind in limits}


def _read_domain_keys(keys: Any) -> dict[str, str]:
    if not isinstance(keys, dict):
        raise InvalidParameter("domain_keys")
    for pem in keys.values():
        try:
            read_key(str(pem))
        except ValueError as error:
            raise InvalidParameter("domain_keys") from error
    return {domain.lower(): pem for domain, pem in keys.items()}


def _flag(body: dict[str, Any], name: str) -> bool:
    if not isinstance(body[name], bool):
        raise InvalidParameter(name)
    return body[name]


def _number(body: dict[str, Any], name: str, usual: float | None = None) -> float:
    value = body.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e9 <= value <= 1e9:
        raise InvalidParameter(name)
    return float(value)
