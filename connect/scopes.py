"""What owners are asked to allow, in plain words. The keys are the vocabulary's; what a scope opens is told there."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop

# Without it a car has no identity: the list of cars and whether they can be reached.
ALWAYS_NEEDED = "read_vin"


@dataclass(frozen=True)
class Scope:
    """One permission. The texts are kept in English and translated when shown, so that their version is one."""

    key: str
    english_title: str
    english_hint: str

    @property
    def title(self) -> str:
        return gettext(self.english_title)

    @property
    def hint(self) -> str:
        return gettext(self.english_hint)

    @property
    def icon(self) -> str:
        return self.key

    @property
    def is_control(self) -> bool:
        return self.key.startswith("control_")

    @property
    def group(self) -> str:
        return "do" if self.is_control else "see"


# In the order in which they are shown: what is seen before what is done, the least private first.
_ALL = (
    Scope("read_vin", gettext_noop("Which car it is"), gettext_noop("Make, model, VIN, and whether it is online")),
    Scope("read_odometer", gettext_noop("Odometer"), gettext_noop("Distance driven in all, no trips")),
    Scope("read_battery", gettext_noop("Battery and range"), gettext_noop("Charge level, range, 12-volt battery")),
    Scope("read_charge", gettext_noop("Charging"), gettext_noop("Plugged in, charging speed, charge limit")),
    Scope("read_fuel", gettext_noop("Fuel level"), gettext_noop("How full the tank is")),
    Scope("read_lock_state", gettext_noop("Doors and locks"), gettext_noop("Whether doors, trunk and locks are open")),
    Scope("read_climate", gettext_noop("Temperatures"), gettext_noop("In the car and outside, and the heating")),
    Scope("read_location", gettext_noop("Location"), gettext_noop("Where the car is and whether it moves")),
    Scope(
        "control_security", gettext_noop("Lock and unlock"), gettext_noop("Also flash the lights and sound the horn")
    ),
    Scope("control_charge", gettext_noop("Start and stop charging"), gettext_noop("Also charge limit and charge port")),
    Scope("control_climate", gettext_noop("Heating and cooling"), gettext_noop("Start, stop and set the temperature")),
    Scope("control_trunk", gettext_noop("Open and close the trunk"), gettext_noop("At the back and at the front")),
    Scope("control_navigation", gettext_noop("Send a destination"), gettext_noop("To the car’s navigation system")),
    Scope("control_pin", gettext_noop("PIN and valet mode"), gettext_noop("Set and take away the PIN needed to drive")),
    Scope("control_engine", gettext_noop("Start and stop the engine"), gettext_noop("While the car is parked")),
)
SCOPES = {scope.key: scope for scope in _ALL}
# Stored with every consent: changing a word that owners read makes a new version.
TEXT_VERSION = hashlib.sha256(
    "\n".join(f"{scope.key}|{scope.english_title}|{scope.english_hint}" for scope in _ALL).encode()
).hexdigest()[:12]


@dataclass(frozen=True)
class ScopeLine:
    """A scope as one page shows it."""

    scope: Scope
    is_needed: bool
    is_chosen: bool = False

    @property
    def key(self) -> str:
        return self.scope.key

    @property
    def title(self) -> str:
        return self.scope.title

    @property
    def hint(self) -> str:
        return self.scope.hint

    @property
    def is_control(self) -> bool:
        return self.scope.is_control


def scope_lines(*, needed: Iterable[str], optional: Iterable[str] = (), chosen: Iterable[str] = ()) -> list[ScopeLine]:
    """Return the lines of a page in the table's order; what is not in the table is not shown."""
    needed, chosen = set(needed), set(chosen)
    shown = needed | set(optional)
    return [ScopeLine(scope, scope.key in needed, scope.key in chosen) for scope in _ALL if scope.key in shown]
