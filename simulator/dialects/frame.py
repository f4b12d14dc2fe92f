"""The one path of every command, whatever dialect it came in: ledger, faults, car, spoilt reply. Words are a face's."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from simulator.behaviours import Behaviour
from simulator.cars import Car
from simulator.commands import COMMANDS, check_parameters, is_capable
from simulator.errors import ApiError, MakerSays, Refused
from simulator.faults import deliver, finish, gate
from simulator.keys import WORLD
from simulator.ledger import Entry
from simulator.oauth import Grant
from simulator.refusals import refuse_if_unable
from simulator.world import Reference, World

LONGEST_REQUEST_ID = 200
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Route = tuple[str, str, Handler]


@dataclass(slots=True)
class Result:
    """What became of a command that the car or its cloud did not refuse.

    kind: "already" (it was so, nothing was done), "done", or "accepted" (taken; the car acts later or never).
    reference: what can be asked later; None when it was so already.
    """

    kind: str
    car: Car
    command: str
    parameters: dict[str, Any]
    behaviour: Behaviour
    entry: Entry
    reference: Reference | None = None


class Face(Protocol):
    """How a dialect words what happened. One object for all requests, or one made for a request, as it likes."""

    # Whether a car that is as asked is told from one that has just become so; else it simply acts again.
    tells_already: bool

    def error(self, error: ApiError) -> web.Response:
        """Word a failure, a refusal by the car (Refused) or a maker's own word (MakerSays)."""

    async def word(self, result: Result) -> web.Response:
        """Word a success. It may wait for the car (a synchronous maker) and may raise ApiError."""


Execute = Callable[[World, Car, str, dict[str, Any], Behaviour, Entry, bool, Face], Result]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One dialect as the application mounts it: every path begins with its prefix, errors are worded by its face."""

    prefix: str
    face: Face
    routes: tuple[Route, ...] = ()
    # Pages word their own problems; an ApiError from them is a mistake.
    pages: tuple[Route, ...] = ()


async def take_command(
    request: web.Request,
    world: World,
    car: Car,
    face: Face,
    *,
    command: str,
    parameters: Any,
    check: Callable[[], dict[str, Any]],
    behaviour: Behaviour,
    execute: "Execute | None" = None,
) -> web.StreamResponse:
    """Take one command. The ledger line is opened before anything can fail; the car acts before any reply is spoilt.

    command: the simulator's own word for it, whatever the dialect calls it, so that all are counted alike.
    parameters: as the ledger is to keep them (PINs are masked there).
    check: returns the parameters that the car gets; raises ApiError (scope, capability, pairing, range, signature).
    A client that goes away while we wait does not stop the car: the request has arrived.
    """
    entry = world.ledger.open(
        car=car.id,
        command=command,
        parameters=parameters,
        request_id=request.headers.get("X-Request-Id", "")[:LONGEST_REQUEST_ID] or None,
        now=world.now(),
    )
    is_faulty = behaviour.is_faulty_for(command)

    def note(reply: str) -> None:
        entry.reply = reply
        if reply not in ("lost", "reset", "hung"):
            entry.answered_at = world.now()

    try:
        checked = check()
        if is_faulty:
            if behaviour.latency_s is not None:
                await asyncio.sleep(behaviour.latency_s.sample_s(world.chance))
            gate(world, behaviour)
        result = (execute or carry_out)(world, car, command, checked, behaviour, entry, is_faulty, face)
        response = await face.word(result)
    except ApiError as error:
        if entry.outcome == "received":
            entry.outcome = f"refused:{error.reason}" if isinstance(error, Refused) else error.code
        response = face.error(error)
    if is_faulty:
        return await deliver(request, behaviour, response, note, word_error=face.error)
    note("sent")
    return await finish(request, response)


def carry_out(
    world: World,
    car: Car,
    command: str,
    parameters: dict[str, Any],
    behaviour: Behaviour,
    entry: Entry,
    is_faulty: bool,
    face: Face,
) -> Result:
    """Let the car act, now or later, or raise what it or its cloud says instead."""
    reach(world, car, behaviour)
    if is_faulty:
        refuse_as_told(world, car, command, parameters, behaviour, entry)
    refuse_if_unable(car, command, parameters)
    if (face.tells_already or behaviour.answer == "ack") and COMMANDS[command].is_so(car, parameters):
        entry.outcome = "already"
        return Result("already", car, command, parameters, behaviour, entry)
    reference = world.keep_reference(car, status="pending", entry=entry)
    entry.outcome = "accepted"
    if is_faulty and behaviour.never_acts:
        pass
    elif behaviour.effect_s > 0 and behaviour.answer == "accept":
        world.act_later(car, command, parameters, reference, behaviour.effect_s)
    else:
        world.act(car, command, parameters, entry)
        reference.status = entry.outcome = "done"
    kind = "done" if reference.status == "done" else "accepted"
    return Result(kind, car, command, parameters, behaviour, entry, reference)


def reach(world: World, car: Car, behaviour: Behaviour) -> None:
    """Raise unless the car can be reached now."""
    state = world.look(car, behaviour)
    if state == "offline":
        raise ApiError(503, "vehicle_unreachable")
    if state == "asleep":
        raise ApiError(408, "vehicle_asleep")


def refuse_as_told(
    world: World, car: Car, command: str, parameters: dict[str, Any], behaviour: Behaviour, entry: Entry
) -> None:
    """Raise what the behaviour has the car or the maker say, if anything."""
    if behaviour.refuse == "busy":
        raise ApiError(409, "busy")
    if behaviour.refuse is not None:
        raise Refused(behaviour.refuse, "The vehicle refused.")
    says = behaviour.maker_says
    if says is not None and says.countdown.take():
        if says.acts:
            world.act(car, command, parameters, entry)
            entry.outcome = "done"
        raise MakerSays(says.word)


def check_plainly(
    car: Car, grant: Grant, command: str, parameters: Any, *, is_stepless: bool = False
) -> dict[str, Any]:
    """Return the parameters when scope, capability, pairing and ranges allow it, in this order; raise ApiError."""
    kind = COMMANDS[command]
    if kind.scope not in grant.scopes:
        raise ApiError(403, "insufficient_scope", scope=kind.scope)
    if not is_capable(car, command):
        raise ApiError(501, "not_capable")
    if car.is_unpaired:
        raise ApiError(403, "needs_pairing")
    return check_parameters(kind, parameters, is_stepless=is_stepless)


def authorize(request: web.Request) -> tuple[World, Grant]:
    """Return the grant of the bearer token. Raises ApiError 401, or 429 when its client is over its quota."""
    world = request.app[WORLD]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    grant = world.authorizations.find_by_access_token(token, now=world.now()) if scheme.lower() == "bearer" else None
    if grant is None or world.behaviours.for_all().token_revoked:
        raise unauthorized()
    world.quotas.take(grant.client_id, world.now())
    return world, grant


def behave_for(world: World, car: Car) -> Behaviour:
    """Return the behaviour of a car. Raises ApiError 401 when the car's owner is to have withdrawn the grant."""
    behaviour = world.behaviours.for_car(car.id)
    if behaviour.token_revoked:
        raise unauthorized()
    return behaviour


def unauthorized() -> ApiError:
    return ApiError(401, "unauthorized", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def speak(face: Face, handler: Handler) -> Handler:
    """Turn raised API errors into the face's form. A plain wrapper: a middleware would cost each command a tenth."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            return face.error(error)
        except web.HTTPRequestEntityTooLarge:
            return face.error(ApiError(413, "too_large"))

    return handle
