"""The vocabulary: one frozen dataclass per command, with scope, retry class, deadline, ranges and proving reading."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


class RetryClass(enum.Enum):
    """How often a command may be sent in its life, and what may follow an answer that never came.

    A: target state, harmless late; up to three requests, each only after *known not executed*.
    B: target state, harmful late; one request.
    C: toggles and moments; one request.
    D: secrets and lasting settings; one request, and the secret lives no longer than the deadline.
    """

    A = "A"
    B = "B"
    C = "C"
    D = "D"

    @property
    def max_requests(self) -> int:
        return 3 if self is RetryClass.A else 1


class InvalidParameter(ValueError):
    """A parameter is missing, of the wrong type or out of range. `field` names it, `code` says why."""

    def __init__(self, field: str, code: str, **limits: float) -> None:
        super().__init__(f"{field}: {code}")
        self.field = field
        self.code = code
        self.limits = limits


@dataclass(frozen=True)
class Number:
    """The range of a numeric parameter; a car may narrow it, never widen it. step 0: any value between."""

    minimum: float
    maximum: float
    step: float
    unit: str

    def check(self, field: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise InvalidParameter(field, "not_a_number")
        if not self.minimum <= value <= self.maximum:
            raise InvalidParameter(field, "out_of_range", minimum=self.minimum, maximum=self.maximum)
        steps = (value - self.minimum) / self.step if self.step else 0
        if abs(steps - round(steps)) > 1e-6:
            raise InvalidParameter(field, "not_a_step", step=self.step)


CHARGE_LIMIT = Number(50, 100, 1, "%")
TEMPERATURE = Number(15.0, 28.0, 0.5, "°C")
ENGINE_MINUTES = Number(1, 15, 1, "min")
LATITUDE = Number(-90.0, 90.0, 0, "°")
LONGITUDE = Number(-180.0, 180.0, 0, "°")
LABEL_MAX_LENGTH = 100
_PIN = re.compile(r"[0-9]{4}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _check_pin(value: object) -> None:
    if not isinstance(value, str) or not _PIN.fullmatch(value):
        raise InvalidParameter("pin", "not_four_digits")


@dataclass(frozen=True)
class Command:
    """One order to one car. Values are checked when it is made, so one that exists is well-formed.

    kind: the word used in code, URL, API and database. family: commands that decide the same thing; a newer one
    supersedes an older one that is still waiting. scope: what the owner must have allowed. deadline_s: nothing is
    sent later than this after acceptance. signal: the reading that proves it; None where no car reports one.
    settle_s: for so long after the answer a contrary reading means nothing. window_s: without evidence for so long
    the command ends unresolved. asks: a person is asked before it is sent.
    """

    kind: ClassVar[str]
    family: ClassVar[str]
    scope: ClassVar[str]
    retry_class: ClassVar[RetryClass]
    deadline_s: ClassVar[int]
    signal: ClassVar[str | None] = None
    settle_s: ClassVar[float] = 10.0
    window_s: ClassVar[int] = 120
    asks: ClassVar[bool] = False
    secrets: ClassVar[frozenset[str]] = frozenset()
    ranges: ClassVar[Mapping[str, Number]] = {}

    def __post_init__(self) -> None:
        for field, number in self.ranges.items():
            value = getattr(self, field)
            if value is not None:
                number.check(field, value)

    def expects(self) -> object:
        """Return the value of `signal` that proves this command, or None where none does."""
        return None

    def is_proved_by(self, value: object) -> bool | None:
        """Say whether a reading of `signal` shows the effect: yes, no, or None when it says nothing."""
        if self.signal is None or value is None:
            return None
        return value == self.expects()

    def parameters(self) -> dict[str, Any]:
        """Return what may be stored and shown: every value but the secrets, and none that was left out."""
        return {key: value for key, value in self._values().items() if key not in self.secrets}

    def secret_parameters(self) -> dict[str, str]:
        """Return the secrets alone; for the encrypted store and the adapter, never for a log, an event or a queue."""
        return {key: value for key, value in self._values().items() if key in self.secrets}

    def _values(self) -> dict[str, Any]:
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) is not None
        }


@dataclass(frozen=True)
class Lock(Command):
    kind = "lock"
    family = "lock"
    scope = "control_security"
    retry_class = RetryClass.A
    deadline_s = 600
    signal = "locked"

    def expects(self) -> object:
        return True


@dataclass(frozen=True)
class Unlock(Command):
    kind = "unlock"
    family = "lock"
    scope = "control_security"
    retry_class = RetryClass.B
    deadline_s = 60
    signal = "locked"
    asks = True

    def expects(self) -> object:
        return False


@dataclass(frozen=True)
class StartCharge(Command):
    kind = "start_charge"
    family = "charge"
    scope = "control_charge"
    retry_class = RetryClass.B
    deadline_s = 120
    signal = "charging_state"
    settle_s = 30.0
    window_s = 300

    def expects(self) -> object:
        return "charging"

    def is_proved_by(self, value: object) -> bool | None:
        return None if value is None or value == "starting" else value in {"charging", "complete"}


@dataclass(frozen=True)
class StopCharge(Command):
    kind = "stop_charge"
    family = "charge"
    scope = "control_charge"
    retry_class = RetryClass.A
    deadline_s = 600
    signal = "charging_state"
    settle_s = 30.0
    window_s = 300

    def expects(self) -> object:
        return "stopped"

    def is_proved_by(self, value: object) -> bool | None:
        return None if value is None else value not in {"charging", "starting"}


@dataclass(frozen=True)
class SetChargeLimit(Command):
    limit_percent: int
    kind = "set_charge_limit"
    family = "charge_limit"
    scope = "control_charge"
    retry_class = RetryClass.A
    deadline_s = 600
    signal = "charge_limit_percent"
    ranges = {"limit_percent": CHARGE_LIMIT}

    def expects(self) -> object:
        return self.limit_percent


@dataclass(frozen=True)
class OpenChargePort(Command):
    kind = "open_charge_port"
    family = "charge_port"
    scope = "control_charge"
    retry_class = RetryClass.B
    deadline_s = 120
    signal = "charge_port_open"

    def expects(self) -> object:
        return True


@dataclass(frozen=True)
class CloseChargePort(Command):
    kind = "close_charge_port"
    family = "charge_port"
    scope = "control_charge"
    retry_class = RetryClass.A
    deadline_s = 600
    signal = "charge_port_open"

    def expects(self) -> object:
        return False


@dataclass(frozen=True)
class StartClimate(Command):
    temperature_c: float | None = None
    kind = "start_climate"
    family = "climate"
    scope = "control_climate"
    retry_class = RetryClass.B
    deadline_s = 120
    signal = "climate_on"
    settle_s = 30.0
    window_s = 300
    ranges = {"temperature_c": TEMPERATURE}

    def expects(self) -> object:
        return True


@dataclass(frozen=True)
class StopClimate(Command):
    kind = "stop_climate"
    family = "climate"
    scope = "control_climate"
    retry_class = RetryClass.A
    deadline_s = 600
    signal = "climate_on"
    settle_s = 30.0
    window_s = 300

    def expects(self) -> object:
        return False


@dataclass(frozen=True)
class SetTemperature(Command):
    temperature_c: float
    kind = "set_temperature"
    family = "temperature"
    scope = "control_climate"
    retry_class = RetryClass.A
    deadline_s = 600
    signal = "target_temperature_c"
    ranges = {"temperature_c": TEMPERATURE}

    def expects(self) -> object:
        return self.temperature_c

    def is_proved_by(self, value: object) -> bool | None:
        # Makers convert to Fahrenheit and back: half a step is the same setting.
        return abs(value - self.temperature_c) < 0.26 if isinstance(value, int | float) else None


@dataclass(frozen=True)
class OpenTrunk(Command):
    kind = "open_trunk"
    family = "trunk"
    scope = "control_trunk"
    retry_class = RetryClass.C
    deadline_s = 60
    signal = "trunk_open"
    asks = True

    def expects(self) -> object:
        return True


@dataclass(frozen=True)
class CloseTrunk(Command):
    kind = "close_trunk"
    family = "trunk"
    scope = "control_trunk"
    retry_class = RetryClass.C
    deadline_s = 60
    signal = "trunk_open"

    def expects(self) -> object:
        return False


@dataclass(frozen=True)
class OpenFrunk(Command):
    kind = "open_frunk"
    family = "frunk"
    scope = "control_trunk"
    retry_class = RetryClass.C
    deadline_s = 60
    signal = "frunk_open"
    asks = True

    def expects(self) -> object:
        return True


@dataclass(frozen=True)
class CloseFrunk(Command):
    kind = "close_frunk"
    family = "frunk"
    scope = "control_trunk"
    retry_class = RetryClass.C
    deadline_s = 60
    signal = "frunk_open"

    def expects(self) -> object:
        return False


@dataclass(frozen=True)
class SendDestination(Command):
    latitude: float
    longitude: float
    label: str | None = None
    kind = "send_destination"
    family = "destination"
    scope = "control_navigation"
    retry_class = RetryClass.C
    deadline_s = 300
    ranges = {"latitude": LATITUDE, "longitude": LONGITUDE}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.label is None:
            return
        if not isinstance(self.label, str) or len(self.label) > LABEL_MAX_LENGTH:
            raise InvalidParameter("label", "too_long", maximum=LABEL_MAX_LENGTH)
        if _CONTROL.search(self.label):
            raise InvalidParameter("label", "control_characters")


@dataclass(frozen=True)
class SetPin(Command):
    pin: str = dataclasses.field(repr=False)
    kind = "set_pin"
    family = "pin"
    scope = "control_pin"
    retry_class = RetryClass.D
    deadline_s = 60
    signal = "pin_to_drive"
    asks = True
    secrets = frozenset({"pin"})

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_pin(self.pin)

    def expects(self) -> object:
        return True


@dataclass(frozen=True)
class ResetPin(Command):
    kind = "reset_pin"
    family = "pin"
    scope = "control_pin"
    retry_class = RetryClass.D
    deadline_s = 60
    signal = "pin_to_drive"
    asks = True

    def expects(self) -> object:
        return False


@dataclass(frozen=True)
class EnableValet(Command):
    pin: str = dataclasses.field(repr=False)
    kind = "enable_valet"
    family = "valet"
    scope = "control_pin"
    retry_class = RetryClass.D
    deadline_s = 60
    signal = "valet_mode"
    asks = True
    secrets = frozenset({"pin"})

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_pin(self.pin)

    def expects(self) -> object:
        return True


@dataclass(frozen=True)
class DisableValet(Command):
    pin: str | None = dataclasses.field(default=None, repr=False)
    kind = "disable_valet"
    family = "valet"
    scope = "control_pin"
    retry_class = RetryClass.D
    deadline_s = 60
    signal = "valet_mode"
    asks = True
    secrets = frozenset({"pin"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pin is not None:
            _check_pin(self.pin)

    def expects(self) -> object:
        return False


@dataclass(frozen=True)
class FlashLights(Command):
    kind = "flash_lights"
    family = "flash"
    scope = "control_security"
    retry_class = RetryClass.C
    deadline_s = 60


@dataclass(frozen=True)
class HonkHorn(Command):
    kind = "honk_horn"
    family = "honk"
    scope = "control_security"
    retry_class = RetryClass.C
    deadline_s = 60
    asks = True


@dataclass(frozen=True)
class StartEngine(Command):
    duration_min: int | None = None
    kind = "start_engine"
    family = "engine"
    scope = "control_engine"
    retry_class = RetryClass.B
    deadline_s = 60
    signal = "engine_running"
    asks = True
    ranges = {"duration_min": ENGINE_MINUTES}

    def expects(self) -> object:
        return True


@dataclass(frozen=True)
class StopEngine(Command):
    kind = "stop_engine"
    family = "engine"
    scope = "control_engine"
    retry_class = RetryClass.A
    deadline_s = 600
    signal = "engine_running"

    def expects(self) -> object:
        return False


KINDS: Mapping[str, type[Command]] = {
    command.kind: command
    for command in (
        Lock,
        Unlock,
        StartCharge,
        StopCharge,
        SetChargeLimit,
        OpenChargePort,
        CloseChargePort,
        StartClimate,
        StopClimate,
        SetTemperature,
        OpenTrunk,
        CloseTrunk,
        OpenFrunk,
        CloseFrunk,
        SendDestination,
        SetPin,
        ResetPin,
        EnableValet,
        DisableValet,
        FlashLights,
        HonkHorn,
        StartEngine,
        StopEngine,
    )
}


def make_command(kind: str, parameters: Mapping[str, Any]) -> Command:
    """Build the command named by `kind` from plain values.

    Raises InvalidParameter for a kind that does not exist (field "kind"), for a parameter that the command does not
    have, lacks or refuses.
    """
    command = KINDS.get(kind)
    if command is None:
        raise InvalidParameter("kind", "unknown_command")
    fields = {field.name: field for field in dataclasses.fields(command)}
    for name in parameters:
        if name not in fields:
            raise InvalidParameter(name, "unknown_parameter")
    for name, field in fields.items():
        is_required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if is_required and parameters.get(name) is None:
            raise InvalidParameter(name, "missing")
    return command(**parameters)
