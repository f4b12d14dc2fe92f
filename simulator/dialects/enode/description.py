"""A vehicle as Enode describes it: information, charge, odometer, place, and what it can."""

from typing import Any

from simulator.cars import Car
from simulator.commands import is_capable
from simulator.dialects.brokers import name_anything, name_car
from simulator.dialects.enode.links import DIALECT, is_valid
from simulator.ledger import format_time
from simulator.signals import read_signals
from simulator.world import World

_POWER = {
    "disconnected": "UNPLUGGED",
    "connected": "PLUGGED_IN:STOPPED",
    "starting": "PLUGGED_IN:INITIALIZING",
    "charging": "PLUGGED_IN:CHARGING",
    "complete": "PLUGGED_IN:COMPLETE",
    "stopped": "PLUGGED_IN:STOPPED",
    "no_power": "PLUGGED_IN:NO_POWER",
    "fault": "PLUGGED_IN:FAULT",
}


def describe_vehicle(world: World, fields: dict[str, Any], car: Car) -> dict[str, Any]:
    """Return the vehicle as Enode has it: read now when the car is online, else as last known."""
    behaviour = world.behaviours.for_car(car.id)
    state, now = world.look(car, behaviour), world.now()
    is_reachable = state == "online" and is_valid(world, fields)
    values = read_signals(car) if is_reachable else car.last_known or read_signals(car)
    seen_at = format_time((now if is_reachable else car.last_known_at or now) + behaviour.clock_offset_s)
    facts = car.facts.get(DIALECT, {})
    sees_place = "vehicle:read:location" in fields["scopes"]
    place = values["location"] if sees_place else {"latitude": None, "longitude": None}
    vehicle = {
        "id": name_car(DIALECT, car.id),
        "userId": fields["user_id"],
        "vendor": fields["vendor"],
        "isReachable": is_reachable,
        "lastSeen": seen_at,
        "information": {
            "brand": car.make,
            "model": car.model,
            "year": car.year,
            "vin": car.vin,
            "displayName": car.display_name,
        },
        "chargeState": _describe_charge(car, values, seen_at),
        "smartChargingPolicy": {
            "isEnabled": facts.get("smart_charging", False),
            "deadline": "07:00" if facts.get("smart_charging") else None,
            "minimumChargeLimit": 0,
        },
        "odometer": {"distance": values["odometer_km"], "lastUpdated": seen_at},
        "location": {
            "latitude": place["latitude"],
            "longitude": place["longitude"],
            "lastUpdated": seen_at if sees_place else None,
            "id": None,
        },
        "capabilities": _describe_capabilities(car, facts),
        "scopes": fields["scopes"],
    }
    for path in facts.get("nulls", ()):
        part, _, name = path.partition(".")
        vehicle[part][name] = None
    return vehicle


def _describe_charge(car: Car, values: dict[str, Any], seen_at: str | None) -> dict[str, Any]:
    is_charging = values["charging_state"] == "charging"
    missing_kwh = max(values["charge_limit_percent"] - values["soc_percent"], 0) / 100 * car.battery_kwh
    power_kw = values["charge_power_kw"]
    return {
        "batteryLevel": values["soc_percent"],
        "range": values["range_km"],
        "isPluggedIn": values["plugged_in"],
        "isCharging": is_charging,
        "isFullyCharged": values["charging_state"] == "complete",
        "batteryCapacity": car.battery_kwh,
        "chargeLimit": values["charge_limit_percent"],
        "chargeRate": power_kw if is_charging else None,
        "chargeTimeRemaining": round(60 * missing_kwh / power_kw) if is_charging and power_kw > 0 else None,
        "lastUpdated": seen_at,
        "maxCurrent": None,
        "powerDeliveryState": _POWER.get(values["charging_state"], "UNKNOWN"),
        "pluggedInChargerId": None,
    }


def _describe_capabilities(car: Car, facts: dict[str, Any]) -> dict[str, Any]:
    interventions = facts.get("interventions", {})
    cannot = {
        "setMaxCurrent": True,
        "startCharging": not is_capable(car, "charge.start") or car.is_unpaired,
        "stopCharging": not is_capable(car, "charge.stop") or car.is_unpaired,
    }
    pairing = [name_anything("intervention", "pairing")] if car.is_unpaired else []
    return {
        name: {
            "isCapable": not cannot.get(name, False) and name not in interventions,
            "interventionIds": interventions.get(name, pairing if name.endswith("Charging") else []),
        }
        for name in (
            "information",
            "chargeState",
            "location",
            "odometer",
            "setMaxCurrent",
            "startCharging",
            "stopCharging",
            "smartCharging",
        )
    }
