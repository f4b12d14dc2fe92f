"""What owners allow, in our words and in Smartcar's permissions."""

from __future__ import annotations

from collections.abc import Iterable

# Ours -> theirs; the first one is what decides whether ours was granted, the others come along where given.
PERMISSIONS: dict[str, tuple[str, ...]] = {
    "read_vin": ("read_vin", "read_vehicle_info"),
    "read_odometer": ("read_odometer",),
    "read_battery": ("read_battery",),
    "read_charge": ("read_charge",),
    "read_location": ("read_location",),
    "read_lock_state": ("read_security",),
    "read_climate": ("read_climate", "read_thermometer"),
    "read_fuel": ("read_fuel",),
    "read_tires": ("read_tires",),
    "control_security": ("control_security",),
    "control_charge": ("control_charge",),
    "control_navigation": ("control_navigation",),
}


def permissions_for(scopes: Iterable[str]) -> list[str]:
    """Return Smartcar's permissions for our scopes; a scope that it does not know asks for nothing."""
    return sorted({permission for scope in scopes for permission in PERMISSIONS.get(scope, ())})


def scopes_of(permissions: Iterable[str]) -> frozenset[str]:
    """Return our scopes that permissions open."""
    given = {permission.removeprefix("required:") for permission in permissions}
    return frozenset(scope for scope, theirs in PERMISSIONS.items() if theirs[0] in given)
