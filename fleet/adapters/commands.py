"""The vocabulary: one frozen dataclass per command, with scope, retry class, deadline, ranges and proving reading."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fleet.adapters.rules import (
    CHARGE_LIMIT,
    ENGINE_MINUTES,
    LATITUDE,
    LONGITUDE,
    TEMPERATURE,
    InvalidParameter,
    Number,
    RetryClass,
    check_label,
    check_pin,
)
from fleet.adapters.settling import SETTLING


@dataclass(frozen=True)
class Command:
    """One order to one car. Values are checked when it is made, so one that exists is well-formed.

    kind: the word used in code, URL, API and database. family: commands that decide the same thing; a newer one
    supersedes an older one that waits. scope: what the owner must have allowed. deadline_s: nothing is sent later
    than this after acceptance. signal: the reading that proves it, with the value `target`; None where no car reports
    one. settle_s: for so long after the answer a contrary reading means nothing. window_s: without evidence for so
    long the command ends unresolved. asks: a person is asked before it is sent.
    """

    kind: ClassVar[str]
    family: ClassVar[str]
    scope: ClassVar[str]
    retry_class: ClassVar[RetryClass]
    deadline_s: ClassVar[int]
    signal: ClassVar[str | None] = None
    target: ClassVar[object] = None
    settle_s: ClassVar[float]
    window_s: ClassVar[int]
    asks: ClassVar[bool] = False
    secrets: ClassVar[frozenset[str]] = frozenset()
    ranges: ClassVar[Mapping[str, Number]] = {}

    def __init_subclass__(cls) -> None:
        if "deadline_s" not in cls.__dict__:
            cls.deadline_s = cls.retry_class.deadline_s
        cls.settle_s, cls.window_s = SETTLING[cls.kind]

    def __post_init__(self) -> None:
        for field, number in self.ranges.items():
            value = getattr(self, field)
            if value is not None:
                number.check(field, value)

    def expects(self) -> object:
        """Return the value of `signal` that proves this command, or None where none does."""
        return self.target

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
    signal = "locked"
    target = True


@dataclass(frozen=True)
class Unlock(Command):
    kind = "unlock"
    family = "lock"
    scope = "control_security"
    retry_class = RetryClass.B
    deadline_s = 60
    signal = "locked"
    target = False
    asks = True


@dataclass(frozen=True)
class StartCharge(Command):
    kind = "start_charge"
    family = "charge"
    scope = "control_charge"
    retry_class = RetryClass.B
    signal = "charging_state"

    def is_proved_by(self, value: object) -> bool | None:
        return None if value in {None, "starting", "unknown"} else value in {"charging", "complete"}


@dataclass(frozen=True)
class StopCharge(Command):
    kind = "stop_charge"
    family = "charge"
    scope = "control_charge"
    retry_class = RetryClass.A
    signal = "charging_state"

    def is_proved_by(self, value: object) -> bool | None:
        return None if value in {None, "unknown"} else value not in {"charging", "starting"}


@dataclass(frozen=True)
class SetChargeLimit(Command):
    limit_percent: int
    kind = "set_charge_limit"
    family = "charge_limit"
    scope = "control_charge"
    retry_class = RetryClass.A
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
    signal = "charge_port_open"
    target = True


@dataclass(frozen=True)
class CloseChargePort(Command):
    kind = "close_charge_port"
    family = "charge_port"
    scope = "control_charge"
    retry_class = RetryClass.A
    signal = "charge_port_open"
    target = False


@dataclass(frozen=True)
class StartClimate(Command):
    temperature_c: float | None = None
    kind = "start_climate"
    family = "climate"
    scope = "control_climate"
    retry_class = RetryClass.B
    signal = "climate_on"
    ranges = {"temperature_c": TEMPERATURE}
    target = True


@dataclass(frozen=True)
class StopClimate(Command):
    kind = "stop_climate"
    family = "climate"
    scope = "control_climate"
    retry_class = RetryClass.A
    signal = "climate_on"
    target = False


@dataclass(frozen=True)
class SetTemperature(Command):
    temperature_c: float
    kind = "set_temperature"
    family = "temperature"
    scope = "control_climate"
    retry_class = RetryClass.A
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
    signal = "trunk_open"
    target = True
    asks = True


@dataclass(frozen=True)
class CloseTrunk(Command):
    kind = "close_trunk"
    family = "trunk"
    scope = "control_trunk"
    retry_class = RetryClass.C
    signal = "trunk_open"
    target = False


@dataclass(frozen=True)
class OpenFrunk(Command):
    kind = "open_frunk"
    family = "frunk"
    scope = "control_trunk"
    retry_class = RetryClass.C
    signal = "frunk_open"
    target = True
    asks = True


@dataclass(frozen=True)
class CloseFrunk(Command):
    kind = "close_frunk"
    family = "frunk"
    scope = "control_trunk"
    retry_class = RetryClass.C
    signal = "frunk_open"
    target = False


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
        if self.label is not None:
            check_label("label", self.label)


@dataclass(frozen=True)
class SetPin(Command):
    pin: str = dataclasses.field(repr=False)
    kind = "set_pin"
    family = "pin"
    scope = "control_pin"
    retry_class = RetryClass.D
    signal = "pin_to_drive"
    asks = True
    secrets = frozenset({"pin"})

    def __post_init__(self) -> None:
        super().__post_init__()
        check_pin(self.pin)

    target = True


@dataclass(frozen=True)
class ResetPin(Command):
    kind = "reset_pin"
    family = "pin"
    scope = "control_pin"
    retry_class = RetryClass.D
    signal = "pin_to_drive"
    target = False
    asks = True


@dataclass(frozen=True)
class EnableValet(Command):
    pin: str = dataclasses.field(repr=False)
    kind = "enable_valet"
    family = "valet"
    scope = "control_pin"
    retry_class = RetryClass.D
    signal = "valet_mode"
    asks = True
    secrets = frozenset({"pin"})

    def __post_init__(self) -> None:
        super().__post_init__()
        check_pin(self.pin)

    target = True


@dataclass(frozen=True)
class DisableValet(Command):
    pin: str | None = dataclasses.field(default=None, repr=False)
    kind = "disable_valet"
    family = "valet"
    scope = "control_pin"
    retry_class = RetryClass.D
    signal = "valet_mode"
    asks = True
    secrets = frozenset({"pin"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pin is not None:
            check_pin(self.pin)

    target = False


@dataclass(frozen=True)
class FlashLights(Command):
    kind = "flash_lights"
    family = "flash"
    scope = "control_security"
    retry_class = RetryClass.C


@dataclass(frozen=True)
class HonkHorn(Command):
    kind = "honk_horn"
    family = "honk"
    scope = "control_security"
    retry_class = RetryClass.C
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
    target = True


@dataclass(frozen=True)
class StopEngine(Command):
    kind = "stop_engine"
    family = "engine"
    scope = "control_engine"
    retry_class = RetryClass.A
    signal = "engine_running"
    target = False


KINDS: Mapping[str, type[Command]] = {command.kind: command for command in Command.__subclasses__()}


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
