"""Tesla's requests that read or wake: the list, one car, its data, its pairing. Units are the maker's."""

from math import ceil
from typing import Any

from aiohttp import web

from simulator.behaviours import Behaviour
from simulator.cars import Car
from simulator.dialects.tesla.entry import count_request, enter, enter_as_either, enter_for_car, read_body
from simulator.dialects.tesla.lab import (
    REGIONS,
    USUAL_FIRMWARE,
    facts_of,
    list_client_keys,
    list_keys,
    make_base_url,
    number_of,
    region_of,
    signing_of,
)
from simulator.dialects.tesla.readings import SECTIONS, read_sections
from simulator.dialects.tesla.tokens import Partner, authorize_either
from simulator.dialects.tesla.wording import word_error
from simulator.errors import ApiError, InvalidParameter
from simulator.faults import json_response, serve
from simulator.oauth import Grant
from simulator.world import World

USUAL_PAGE, LONGEST_PAGE = 50, 100
_LOCATION = "location_data"


async def show_region(request: web.Request) -> web.StreamResponse:
    """Say where the owner's cars are; every region knows it."""
    world, speaker = authorize_either(request)
    if isinstance(speaker, Partner) or request.match_info["region"] not in REGIONS:
        raise ApiError(403, "insufficient_scope")
    region = region_of(world, speaker.account_id)
    return json_response({"response": {"region": region, "fleet_api_base_url": make_base_url(request, region)}})


async def list_vehicles(request: web.Request) -> web.StreamResponse:
    world, grant = enter(request)
    _need_device_data(grant)
    page, per_page = _read_number(request, "page", 1), min(_read_number(request, "per_page", USUAL_PAGE), LONGEST_PAGE)

    def act() -> web.Response:
        cars = world.cars_of(grant.account_id)
        pages = max(ceil(len(cars) / per_page), 1)
        shown = cars[(page - 1) * per_page : page * per_page]
        return json_response(
            {
                "response": [_describe(world, car) for car in shown],
                "pagination": {
                    "previous": page - 1 if page > 1 else None,
                    "next": page + 1 if page < pages else None,
                    "current": page,
                    "per_page": per_page,
                    "count": len(cars),
                    "pages": pages,
                },
                "count": len(shown),
            }
        )

    return await serve(request, world, world.behaviours.for_all(), act, word_error=word_error)


async def show_vehicle(request: web.Request) -> web.StreamResponse:
    world, grant, car, behaviour = enter_for_car(request)
    _need_device_data(grant)
    return await serve(
        request,
        world,
        behaviour,
        lambda: json_response({"response": _describe(world, car)}),
        word_error=word_error,
    )


async def show_data(request: web.Request) -> web.StreamResponse:
    """Read the car itself, which must be awake. Where it is, is told only when asked for by name."""
    world, grant, car, behaviour = enter_for_car(request)
    _need_device_data(grant)
    asked = [word for word in request.query.get("endpoints", "").split(";") if word]
    if not set(asked) <= {*SECTIONS, _LOCATION}:
        raise InvalidParameter("endpoints")
    if _LOCATION in asked and "read_location" not in grant.scopes:
        raise ApiError(403, "insufficient_scope")
    headers = count_request(world, car, "data")

    def act() -> web.Response:
        _need_online(world, car, behaviour)
        sections = read_sections(world, car, asked, with_location=_LOCATION in asked)
        return json_response({"response": {**_describe(world, car), **sections}}, headers=headers)

    return await serve(request, world, behaviour, act, word_error=word_error)


async def wake_up(request: web.Request) -> web.StreamResponse:
    """Begin to wake a car, and say how it is found now: it takes a while until it is online."""
    world, grant, car, behaviour = enter_for_car(request)
    _need_device_data(grant)
    headers = count_request(world, car, "wakes")
    entry = world.ledger.open(car=car.id, command="wake", parameters=None, request_id=None, now=world.now())

    def act() -> web.Response:
        entry.outcome = state = world.look(car, behaviour)
        if state == "offline":
            raise ApiError(408, "vehicle_unreachable")
        entry.answered_at = world.now()
        if state == "online":
            car.idle_s = 0.0
        else:
            world.begin_wake(car, behaviour)
        return json_response({"response": _describe(world, car)}, headers=headers)

    return await serve(request, world, behaviour, act, word_error=word_error)


async def check_mobile_access(request: web.Request) -> web.StreamResponse:
    world, _, car, behaviour = enter_for_car(request)
    is_on = not facts_of(world, car).get("remote_access_disabled", False)
    return await serve(
        request,
        world,
        behaviour,
        lambda: json_response({"response": {"result": is_on, "reason": "" if is_on else "mobile_access_disabled"}}),
        word_error=word_error,
    )


async def show_fleet_status(request: web.Request) -> web.StreamResponse:
    """Say of each VIN whether the client's key is in the car and whether the car wants its commands signed.

    Whether the real one wants an owner's token or the client's is not known; both are taken. The client's sees every
    car of an owner who granted it something, an owner's only that owner's.
    """
    world, speaker = enter_as_either(request)
    vins = (await read_body(request)).get("vins")
    if not isinstance(vins, list) or not all(isinstance(vin, str) for vin in vins):
        raise InvalidParameter("vins")
    keys = list_client_keys(world, speaker.client_id)

    def act() -> web.Response:
        cars = {car.vin: car for car in _list_visible(world, speaker) if car.vin in vins}
        paired = [vin for vin in vins if vin in cars and keys & list_keys(world, cars[vin])]
        return json_response(
            {
                "response": {
                    "key_paired_vins": paired,
                    "unpaired_vins": [vin for vin in vins if vin in cars and vin not in paired],
                    "vehicle_info": {vin: _describe_pairing(world, car) for vin, car in cars.items()},
                }
            }
        )

    return await serve(request, world, world.behaviours.for_all(), act, word_error=word_error)


def _describe_pairing(world: World, car: Car) -> dict[str, Any]:
    return {
        "firmware_version": facts_of(world, car).get("firmware", USUAL_FIRMWARE),
        "vehicle_command_protocol_required": signing_of(world, car) == "required",
        "discounted_device_data": False,
        "fleet_telemetry_version": "1.1.0",
        "total_number_of_keys": len(list_keys(world, car)),
    }


def _list_visible(world: World, speaker: Grant | Partner) -> list[Car]:
    if not isinstance(speaker, Partner):
        return world.cars_of(speaker.account_id)
    owners = {grant.account_id for grant in world.authorizations.grants.values() if _is_of(grant, speaker)}
    return [car for account_id in owners for car in world.cars_of(account_id)]


def _is_of(grant: Grant, partner: Partner) -> bool:
    return grant.client_id == partner.client_id


def _describe(world: World, car: Car) -> dict[str, Any]:
    state = world.look(car, world.behaviours.for_car(car.id))
    if state == "asleep" and facts_of(world, car).get("sleeps_as_offline"):
        state = "offline"  # as firmware since 2024.20 has it
    return {
        "id": number_of(car),
        "vehicle_id": number_of(car, "vehicle"),
        "vin": car.vin,
        "color": None,
        "access_type": "OWNER",
        "display_name": car.display_name,
        "option_codes": None,
        "granular_access": {"hide_private": False},
        "tokens": [],
        "state": state,
        "in_service": False,
        "id_s": str(number_of(car)),
        "calendar_enabled": True,
        "api_version": 80,
        "backseat_token": None,
        "backseat_token_updated_at": None,
    }


def _need_device_data(grant: Grant) -> None:
    if "read_vin" not in grant.scopes:
        raise ApiError(403, "insufficient_scope")


def _need_online(world: World, car: Car, behaviour: Behaviour) -> None:
    if world.look(car, behaviour) != "online":
        raise ApiError(408, "vehicle_unreachable")


def _read_number(request: web.Request, name: str, usual: int) -> int:
    words = request.query.get(name, str(usual))
    if not (words.isascii() and words.isdigit() and 0 < int(words) < 1_000_000):
        raise InvalidParameter(name)
    return int(words)
