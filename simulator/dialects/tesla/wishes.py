"""What a client wants of a car, read from REST names and bodies or from signed messages, in one vocabulary."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError
from tesla_protocol.command.car_server_pb2 import Action, VehicleAction
from tesla_protocol.command.universal_message_pb2 import MessageFault_E
from tesla_protocol.command.vcsec_pb2 import ClosureMoveType_E, RKEAction_E, UnsignedMessage

from simulator.dialects.tesla.vehicle_side import BAD_COMMAND, VCSEC, Faulty
from simulator.errors import ApiError, InvalidParameter

LOWEST_C, HIGHEST_C = 15.0, 28.0
_PIN = re.compile(r"\A[0-9]{4}\Z")
_MOVE: int = ClosureMoveType_E.CLOSURE_MOVE_TYPE_MOVE
_OPEN: int = ClosureMoveType_E.CLOSURE_MOVE_TYPE_OPEN
_CLOSE: int = ClosureMoveType_E.CLOSURE_MOVE_TYPE_CLOSE
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """One command in the simulator's words, or in one of those that only Tesla's cars know.

    Those are `trunk.move` (open when closed, close when open), `navigation.send_text`, `pin_to_drive.turn_off` (the
    PIN stays), `pin_to_drive.forget`, `valet.reset_pin`. refusal: the car will say no, whatever state it is in.
    """

    command: str
    parameters: dict[str, Any] = field(default_factory=dict)
    refusal: str | None = None


# REST


def read_rest(name: str, body: Body) -> Wish:
    """Return the wish of a REST command. Raises ApiError 400 for an unknown name or a body that does not fit."""
    read = _REST.get(name)
    if read is None:
        raise ApiError(400, "invalid_command")
    return read(body)


def _plain(command: str) -> Callable[[Body], Wish]:
    return lambda _body: Wish(command)


def _actuate_trunk(body: Body) -> Wish:
    which = body.get("which_trunk")
    if which not in ("rear", "front"):
        raise InvalidParameter("which_trunk")
    return Wish("trunk.move" if which == "rear" else "frunk.open")


def _set_limit(body: Body) -> Wish:
    return limit(int(_number(body, "percent")))


def _set_temps(body: Body) -> Wish:
    # Tesla's own proxy sends 0 for a passenger who is not named; the car takes that for its lowest.
    return temperatures(_number(body, "driver_temp"), _number(body, "passenger_temp", usual=0.0))


def _go_to(body: Body) -> Wish:
    return place(_number(body, "lat"), _number(body, "lon"))


def _go_to_text(body: Body) -> Wish:
    value = body.get("value")
    text = value.get("android.intent.extra.TEXT") if isinstance(value, dict) else None
    if not isinstance(text, str) or not text:
        raise InvalidParameter("value")
    return Wish("navigation.send_text", {"label": text})


def _set_drive_pin(body: Body) -> Wish:
    return drive_pin(is_on=_flag(body, "on"), pin=_text(body, "password"))


def _set_valet(body: Body) -> Wish:
    return valet(is_on=_flag(body, "on"), pin=_text(body, "password"))


_REST: dict[str, Callable[[Body], Wish]] = {
    "door_lock": _plain("lock"),
    "door_unlock": _plain("unlock"),
    "charge_start": _plain("charge.start"),
    "charge_stop": _plain("charge.stop"),
    "set_charge_limit": _set_limit,
    "charge_port_door_open": _plain("charge_port.open"),
    "charge_port_door_close": _plain("charge_port.close"),
    "auto_conditioning_start": _plain("climate.start"),
    "auto_conditioning_stop": _plain("climate.stop"),
    "set_temps": _set_temps,
    "actuate_trunk": _actuate_trunk,
    "navigation_gps_request": _go_to,
    "navigation_request": _go_to_text,
    "set_pin_to_drive": _set_drive_pin,
    "clear_pin_to_drive_admin": _plain("pin_to_drive.reset"),
    "reset_pin_to_drive_pin": _plain("pin_to_drive.forget"),
    "set_valet_mode": _set_valet,
    "reset_valet_pin": _plain("valet.reset_pin"),
    "honk_horn": _plain("horn.honk"),
    "flash_lights": _plain("lights.flash"),
    "remote_start_drive": _plain("engine.start"),
}
# Tesla's own proxy sends these on unsigned, whatever the car.
NEVER_SIGNED = frozenset({"navigation_gps_request", "navigation_request"})


# Signed messages


def read_signed(domain: int, payload: bytes) -> Wish:
    """Return the wish of a signed message. Raises Faulty for one that this computer of the car does not know."""
    try:
        if domain == VCSEC:
            return _read_security(UnsignedMessage.FromString(payload))
        return _read_infotainment(Action.FromString(payload).vehicleAction)
    except DecodeError as error:
        raise Faulty(MessageFault_E.MESSAGEFAULT_ERROR_DECODING) from error


_KEYFOB: dict[int, str] = {
    RKEAction_E.RKE_ACTION_UNLOCK: "unlock",
    RKEAction_E.RKE_ACTION_LOCK: "lock",
    RKEAction_E.RKE_ACTION_REMOTE_DRIVE: "engine.start",
}
_CLOSURES: dict[tuple[str, int], str] = {
    ("rearTrunk", _MOVE): "trunk.move",
    ("rearTrunk", _OPEN): "trunk.open",
    ("rearTrunk", _CLOSE): "trunk.close",
    ("frontTrunk", _MOVE): "frunk.open",
    ("frontTrunk", _OPEN): "frunk.open",
    ("chargePort", _OPEN): "charge_port.open",
    ("chargePort", _CLOSE): "charge_port.close",
}


def _read_security(message: UnsignedMessage) -> Wish:
    kind = message.WhichOneof("sub_message")
    if kind == "RKEAction" and message.RKEAction in _KEYFOB:
        return Wish(_KEYFOB[message.RKEAction])
    if kind == "closureMoveRequest":
        moves = [(closure.name, move) for closure, move in message.closureMoveRequest.ListFields() if move]
        if len(moves) == 1 and moves[0] in _CLOSURES:
            return Wish(_CLOSURES[moves[0]])
    raise Faulty(BAD_COMMAND)


def _read_infotainment(action: VehicleAction) -> Wish:
    kind = action.WhichOneof("vehicle_action_msg") or ""
    read = _ACTIONS.get(kind)
    if read is None:
        raise Faulty(BAD_COMMAND)
    return read(getattr(action, kind))


def _start_or_stop(action: Any) -> Wish:
    kind = action.WhichOneof("charging_action")
    if kind not in ("start", "start_standard", "start_max_range", "stop"):
        raise Faulty(BAD_COMMAND)
    return Wish("charge.stop" if kind == "stop" else "charge.start")


_ACTIONS: dict[str, Callable[[Any], Wish]] = {
    "chargingStartStopAction": _start_or_stop,
    "chargingSetLimitAction": lambda action: limit(action.percent),
    "chargePortDoorOpen": lambda _action: Wish("charge_port.open"),
    "chargePortDoorClose": lambda _action: Wish("charge_port.close"),
    "hvacAutoAction": lambda action: Wish("climate.start" if action.power_on else "climate.stop"),
    "hvacTemperatureAdjustmentAction": lambda action: temperatures(
        action.driver_temp_celsius, action.passenger_temp_celsius
    ),
    "navigationGpsRequest": lambda action: place(action.lat, action.lon),
    "navigationRequest": lambda action: Wish("navigation.send_text", {"label": action.destination}),
    "vehicleControlSetPinToDriveAction": lambda action: drive_pin(is_on=action.on, pin=action.password),
    "vehicleControlResetPinToDriveAdminAction": lambda _action: Wish("pin_to_drive.reset"),
    "vehicleControlResetPinToDriveAction": lambda _action: Wish("pin_to_drive.forget"),
    "vehicleControlSetValetModeAction": lambda action: valet(is_on=action.on, pin=action.password),
    "vehicleControlResetValetPinAction": lambda _action: Wish("valet.reset_pin"),
    "vehicleControlHonkHornAction": lambda _action: Wish("horn.honk"),
    "vehicleControlFlashLightsAction": lambda _action: Wish("lights.flash"),
    "remoteStartDrive": lambda _action: Wish("engine.start"),
}


# Both


def limit(percent: int) -> Wish:
    refusal = None if 50 <= percent <= 100 else "invalid_charge_limit"
    return Wish("charge.set_limit", {"percent": percent}, refusal)


def place(latitude: float, longitude: float) -> Wish:
    # No number at all is on no globe either: it fails both comparisons.
    is_on_globe = abs(latitude) <= 90 and abs(longitude) <= 180
    if not is_on_globe:
        return Wish("navigation.send", {}, "invalid_coordinates")
    return Wish("navigation.send", {"latitude": latitude, "longitude": longitude})


def temperatures(driver_c: float, passenger_c: float) -> Wish:
    """Both seats. What is beyond its scale the car takes for LO and HI."""
    if not (math.isfinite(driver_c) and math.isfinite(passenger_c)):
        return Wish("climate.set_temperature", {}, "invalid_temperature")
    return Wish("climate.set_temperature", {"temperature_c": _clamp(driver_c), "passenger_c": _clamp(passenger_c)})


def drive_pin(*, is_on: bool, pin: str) -> Wish:
    if not is_on:
        return Wish("pin_to_drive.turn_off")
    return Wish("pin_to_drive.set", {"pin": pin}, None if _PIN.match(pin) else "invalid_pin")


def valet(*, is_on: bool, pin: str) -> Wish:
    if not is_on:
        return Wish("valet.disable", {"pin": pin} if pin else {})
    return Wish("valet.enable", {"pin": pin}, None if _PIN.match(pin) else "invalid_pin")


def _clamp(celsius: float) -> float:
    return min(max(round(float(celsius) * 2) / 2, LOWEST_C), HIGHEST_C)


def _number(body: Body, name: str, *, usual: float | None = None) -> float:
    value = body.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidParameter(name)
    try:
        number = float(value)
    except ValueError as error:
        raise InvalidParameter(name) from error
    if not math.isfinite(number):
        raise InvalidParameter(name)
    return number


def _flag(body: Body, name: str) -> bool:
    if not isinstance(body.get(name), bool):
        raise InvalidParameter(name)
    return body[name]


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    return "" if value is None else str(value)
