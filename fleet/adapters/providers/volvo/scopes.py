"""Volvo's scopes and ours, both ways."""

from __future__ import annotations

from collections.abc import Iterable

# Without these no car is listed, and no command may be asked about.
ALWAYS = frozenset({"openid", "conve:vehicle_relation", "conve:commands", "conve:command_accessibility"})
# Ours -> without which of theirs it is not granted.
NEEDED = {
    "read_vin": frozenset({"conve:vehicle_relation"}),
    "read_odometer": frozenset({"conve:odometer_status"}),
    "read_battery": frozenset({"energy:state:read"}),
    "read_charge": frozenset({"energy:state:read"}),
    "read_location": frozenset({"location:read"}),
    "read_lock_state": frozenset({"conve:doors_status", "conve:lock_status"}),
    "control_security": frozenset({"conve:lock", "conve:unlock"}),
    "control_climate": frozenset({"conve:climatization_start_stop"}),
    "control_engine": frozenset({"conve:engine_start_stop"}),
}
# Ours -> what is asked for as well, and missed by a part only when it is not given.
WANTED = {
    "read_lock_state": frozenset({"conve:engine_status"}),
    "control_security": frozenset({"conve:honk_flash"}),
}


def to_volvo(scopes: Iterable[str]) -> frozenset[str]:
    """Return what to ask an owner for. Raises KeyError for a word that the card does not declare."""
    asked = ALWAYS
    for scope in scopes:
        asked |= NEEDED[scope] | WANTED.get(scope, frozenset())
    return asked


def from_volvo(granted: Iterable[str]) -> frozenset[str]:
    """Return which of our scopes were granted. The charging state tells the plug too, so both come together."""
    given = frozenset(granted)
    return frozenset(scope for scope, needed in NEEDED.items() if needed <= given)
