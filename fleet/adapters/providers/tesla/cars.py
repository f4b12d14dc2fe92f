"""Cars as Tesla lists and describes them, in our words: lists, VINs, pairing, what a car can do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleet.adapters.base import RemoteVehicle
from fleet.adapters.capabilities import Answer, Capability

# Letters that a VIN of Tesla's begins with, by factory (Fremont and Austin, Roadster, Shanghai, Berlin).
FACTORIES = ("5YJ", "7SA", "7G2", "SFZ", "LRW", "XP7")
MODELS = {"S": "Model S", "3": "Model 3", "X": "Model X", "Y": "Model Y", "C": "Cybertruck", "R": "Roadster"}
YEAR_LETTERS = "ABCDEFGHJKLMNPRSTVWXY"
FIRST_YEAR = 2010
VIN_LENGTH = 17

UNSIGNED = frozenset({"send_destination"})
FLEET_STATUS = "GET fleet_status"
CONFIG = "vehicle_config"


@dataclass(frozen=True)
class Standing:
    """How a car takes commands. must_sign: only signed; is_paired: it knows our key."""

    must_sign: bool
    is_paired: bool


def has_next(body: Mapping[str, Any], number: int) -> bool:
    """Say whether another page follows the one with this number."""
    pagination = body.get("pagination")
    following = pagination.get("next") if isinstance(pagination, dict) else None
    return isinstance(following, int) and following > number


def remote_vehicle(raw: Mapping[str, Any]) -> RemoteVehicle | None:
    """Read one car of a list; None without a VIN, by which all further calls go and commands are signed.

    Tesla's list names neither model nor year: both stand in the VIN.
    """
    vin = raw.get("vin")
    if not isinstance(vin, str) or len(vin) != VIN_LENGTH or not (vin.isascii() and vin.isalnum()):
        return None
    name = raw.get("display_name")
    return RemoteVehicle(
        provider_vehicle_id=vin,
        vin=vin,
        make="Tesla",
        model=_model(vin),
        year=_year(vin),
        powertrain="BEV",
        display_name=name if isinstance(name, str) and name else None,
    )


def _is_teslas(vin: str) -> bool:
    return vin.startswith(FACTORIES)


def _model(vin: str) -> str:
    return MODELS.get(vin[3], "") if _is_teslas(vin) else ""


def _year(vin: str) -> int | None:
    if not _is_teslas(vin):
        return None
    code = vin[9]
    if code in YEAR_LETTERS:
        return FIRST_YEAR + YEAR_LETTERS.index(code)
    # The digits mean 2001 to 2009 and come back in 2031; of the old ones, Tesla built in two.
    return {"8": 2008, "9": 2009}.get(code)


def standing(body: Any, vin: str) -> Standing | None:
    """Read fleet_status for one car; None when it says nothing of it."""
    if not isinstance(body, dict):
        return None
    of_cars = body.get("vehicle_info")
    of_car = of_cars.get(vin) if isinstance(of_cars, dict) else None
    must_sign = of_car.get("vehicle_command_protocol_required") if isinstance(of_car, dict) else None
    paired, unpaired = _vins(body.get("key_paired_vins")), _vins(body.get("unpaired_vins"))
    if not isinstance(must_sign, bool) or vin not in paired | unpaired:
        return None
    return Standing(must_sign, vin in paired)


def _vins(raw: Any) -> frozenset[str]:
    return frozenset(vin for vin in raw if isinstance(vin, str)) if isinstance(raw, list) else frozenset()


def capabilities(
    kinds: frozenset[str], found: Standing, described: Mapping[str, Any], *, checked_at: datetime
) -> dict[str, Capability]:
    """Return what a car can do. described: the answer to vehicle_data; empty where the car sleeps."""
    config, state = _part(described, "vehicle_config"), _part(described, "vehicle_state")
    facts = {
        "open_trunk": config.get("can_actuate_trunks"),
        "open_frunk": config.get("can_actuate_trunks"),
        # "plg": a lift gate with a motor. Only such a one closes by itself.
        "close_trunk": config.get("plg"),
        "open_charge_port": config.get("motorized_charge_port"),
        "close_charge_port": config.get("motorized_charge_port"),
        "send_destination": config.get("can_accept_navigation_requests"),
        "start_engine": state.get("remote_start_supported"),
    }
    needs_pairing = found.must_sign and not found.is_paired
    return {
        kind: capability
        for kind in kinds
        if (capability := _capability(kind, facts, needs_pairing=needs_pairing, checked_at=checked_at))
    }


def _capability(kind: str, facts: Mapping[str, Any], *, needs_pairing: bool, checked_at: datetime) -> Capability | None:
    fact = facts.get(kind)
    if fact is False:
        return Capability(Answer.NO, CONFIG, checked_at, "not_equipped")
    if needs_pairing and kind not in UNSIGNED:
        return Capability(Answer.NO, FLEET_STATUS, checked_at, "needs_pairing")
    if kind in facts:
        return Capability(Answer.YES, CONFIG, checked_at) if fact is True else None
    # Every car of Tesla's has the others, once it takes our commands.
    return Capability(Answer.YES, FLEET_STATUS, checked_at)


def _part(described: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = described.get(name)
    return part if isinstance(part, dict) else {}
