"""Our commands as the messages that parts of a car carry out."""

from __future__ import annotations

from tesla_protocol.command import car_server_pb2 as car
from tesla_protocol.command import vcsec_pb2 as vcsec

from fleet.adapters.commands import (
    Command,
    DisableValet,
    EnableValet,
    SetChargeLimit,
    SetPin,
    SetTemperature,
)
from fleet.adapters.providers.tesla.signing.messages import INFOTAINMENT, SECURITY

KEYLESS = {
    "lock": vcsec.RKE_ACTION_LOCK,
    "unlock": vcsec.RKE_ACTION_UNLOCK,
    "start_engine": vcsec.RKE_ACTION_REMOTE_DRIVE,
}
# Trunk: OPEN and CLOSE are targets, unlike MOVE, which turns round whatever is so. The frunk opens by MOVE.
MOVES = {
    "open_trunk": vcsec.ClosureMoveRequest(rearTrunk=vcsec.CLOSURE_MOVE_TYPE_OPEN),
    "close_trunk": vcsec.ClosureMoveRequest(rearTrunk=vcsec.CLOSURE_MOVE_TYPE_CLOSE),
    "open_frunk": vcsec.ClosureMoveRequest(frontTrunk=vcsec.CLOSURE_MOVE_TYPE_MOVE),
}


def signed_order(command: Command) -> tuple[int, bytes]:
    """Return which part of the car carries a command out, and the message to it. Raises KeyError for what none does."""
    if command.kind in KEYLESS or command.kind in MOVES:
        return SECURITY, _to_security(command).SerializeToString()
    action = car.Action()
    _fill(action.vehicleAction, command)
    return INFOTAINMENT, action.SerializeToString()


def _to_security(command: Command) -> vcsec.UnsignedMessage:
    if command.kind in MOVES:
        return vcsec.UnsignedMessage(closureMoveRequest=MOVES[command.kind])
    return vcsec.UnsignedMessage(RKEAction=KEYLESS[command.kind])


def _fill(action: car.VehicleAction, command: Command) -> None:
    match command:
        case SetChargeLimit():
            action.chargingSetLimitAction.percent = command.limit_percent
        case SetTemperature():
            adjustment = action.hvacTemperatureAdjustmentAction
            adjustment.driver_temp_celsius = adjustment.passenger_temp_celsius = command.temperature_c
            adjustment.level.TEMP_MAX.SetInParent()
        case SetPin():
            action.vehicleControlSetPinToDriveAction.on = True
            action.vehicleControlSetPinToDriveAction.password = command.pin
        case EnableValet():
            action.vehicleControlSetValetModeAction.on = True
            action.vehicleControlSetValetModeAction.password = command.pin
        case DisableValet():
            action.vehicleControlSetValetModeAction.on = False
            action.vehicleControlSetValetModeAction.password = command.pin or ""
        case _:
            _fill_plain(action, command.kind)


def _fill_plain(action: car.VehicleAction, kind: str) -> None:
    match kind:
        case "start_charge":
            action.chargingStartStopAction.start.SetInParent()
        case "stop_charge":
            action.chargingStartStopAction.stop.SetInParent()
        case "open_charge_port":
            action.chargePortDoorOpen.SetInParent()
        case "close_charge_port":
            action.chargePortDoorClose.SetInParent()
        case "start_climate":
            action.hvacAutoAction.power_on = True
        case "stop_climate":
            action.hvacAutoAction.power_on = False
        case "reset_pin":
            action.vehicleControlResetPinToDriveAdminAction.SetInParent()
        case "flash_lights":
            action.vehicleControlFlashLightsAction.SetInParent()
        case "honk_horn":
            action.vehicleControlHonkHornAction.SetInParent()
        case _:
            raise KeyError(kind)
