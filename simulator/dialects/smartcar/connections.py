"""Connections: which user of which application let Smartcar reach which car, and with which permissions."""

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from simulator.behaviours import Behaviour
from simulator.cars import Car
from simulator.dialects.brokers import authorize_application, name_anything, name_car
from simulator.dialects.smartcar.permissions import find_scopes
from simulator.errors import ApiError
from simulator.ledger import format_time
from simulator.oauth import Grant
from simulator.world import World

DIALECT = "smartcar"
MODES = ("live", "simulated", "test")


def connect(
    world: World, *, client_id: str, user_id: str, external_id: str | None, car: Car, permissions: list[str], mode: str
) -> dict[str, Any]:
    """Create the connection of one car, or renew the one that this user has."""
    kept = _shelf(world)
    connection_id = name_anything("connection", client_id, user_id, car.id)
    now = world.now()
    kept[connection_id] = {
        "id": connection_id,
        "client_id": client_id,
        "user_id": user_id,
        "external_id": external_id,
        "car_id": car.id,
        "permissions": permissions,
        "mode": mode,
        "created_at": kept.get(connection_id, {}).get("created_at", now),
        "updated_at": now,
    }
    world.changes += 1
    return kept[connection_id]


def choose_user(client_id: str, account_id: str, external_id: str | None) -> str:
    """Return the user of a run through Connect: the same for the same external id, else for the same account."""
    return name_anything("user", client_id, external_id or account_id)


def list_connections(world: World, client_id: str) -> list[tuple[dict[str, Any], Car]]:
    """Return an application's connections and their cars, newest first."""
    found = [
        (fields, car)
        for fields in _shelf(world).values()
        if fields["client_id"] == client_id and (car := world.garage.find(fields["car_id"])) is not None
    ]
    return sorted(found, key=lambda pair: (-pair[0]["created_at"], pair[0]["id"]))


def disconnect(world: World, client_id: str, wanted: dict[str, str]) -> int:
    """Delete an application's connections that have these fields and return how many."""
    kept = _shelf(world)
    gone = [
        key
        for key, fields in kept.items()
        if fields["client_id"] == client_id and all(fields[name] == value for name, value in wanted.items())
    ]
    for key in gone:
        del kept[key]
    world.changes += bool(gone)
    return len(gone)


def find_vehicle(request: web.Request) -> tuple[World, dict[str, Any], Car, Behaviour]:
    """Return the connection and the car of a request below /vehicles/{id}.

    An application's token needs the header `sc-user-id`; a token of one user carries its user.
    Raises ApiError: 401, 400 without the header, 404 for a car that this user has not connected, 400 `withdrawn` when
    its owner has taken the access back at the maker.
    """
    world, token = authorize_application(request, DIALECT)
    user_id = token["user_id"] or request.headers.get("sc-user-id", "")
    if not user_id:
        raise ApiError(400, "missing_parameter", field="sc-user-id")
    for fields, car in _of_user(world, token["client_id"], user_id):
        if name_car(DIALECT, car.id) == request.match_info["id"]:
            behaviour = world.behaviours.for_car(car.id)
            if behaviour.token_revoked:
                raise ApiError(400, "withdrawn")
            return world, fields, car, behaviour
    raise ApiError(404, "not_found")


def as_grant(connection: dict[str, Any], car: Car) -> Grant:
    """Return what the owner granted in the simulator's own words, for the checks that all dialects share."""
    return Grant(connection["id"], connection["client_id"], car.account_id, "", find_scopes(connection["permissions"]))


def describe_connection(fields: dict[str, Any], car: Car) -> dict[str, Any]:
    return {
        "id": fields["id"],
        "type": "connection",
        "attributes": {"permissions": fields["permissions"], "vehicle": describe_car(car, fields["mode"])},
        "relationships": {
            "vehicle": {"data": {"id": name_car(DIALECT, car.id), "type": "vehicle"}},
            "user": {
                "data": {"id": fields["user_id"], "type": "user"},
                "meta": {"externalId": fields["external_id"]},
            },
        },
        "meta": {"createdAt": format_time(fields["created_at"]), "updatedAt": format_time(fields["updated_at"])},
    }


def describe_car(car: Car, mode: str) -> dict[str, Any]:
    return {
        "make": car.make.upper(),
        "model": car.model,
        "year": car.year,
        "mode": mode,
        "powertrainType": car.powertrain,
    }


def _of_user(world: World, client_id: str, user_id: str) -> Iterator[tuple[dict[str, Any], Car]]:
    for fields in _shelf(world).values():
        if fields["client_id"] == client_id and fields["user_id"] == user_id:
            car = world.garage.find(fields["car_id"])
            if car is not None:
                yield fields, car


def _shelf(world: World) -> dict[str, dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = world.shelf(DIALECT).setdefault("connections", {})
    return kept
