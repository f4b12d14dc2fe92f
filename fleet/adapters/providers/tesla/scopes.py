"""Tesla's scopes and ours, both ways, and what an access token says of itself. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Without these two there is no refresh token.
ALWAYS = ("openid", "offline_access")
DATA, PLACE = "vehicle_device_data", "vehicle_location"
COMMANDS, CHARGING = "vehicle_cmds", "vehicle_charging_cmds"

# Whether vehicle_cmds alone lets charging commands through as well is not documented: here it does not.
OURS: Mapping[str, frozenset[str]] = {
    DATA: frozenset(
        {
            "read_vin",
            "read_odometer",
            "read_battery",
            "read_charge",
            "read_lock_state",
            "read_climate",
            "read_tires",
        }
    ),
    PLACE: frozenset({"read_location"}),
    COMMANDS: frozenset(
        {
            "control_security",
            "control_climate",
            "control_navigation",
            "control_pin",
            "control_trunk",
            "control_engine",
        }
    ),
    CHARGING: frozenset({"control_charge"}),
}


def to_tesla(scopes: Iterable[str]) -> list[str]:
    """Return the scopes to ask an owner for; no more than the wanted ones need, for Tesla grants by the group."""
    wanted = set(scopes)
    return [*ALWAYS, *(word for word, ours in OURS.items() if ours & wanted)]


def to_ours(scopes: Iterable[str]) -> frozenset[str]:
    """Return what granted scopes allow, in our words."""
    return frozenset().union(*(OURS.get(word, frozenset()) for word in scopes))


@dataclass(frozen=True)
class Claims:
    """What a token says: whose it is, Tesla's scopes (None: it does not say), the region of the login ("" likewise)."""

    account_id: str
    scopes: frozenset[str] | None
    region: str


NOTHING = Claims("", None, "")


def read_claims(access_token: str) -> Claims:
    """Read an access token, which is a JWT. Its signature is not checked: it came from Tesla, and Tesla checks it.

    Whatever cannot be read says nothing.
    """
    parts = access_token.split(".")
    if len(parts) != 3:
        return NOTHING
    try:
        body = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return NOTHING
    if not isinstance(body, dict):
        return NOTHING
    return Claims(_text(body.get("sub")), _words(body.get("scp")), _text(body.get("ou_code")).lower())


def _text(raw: Any) -> str:
    return raw if isinstance(raw, str) else ""


def _words(raw: Any) -> frozenset[str] | None:
    """A list in what was seen; OAuth's own form is one text with spaces between."""
    if isinstance(raw, str):
        return frozenset(raw.split())
    return frozenset(word for word in raw if isinstance(word, str)) if isinstance(raw, list) else None
