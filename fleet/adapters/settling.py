"""How long a cloud may still report the old state after a command, and how long its effect is looked for.

What makers' users measured, last compared on 2026-11-23:

- Doors: BMW shows a lock 20 to 40 s after the click, some 10 s after it was executed (bimmer_connected #19); Ford gives
  a command 90 s (fordpass-ha #323); Toyota needs minutes, 180 s was chosen (ha_toyota PR #344); Škoda up to 240 s when
  the car sleeps deeply (homeassistant-myskoda #308).
- Charging, climate: 30 s after the command the old state is still reported, up to 3 min (ha-teslafi #21, #22); 300 s
  are the makers' own figure (reference/makers.md 3.3). An engine has to start before anything can report it.
- Settings (limit, temperature, PIN, valet): with the car's next report, like doors.
- Lights, horn, destination: no car reports them; the maker's word comes soon or never (makers.md 3.2 "ack only").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Settling(NamedTuple):
    """settle_s: a contrary reading means nothing for so long. window_s: without proof for so long, it is not proved."""

    settle_s: float
    window_s: int


REPORTED = Settling(30.0, 240)
STARTS_FIRST = Settling(60.0, 300)
NOT_REPORTED = Settling(5.0, 120)

SETTLING: Mapping[str, Settling] = {
    "lock": REPORTED,
    "unlock": REPORTED,
    "start_charge": STARTS_FIRST,
    "stop_charge": STARTS_FIRST,
    "set_charge_limit": REPORTED,
    "open_charge_port": REPORTED,
    "close_charge_port": REPORTED,
    "start_climate": STARTS_FIRST,
    "stop_climate": STARTS_FIRST,
    "set_temperature": REPORTED,
    "open_trunk": REPORTED,
    "close_trunk": REPORTED,
    "open_frunk": REPORTED,
    "close_frunk": REPORTED,
    "send_destination": NOT_REPORTED,
    "set_pin": REPORTED,
    "reset_pin": REPORTED,
    "enable_valet": REPORTED,
    "disable_valet": REPORTED,
    "flash_lights": NOT_REPORTED,
    "honk_horn": NOT_REPORTED,
    "start_engine": STARTS_FIRST,
    "stop_engine": STARTS_FIRST,
}
