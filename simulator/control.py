"""The control API, for this machine alone: clients, accounts, cars, behaviours, ledger. Real makers have none."""

import ipaddress
import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from simulator.behaviours import EVERY_CAR
from simulator.brands import BRANDS
from simulator.cars import Car
from simulator.commands import COMMANDS
from simulator.dialects.brokers import BROKERS, name_car
from simulator.errors import ApiError, InvalidParameter
from simulator.faults import json_response
from simulator.keys import WORLD
from simulator.models import POWERTRAINS
from simulator.oauth import OAuthError, parse_scopes
from simulator.secrets_seen import list_seen
from simulator.signals import read_signals
from simulator.vin import is_valid_vin
from simulator.world import World

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Origin")


def refuse_strangers(request: web.Request) -> None:
    """Only a program on this machine may come in: no other host, nothing relayed by a proxy, no page in a browser."""
    peer = ipaddress.ip_address(request.transport.get_extra_info("peername")[0]) if request.transport else None
    mapped = getattr(peer, "ipv4_mapped", None)
    is_loopback = peer is not None and (mapped or peer).is_loopback
    if not is_loopback or any(name in request.headers for name in _FORWARDED):
        raise ApiError(403, "forbidden")


async def put_client(request: web.Request) -> web.StreamResponse:
    world, body = await open_control(request)
    uris = body.get("redirect_uris")
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
        raise InvalidParameter("redirect_uris")
    world.authorizations.register_client(
        client_id=_text(body, "client_id"),
        client_secret=_text(body, "client_secret"),
        redirect_uris=uris,
        name=_text(body, "name") if "name" in body else None,
    )
    world.changes += 1
    return json_response({"client_id": body["client_id"], "redirect_uris": uris})


async def create_account(request: web.Request) -> web.StreamResponse:
    """Register or find the account by brand and e-mail, set its password and add the vehicles."""
    world, body = await open_control(request)
    if body.get("brand") not in BRANDS:
        raise InvalidParameter("brand")
    vehicles = body.get("vehicles", [])
    if not isinstance(vehicles, list):
        raise InvalidParameter("vehicles")
    for vehicle in vehicles:
        _check_vehicle(vehicle)
    account = world.accounts.register(brand=body["brand"], email=_text(body, "email"), password=_text(body, "password"))
    cars = [_create_car(world, account.id, BRANDS[body["brand"]].name, vehicle) for vehicle in vehicles]
    world.changes += 1
    return json_response({"account_id": account.id, "vehicles": [{"id": car.id, **_identity(car)} for car in cars]})


async def set_car(request: web.Request) -> web.StreamResponse:
    world, body = await open_control(request)
    car = _find_car(world, request.match_info["id"])
    signals, online = body.get("signals", {}), body.get("online")
    if not isinstance(signals, dict):
        raise InvalidParameter("signals")
    if online not in (None, "online", "asleep", "offline"):
        raise InvalidParameter("online")
    _set_facts(car, body.get("facts", {}))
    world.set_car(car, signals=signals, online=online)
    return json_response(_describe_truth(world, car))


def _set_facts(car: Car, facts: Any) -> None:
    """Merge what dialects are to know of the car: {"tesla": {"requires_signing": true}}; null takes one away."""
    if not isinstance(facts, dict) or not all(isinstance(known, dict) for known in facts.values()):
        raise InvalidParameter("facts")
    for dialect, known in facts.items():
        merged = {**car.facts.get(dialect, {}), **known}
        car.facts[dialect] = {name: value for name, value in merged.items() if value is not None}


async def show_car(request: web.Request) -> web.StreamResponse:
    world, _ = await open_control(request)
    return json_response(_describe_truth(world, _find_car(world, request.match_info["id"])))


async def show_behaviour(request: web.Request) -> web.StreamResponse:
    world, _ = await open_control(request)
    return json_response(world.behaviours.show())


async def put_behaviour(request: web.Request) -> web.StreamResponse:
    world, body = await open_control(request)
    target = body.pop("car", EVERY_CAR)
    if not isinstance(target, str):
        raise InvalidParameter("car")
    if target != EVERY_CAR:
        _find_car(world, target)
    world.set_behaviour(target, body)
    return json_response(world.behaviours.show())


async def delete_behaviour(request: web.Request) -> web.StreamResponse:
    world, _ = await open_control(request)
    world.behaviours.reset(request.query.get("car"))
    return json_response(world.behaviours.show())


async def show_quotas(request: web.Request) -> web.StreamResponse:
    world, _ = await open_control(request)
    return json_response({"clients": world.quotas.show(world.now())})


async def put_quota(request: web.Request) -> web.StreamResponse:
    world, body = await open_control(request)
    client_id = _text(body, "client")
    if client_id not in world.authorizations.clients:
        raise InvalidParameter("client")
    world.quotas.set(client_id, body)
    return json_response({"clients": world.quotas.show(world.now())})


async def show_ledger(request: web.Request) -> web.StreamResponse:
    world, _ = await open_control(request)
    return json_response({"entries": [entry.to_wire() for entry in world.ledger.select(**_read_filter(request))]})


async def count_ledger(request: web.Request) -> web.StreamResponse:
    world, _ = await open_control(request)
    return json_response({"count": sum(1 for _ in world.ledger.select(**_read_filter(request)))})


async def clear_ledger(request: web.Request) -> web.StreamResponse:
    world, _ = await open_control(request)
    world.ledger.clear()
    return json_response({"count": 0})


async def reset(request: web.Request) -> web.StreamResponse:
    world, body = await open_control(request)
    world.behaviours.reset()
    world.quotas.clear()
    world.windows.clear()
    world.ledger.clear()
    if body.get("everything") is True:
        world.accounts.clear()
        world.garage.clear()
        world.authorizations.clear()
        world.references.clear()
        world.shelves.clear()
    world.changes += 1
    return json_response({"status": "reset"})


async def count_tokens(request: web.Request) -> web.StreamResponse:
    """Say how often refresh tokens were rotated, how often a spent one came again, and how many grants live."""
    world, _ = await open_control(request)
    kept = world.authorizations
    return json_response({"rotations": kept.rotations, "reuses": kept.reuses, "grants": len(kept.grants)})


async def show_secrets(request: web.Request) -> web.StreamResponse:
    """List every secret that went in or out since the process began: tokens, codes, keys, PINs."""
    await open_control(request)
    return json_response({"secrets": list_seen()})


async def create_tokens(request: web.Request) -> web.StreamResponse:
    world, body = await open_control(request)
    account = world.accounts.find(_text(body, "account_id"))
    if account is None:
        raise InvalidParameter("account_id")
    if _text(body, "client_id") not in world.authorizations.clients:
        raise InvalidParameter("client_id")
    scopes = body.get("scopes")
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise InvalidParameter("scopes")
    try:
        known = parse_scopes(" ".join(scopes))
    except OAuthError as error:
        raise InvalidParameter("scopes") from error
    world.changes += 1
    return json_response(
        world.authorizations.grant_directly(
            client_id=body["client_id"],
            account_id=account.id,
            brand=account.brand,
            scopes=known,
            life_s=world.access_token_life_s(account),
            now=world.now(),
        )
    )


async def open_control(request: web.Request) -> tuple[World, dict[str, Any]]:
    """Refuse strangers and return the world and the body, an empty one when there is none."""
    refuse_strangers(request)
    raw = await request.read()
    try:
        body = json.loads(raw) if raw else {}
    except (ValueError, RecursionError) as error:
        raise InvalidParameter("body") from error
    if not isinstance(body, dict):
        raise InvalidParameter("body")
    return request.app[WORLD], body


def _text(body: dict[str, Any], name: str) -> str:
    if not isinstance(body.get(name), str) or not body[name]:
        raise InvalidParameter(name)
    return body[name]


def _find_car(world: World, car_id: str) -> Car:
    car = world.garage.find(car_id)
    if car is None:
        raise ApiError(404, "not_found")
    return car


def _check_vehicle(vehicle: Any) -> None:
    if not isinstance(vehicle, dict):
        raise InvalidParameter("vehicles")
    _text(vehicle, "model")
    year, not_capable = vehicle.get("year"), vehicle.get("not_capable", [])
    if not isinstance(year, int) or not 1990 <= year <= 2039:
        raise InvalidParameter("year")
    if vehicle.get("powertrain") not in (None, *POWERTRAINS):
        raise InvalidParameter("powertrain")
    if vehicle.get("vin") is not None and not is_valid_vin(vehicle["vin"]):
        raise InvalidParameter("vin")
    if not isinstance(not_capable, list) or not all(name in COMMANDS for name in not_capable):
        raise InvalidParameter("not_capable")
    if not isinstance(vehicle.get("needs_pairing", False), bool):
        raise InvalidParameter("needs_pairing")
    if vehicle.get("online") not in (None, "online", "asleep", "offline"):
        raise InvalidParameter("online")
    if not isinstance(vehicle.get("state", {}), dict):
        raise InvalidParameter("state")


def _create_car(world: World, account_id: str, brand_name: str, vehicle: dict[str, Any]) -> Car:
    car = world.garage.create(
        account_id=account_id,
        brand_name=brand_name,
        now=world.now(),
        model=vehicle["model"],
        year=vehicle["year"],
        make=vehicle.get("make"),
        powertrain=vehicle.get("powertrain"),
        vin=vehicle.get("vin"),
        display_name=vehicle.get("display_name"),
        license_plate=vehicle.get("license_plate"),
        not_capable=frozenset(vehicle.get("not_capable", ())),
        is_unpaired=vehicle.get("needs_pairing", False),
    )
    world.set_car(car, signals=vehicle.get("state", {}), online=vehicle.get("online"))
    return car


def _identity(car: Car) -> dict[str, Any]:
    return {
        "vin": car.vin,
        "make": car.make,
        "model": car.model,
        "year": car.year,
        "powertrain": car.powertrain,
        "display_name": car.display_name,
        "license_plate": car.license_plate,
    }


def _describe_truth(world: World, car: Car) -> dict[str, Any]:
    state = world.look(car, world.behaviours.for_car(car.id))
    return {
        "id": car.id,
        "account_id": car.account_id,
        **_identity(car),
        "state": state,
        "signals": read_signals(car),
        "battery_kwh": car.battery_kwh,
        "max_ac_kw": car.max_ac_kw,
        "max_dc_kw": car.max_dc_kw,
        "drive_pin": car.drive_pin,
        "valet_pin": car.valet_pin,
        "destination": car.destination,
        "horn_honks": car.horn_honks,
        "light_flashes": car.light_flashes,
        "wakes": car.wakes,
        "facts": car.facts,
        "known_as": {"tesla": car.vin, "volvo": car.vin, **{name: name_car(name, car.id) for name in BROKERS}},
        "pending": len(car.pending),
        "ledger_count": sum(1 for _ in world.ledger.select(car=car.id)),
    }


def _read_filter(request: web.Request) -> dict[str, Any]:
    query = request.query
    chosen: dict[str, Any] = {"car": query.get("car") or None, "command": query.get("command") or None}
    if query.get("executed"):
        chosen["executed"] = query["executed"] == "true"
    if query.get("since"):
        try:
            # A "+" of an unescaped offset arrives as a blank.
            moment = datetime.fromisoformat(query["since"].replace(" ", "+"))
        except ValueError as error:
            raise InvalidParameter("since") from error
        chosen["since"] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return chosen
