"""Volvo's scopes, which of the simulator's stand behind each, and what a grant holds in Volvo's words."""

from simulator.oauth import SCOPES, Grant
from simulator.world import World

DIALECT = "volvo"
# Volvo's scope -> the simulator's scopes that an owner grants with it.
VOLVO_SCOPES: dict[str, tuple[str, ...]] = {
    "openid": (),
    "conve:vehicle_relation": ("read_vin",),
    "conve:commands": (),
    "conve:command_accessibility": (),
    "conve:lock": ("control_security",),
    "conve:unlock": ("control_security",),
    "conve:lock_status": ("read_lock_state",),
    "conve:doors_status": ("read_lock_state",),
    "conve:windows_status": ("read_lock_state",),
    "conve:climatization_start_stop": ("control_climate",),
    "conve:engine_start_stop": ("control_engine",),
    "conve:engine_status": ("read_fuel",),
    "conve:honk_flash": ("control_security",),
    "conve:odometer_status": ("read_odometer",),
    "conve:fuel_status": ("read_fuel",),
    "conve:battery_charge_level": ("read_battery",),
    "conve:tyre_status": ("read_tires",),
    "conve:trip_statistics": ("read_odometer",),
    "conve:warnings": (),
    "conve:brake_status": (),
    "conve:environment": (),
    "conve:diagnostics_workshop": (),
    "conve:diagnostics_engine_status": (),
    "energy:state:read": ("read_battery", "read_charge"),
    "energy:capability:read": (),
    "location:read": ("read_location",),
}


def find_scopes(words: list[str]) -> list[str]:
    """Return the simulator's scopes behind Volvo's."""
    wanted = {name for word in words for name in VOLVO_SCOPES[word]}
    return [name for name in SCOPES if name in wanted]


def keep_ticked(words: list[str], ticked: list[str]) -> list[str]:
    return [word for word in words if all(name in ticked for name in VOLVO_SCOPES[word])]


def remember(world: World, grant_id: str, words: list[str]) -> None:
    """Keep what was granted in Volvo's words; grants that are gone are forgotten."""
    kept: dict[str, list[str]] = world.shelf(DIALECT).setdefault("scopes", {})
    for old in [known for known in kept if known not in world.authorizations.grants]:
        del kept[old]
    kept[grant_id] = words


def list_granted(world: World, grant: Grant) -> list[str]:
    """Return Volvo's scopes of a grant; one from the control API has all that its own scopes carry."""
    kept: list[str] | None = world.shelf(DIALECT).get("scopes", {}).get(grant.id)
    return keep_ticked(list(VOLVO_SCOPES), grant.scopes) if kept is None else kept
