"""Tesla's commands over HTTP: plain ones by their names, signed ones as messages. The cloud's checks come first."""

import base64
import binascii
from typing import Any

from aiohttp import web
from google.protobuf.message import DecodeError
from tesla_protocol.command.universal_message_pb2 import RoutableMessage

from simulator.behaviours import Behaviour
from simulator.cars import Car
from simulator.dialects.frame import Face, Result, reach, take_command
from simulator.dialects.tesla.deeds import carry_out_as_tesla, check_capable
from simulator.dialects.tesla.entry import Headers, count_request, enter_for_car, read_body
from simulator.dialects.tesla.lab import facts_of, find_side, list_keys, signing_of
from simulator.dialects.tesla.scopes import scope_for
from simulator.dialects.tesla.vehicle_side import REMOTE_ACCESS_DISABLED, Faulty, VehicleSide
from simulator.dialects.tesla.wishes import NEVER_SIGNED, Wish, read_rest, read_signed
from simulator.dialects.tesla.wording import ProtocolFault, RestFace, SignedFace, word_error, word_message
from simulator.errors import ApiError, InvalidParameter, Refused
from simulator.faults import serve
from simulator.ledger import Entry
from simulator.oauth import Grant
from simulator.world import World

# What the ledger says of a message that the car could not even read.
UNREADABLE = "unreadable"


async def send_plain(request: web.Request) -> web.StreamResponse:
    """Take a command by its REST name. Cars that want signed ones are told so."""
    world, grant, car, behaviour = enter_for_car(request)
    name = request.match_info["name"]
    headers = count_request(world, car, "commands")
    wish = read_rest(name, await read_body(request))
    face = RestFace(world)

    def check() -> dict[str, Any]:
        _check_scope(grant, wish)
        if signing_of(world, car) == "required" and name not in NEVER_SIGNED:
            raise ApiError(403, "protocol_required")
        if facts_of(world, car).get("remote_access_disabled"):
            raise ApiError(401, "mobile_access_disabled")
        check_capable(car, wish.command)
        return dict(wish.parameters)

    def execute(*parts: Any) -> Result:
        if wish.refusal is not None:
            reach(world, car, behaviour)
            raise Refused(wish.refusal, "The vehicle refused.")
        return carry_out_as_tesla(*parts)

    return _add(
        headers,
        await take_command(
            request,
            world,
            car,
            face,
            command=wish.command,
            parameters=wish.parameters,
            check=check,
            behaviour=behaviour,
            execute=execute,
        ),
    )


async def send_signed(request: web.Request) -> web.StreamResponse:
    """Take a message for one of the car's computers: a handshake, or a command that the car itself will verify."""
    world, grant, car, behaviour = enter_for_car(request)
    headers = count_request(world, car, "commands")
    message = _read_message(await read_body(request))
    if signing_of(world, car) == "unsupported":
        raise ApiError(422, "no_signed_commands")
    side = find_side(world, car)
    if message.WhichOneof("payload") == "session_info_request":
        return _add(headers, await _shake_hands(request, world, car, behaviour, side, message))
    if message.signature_data.HasField("AES_GCM_Personalized_data"):
        # What the cloud cannot read it cannot hold against the scopes.
        raise ApiError(403, "encrypted_command")
    return _add(headers, await _command_signed(request, world, grant, car, behaviour, side, message))


async def _shake_hands(
    request: web.Request,
    world: World,
    car: Car,
    behaviour: Behaviour,
    side: VehicleSide,
    message: RoutableMessage,
) -> web.StreamResponse:
    def act() -> web.Response:
        reach(world, car, behaviour)
        try:
            return word_message(side.shake_hands(message, world.now(), keys=list_keys(world, car)))
        except Faulty as error:
            return word_message(side.refuse(message, error.fault, world.now()))

    return await serve(request, world, behaviour, act, word_error=word_error)


async def _command_signed(
    request: web.Request,
    world: World,
    grant: Grant,
    car: Car,
    behaviour: Behaviour,
    side: VehicleSide,
    message: RoutableMessage,
) -> web.StreamResponse:
    signed_face = SignedFace(world, side, message)
    wish, unreadable = _read_wish(message)

    def check() -> dict[str, Any]:
        if unreadable is None:
            _check_scope(grant, wish)
        return dict(wish.parameters)

    def execute(
        world: World,
        car: Car,
        command: str,
        parameters: dict[str, Any],
        behaviour: Behaviour,
        entry: Entry,
        is_faulty: bool,
        face: Face,
    ) -> Result:
        reach(world, car, behaviour)
        try:
            if facts_of(world, car).get("remote_access_disabled"):
                raise Faulty(REMOTE_ACCESS_DISABLED)
            side.verify(message, world.now(), keys=list_keys(world, car))
            if unreadable is not None:
                raise unreadable
        except Faulty as error:
            raise ProtocolFault(error.fault) from error
        signed_face.is_verified = True
        check_capable(car, command)
        if wish.refusal is not None:
            raise Refused(wish.refusal, "The vehicle refused.")
        return carry_out_as_tesla(world, car, command, parameters, behaviour, entry, is_faulty, face)

    return await take_command(
        request,
        world,
        car,
        signed_face,
        command=wish.command,
        parameters=wish.parameters,
        check=check,
        behaviour=behaviour,
        execute=execute,
    )


def _read_message(body: dict[str, Any]) -> RoutableMessage:
    encoded = body.get("routable_message")
    if not isinstance(encoded, str) or not encoded:
        raise InvalidParameter("routable_message")
    try:
        return RoutableMessage.FromString(base64.b64decode(encoded, validate=True))
    except (binascii.Error, DecodeError, ValueError) as error:
        raise InvalidParameter("routable_message") from error


def _read_wish(message: RoutableMessage) -> tuple[Wish, Faulty | None]:
    """Return what a message asks for, and why not when it cannot be read: the ledger has a line for it all the same."""
    try:
        return read_signed(message.to_destination.domain, message.protobuf_message_as_bytes), None
    except Faulty as error:
        return Wish(UNREADABLE), error


def _check_scope(grant: Grant, wish: Wish) -> None:
    if scope_for(wish.command) not in grant.scopes:
        raise ApiError(403, "insufficient_scope")


def _add(headers: Headers, response: web.StreamResponse) -> web.StreamResponse:
    # An answer that was spoilt on purpose has left already.
    if not response.prepared:
        response.headers.update(headers)
    return response
