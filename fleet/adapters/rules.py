"""What commands are made of: how often and how late they may be sent, and what values their parameters may take."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


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
        """Requests in a command's life that may act."""
        return 3 if self is RetryClass.A else 1

    @property
    def deadline_s(self) -> int:
        """Nothing is sent later than this after acceptance, unless the command itself says less or more."""
        return {RetryClass.A: 600, RetryClass.B: 120, RetryClass.C: 60, RetryClass.D: 60}[self]


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
# Control characters, and halves of a surrogate pair, which neither a screen nor the database takes.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def check_pin(value: object) -> None:
    if not isinstance(value, str) or not _PIN.fullmatch(value):
        raise InvalidParameter("pin", "not_four_digits")


def check_label(field: str, value: object) -> None:
    """Refuse a text that is too long for a car's screen or holds what no screen shows."""
    if not isinstance(value, str) or len(value) > LABEL_MAX_LENGTH:
        raise InvalidParameter(field, "too_long", maximum=LABEL_MAX_LENGTH)
    if _CONTROL.search(value):
        raise InvalidParameter(field, "control_characters")
