"""Smartcar's permissions and which of the simulator's scopes stand behind each, if any."""

from simulator.oauth import SCOPES

# Permission -> the scopes of the simulator that an owner grants with it.
PERMISSIONS: dict[str, tuple[str, ...]] = {
    "read_vehicle_info": (),
    "read_extended_vehicle_info": (),
    "read_user_profile": (),
    "read_vin": ("read_vin",),
    "read_odometer": ("read_odometer",),
    "read_battery": ("read_battery",),
    "read_charge": ("read_charge",),
    "read_location": ("read_location",),
    "read_security": ("read_lock_state",),
    "read_climate": ("read_climate",),
    "read_thermometer": ("read_climate",),
    "read_fuel": ("read_fuel",),
    "read_tires": ("read_tires",),
    "read_speedometer": ("read_location",),
    "read_diagnostics": (),
    "read_alerts": (),
    "read_charge_locations": (),
    "read_charge_records": (),
    "read_charge_events": (),
    "read_compass": ("read_location",),
    "read_engine_oil": (),
    "read_service_history": (),
    "control_charge": ("control_charge",),
    "control_climate": ("control_climate",),
    "control_navigation": ("control_navigation",),
    "control_security": ("control_security",),
    "control_pin": ("control_pin",),
    "control_trunk": ("control_trunk",),
}


def parse_permissions(words: str) -> tuple[list[str], list[str]] | None:
    """Return the permissions asked for and those that the owner may not untick; None when one is not known."""
    asked: list[str] = []
    required: list[str] = []
    for word in words.split():
        name = word.removeprefix("required:")
        if name not in PERMISSIONS:
            return None
        if name not in asked:
            asked.append(name)
        if word != name:
            required.append(name)
    return asked or [name for name, scopes in PERMISSIONS.items() if scopes], required


def find_scopes(permissions: list[str]) -> list[str]:
    """Return the simulator's scopes behind these permissions, each once, in its own order."""
    wanted = {scope for name in permissions for scope in PERMISSIONS[name]}
    return [scope for scope in SCOPES if scope in wanted]


def keep_ticked(permissions: list[str], ticked: list[str]) -> list[str]:
    """Return the permissions of which every scope was ticked."""
    return [name for name in permissions if all(scope in ticked for scope in PERMISSIONS[name])]
