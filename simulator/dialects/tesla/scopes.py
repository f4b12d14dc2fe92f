"""Tesla's scopes and what each opens here. Which the owner granted is kept in the simulator's own words."""

from simulator.commands import COMMANDS

_OPENS: dict[str, tuple[str, ...]] = {
    "vehicle_device_data": (
        "read_vin",
        "read_odometer",
        "read_battery",
        "read_charge",
        "read_lock_state",
        "read_climate",
        "read_tires",
    ),
    "vehicle_location": ("read_location",),
    # Whether the real one lets charging commands through with this scope too is not known; here it does not.
    "vehicle_cmds": (
        "control_security",
        "control_climate",
        "control_navigation",
        "control_pin",
        "control_trunk",
        "control_engine",
    ),
    "vehicle_charging_cmds": ("control_charge",),
}
_OTHERS = (
    "openid",
    "email",
    "profile",
    "offline_access",
    "user_data",
    "energy_device_data",
    "energy_cmds",
    "vehicle_specs",
)
KNOWN = frozenset(_OPENS) | frozenset(_OTHERS)

# Commands that only Tesla's cars have, by the first word of their name here.
_OWN = {
    "valet": "control_pin",
    "pin_to_drive": "control_pin",
    "navigation": "control_navigation",
    "trunk": "control_trunk",
}


def translate(asked: list[str]) -> list[str]:
    """Return the simulator's scopes for Tesla's; those that are about no car open nothing."""
    return [scope for word in asked for scope in _OPENS.get(word, ())]


def name_granted(granted: list[str], asked: list[str] | None) -> list[str]:
    """Return Tesla's scopes of a grant: those of which the owner left out nothing.

    asked: what the client had asked for; None when that is not known any more.
    """
    others = ["openid", "offline_access"] if asked is None else [word for word in asked if word in _OTHERS]
    opened = [word for word, scopes in _OPENS.items() if set(scopes) <= set(granted)]
    return others + [word for word in opened if asked is None or word in asked]


def scope_for(command: str) -> str:
    """Return the simulator's scope that a command needs."""
    known = COMMANDS.get(command)
    return known.scope if known is not None else _OWN[command.partition(".")[0]]
