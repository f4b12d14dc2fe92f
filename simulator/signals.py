"""The read-outs of a car as its cloud words them: names, units, read scopes, and which powertrain has which."""

from typing import Any

from simulator.cars import Car
from simulator.errors import InvalidParameter

READ_SCOPES = (
    "read_vin",
    "read_odometer",
    "read_battery",
    "read_charge",
    "read_location",
    "read_lock_state",
    "read_climate",
    "read_fuel",
    "read_tires",
)

# Signal -> unit and the scopes of which any one opens it.
SIGNALS: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "odometer_km": ("km", ("read_odometer",)),
    "soc_percent": ("%", ("read_battery",)),
    "range_km": ("km", ("read_battery", "read_fuel")),
    "location": (None, ("read_location",)),
    "locked": (None, ("read_lock_state",)),
    "doors_open": (None, ("read_lock_state",)),
    "trunk_open": (None, ("read_lock_state",)),
    "frunk_open": (None, ("read_lock_state",)),
    "charging_state": (None, ("read_charge",)),
    "plugged_in": (None, ("read_charge",)),
    "charge_limit_percent": ("%", ("read_charge",)),
    "charge_power_kw": ("kW", ("read_charge",)),
    "charge_port_open": (None, ("read_charge",)),
    "climate_on": (None, ("read_climate",)),
    "cabin_temperature_c": ("°C", ("read_climate",)),
    "outside_temperature_c": ("°C", ("read_climate",)),
    "target_temperature_c": ("°C", ("read_climate",)),
    "battery_12v_v": ("V", ("read_battery", "read_fuel")),
    "in_motion": (None, ("read_location", "read_lock_state")),
    "speed_kmh": ("km/h", ("read_location",)),
    "valet_mode": (None, ("read_lock_state",)),
    "pin_to_drive": (None, ("read_lock_state",)),
    "engine_running": (None, ("read_fuel", "read_lock_state")),
    "fuel_percent": ("%", ("read_fuel",)),
    "tyre_pressure_kpa": ("kPa", ("read_tires",)),
}

_BATTERY_ONLY = {
    "soc_percent",
    "charging_state",
    "plugged_in",
    "charge_limit_percent",
    "charge_power_kw",
    "charge_port_open",
}
_ENGINE_ONLY = {"engine_running", "fuel_percent"}
CHARGING_STATES = ("disconnected", "connected", "starting", "charging", "complete", "stopped", "no_power", "fault")


def read_signals(car: Car) -> dict[str, Any]:
    """Return every signal that this car has, with its value now, rounded as a cloud would."""
    values: dict[str, Any] = {
        "odometer_km": round(car.odometer_km, 1),
        "range_km": round(estimate_range_km(car)),
        "location": {
            "latitude": round(car.latitude, 6),
            "longitude": round(car.longitude, 6),
            "heading": round(car.heading),
        },
        "locked": car.locked,
        "doors_open": car.doors_open,
        "trunk_open": car.trunk_open,
        "frunk_open": car.frunk_open,
        "climate_on": car.climate_on,
        "cabin_temperature_c": round(car.cabin_temperature_c, 1),
        "outside_temperature_c": round(car.outside_temperature_c, 1),
        "target_temperature_c": car.target_temperature_c,
        "battery_12v_v": round(_read_12v(car), 2),
        "in_motion": car.in_motion,
        "speed_kmh": round(car.speed_kmh),
        "valet_mode": car.valet_mode,
        "pin_to_drive": car.pin_to_drive,
        "tyre_pressure_kpa": {wheel: round(pressure) for wheel, pressure in car.tyre_pressure_kpa.items()},
    }
    if car.has_traction_battery:
        starting = any(effect.command == "charge.start" for effect in car.pending)
        values |= {
            "soc_percent": round(car.soc_percent, 1),
            "charging_state": "starting" if starting else car.charging_state,
            "plugged_in": car.plugged_in,
            "charge_limit_percent": round(car.charge_limit_percent),
            "charge_power_kw": round(car.charge_power_kw, 1),
            "charge_port_open": car.charge_port_open,
        }
    if car.has_engine:
        values |= {"engine_running": car.engine_running, "fuel_percent": round(car.fuel_percent, 1)}
    return values


def estimate_range_km(car: Car) -> float:
    """What the dashboard would promise."""
    electric = car.soc_percent / 100 * car.battery_kwh / 0.175 if car.has_traction_battery else 0.0
    return electric + (car.fuel_percent / 100 * 48 / 0.065 if car.has_engine else 0.0)


def _read_12v(car: Car) -> float:
    fed = car.in_motion or car.engine_running or car.charging_state == "charging"
    return 14.2 if fed else car.battery_12v_v


_BOOLEANS = {
    "locked",
    "doors_open",
    "trunk_open",
    "frunk_open",
    "climate_on",
    "charge_port_open",
    "valet_mode",
    "pin_to_drive",
    "engine_running",
    "plugged_in",
    "in_motion",
    "charger_is_dc",
    "drives_all_day",
}
_NUMBERS = {
    "odometer_km": (0, 2_000_000),
    "soc_percent": (0, 100),
    "fuel_percent": (0, 100),
    "charge_limit_percent": (50, 100),
    "cabin_temperature_c": (-50, 90),
    "outside_temperature_c": (-50, 60),
    "target_temperature_c": (15, 28),
    "battery_12v_v": (0, 15),
    "charger_kw": (0, 400),
    "idle_s": (0, 1e9),
}


def override_signals(car: Car, wanted: dict[str, Any]) -> None:
    """Set what is true of the car. Related values follow: a car set to charge is plugged in, a driving car is not."""
    for name, value in wanted.items():
        _check_override(name, value)
    for name, value in wanted.items():
        if name == "location":
            _move(car, value)
        elif name == "tyre_pressure_kpa":
            car.tyre_pressure_kpa = {**car.tyre_pressure_kpa, **value}
        elif name not in ("charging_state", "plugged_in", "in_motion", "speed_kmh"):
            setattr(car, name, value)
    if "outside_temperature_c" in wanted:
        car.outside_is_fixed = True
    if wanted.get("climate_on"):
        car.climate_left_s = 1800.0
    if wanted.get("engine_running"):
        car.engine_left_s = 900.0
    if "plugged_in" in wanted or "charging_state" in wanted:
        _plug(car, wanted)
    if "in_motion" in wanted or "speed_kmh" in wanted:
        _drive(car, wanted)


def _check_override(name: str, value: Any) -> None:
    if name in _BOOLEANS:
        valid = isinstance(value, bool)
    elif name in _NUMBERS:
        low, high = _NUMBERS[name]
        valid = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    elif name == "charging_state":
        valid = value in CHARGING_STATES
    elif name == "speed_kmh":
        valid = isinstance(value, int | float) and 0 <= value <= 250
    elif name == "location":
        valid = isinstance(value, dict) and {"latitude", "longitude"} <= value.keys()
    elif name == "tyre_pressure_kpa":
        valid = isinstance(value, dict) and value.keys() <= {"fl", "fr", "rl", "rr"}
    else:
        valid = False
    if not valid:
        raise InvalidParameter(name)


def _move(car: Car, location: dict[str, float]) -> None:
    car.home_latitude = car.latitude = float(location["latitude"])
    car.home_longitude = car.longitude = float(location["longitude"])
    car.heading = float(location.get("heading", car.heading))
    car.loop_m = 0.0


def _plug(car: Car, wanted: dict[str, Any]) -> None:
    state = wanted.get("charging_state")
    plugged_in = wanted.get("plugged_in", state not in (None, "disconnected"))
    if state is None:
        state = "connected" if plugged_in else "disconnected"
    elif (state != "disconnected") is not plugged_in:
        raise InvalidParameter("charging_state")
    car.plugged_in = plugged_in
    car.charging_state = state
    car.charge_port_open = wanted.get("charge_port_open", plugged_in)
    car.charge_power_kw = 0.0
    if plugged_in:
        car.in_motion, car.speed_kmh = False, 0.0


def _drive(car: Car, wanted: dict[str, Any]) -> None:
    speed_kmh = float(wanted.get("speed_kmh", 45.0))
    car.in_motion = wanted.get("in_motion", speed_kmh > 0)
    car.speed_kmh = speed_kmh if car.in_motion else 0.0
    if car.in_motion:
        car.plugged_in = car.charge_port_open = False
        car.charging_state, car.charge_power_kw = "disconnected", 0.0
        car.engine_running = car.powertrain in ("ICE", "HEV")
    elif car.powertrain in ("ICE", "HEV"):
        car.engine_running = wanted.get("engine_running", False)
