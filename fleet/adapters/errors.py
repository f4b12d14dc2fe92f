"""What a maker's cloud may answer, in our words: the error taxonomy and the verdicts on a command."""

from __future__ import annotations

from dataclasses import dataclass

# code -> who has to act. The same words stand in the database, the API and the table of sentences for people.
CODES = {
    "needs_reconnect": "owner",
    "needs_consent": "owner",
    "needs_pairing": "owner",
    "account_action": "owner",
    "setup_required": "operator",
    "quota_exhausted": "operator",
    "not_capable": "nobody",
    "invalid_request": "us",
    "vehicle_asleep": "nobody",
    "vehicle_unreachable": "nobody",
    "vehicle_refused": "driver",
    "busy": "nobody",
    "rate_limited": "nobody",
    "upstream_down": "nobody",
    "upstream_error": "us",
    "outcome_unknown": "nobody",
}

REFUSAL_REASONS = frozenset(
    {
        "door_open",
        "trunk_open",
        "hood_open",
        "plug_not_connected",
        "fully_charged",
        "charge_fault",
        "not_parked",
        "in_motion",
        "ignition_on",
        "low_battery",
        "low_12v",
        "remote_access_disabled",
        "valet_mode",
        "usage_mode",
        "privacy_mode",
        "user_present",
        "in_service",
        "window_passed",
        "other",
    }
)


class AdapterError(Exception):
    """A call that does not act (token, list, read, wake) failed. Never carries a token, a PIN or a body.

    code: a key of CODES. retry_after_s: not before so many seconds; None when waiting does not help.
    """

    def __init__(self, code: str, *, detail: str = "", retry_after_s: float | None = None) -> None:
        if code not in CODES:
            raise ValueError(f"{code} is not in the error taxonomy")
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s


class GrantRefused(AdapterError):
    """The token endpoint refused for good (invalid_grant): a definite no, unlike a time-out or a 5xx."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("needs_reconnect", detail=detail)


class PermitRefused(Exception):
    """The permit to send was not given (late, revoked, overtaken). Nothing was written."""


class NotWritten(Exception):
    """The permit came too late to be used: more than a second passed since it was asked for. Nothing was written."""


@dataclass(frozen=True)
class Verdict:
    """What is known of a command after `Adapter.send` or `Adapter.poll`. One of the four classes below."""


@dataclass(frozen=True)
class Done(Verdict):
    """The effect is there. evidence: "vehicle_ack", "provider" or "already"."""

    evidence: str
    ref: str = ""


@dataclass(frozen=True)
class Accepted(Verdict):
    """The maker took it; the effect is not known yet. ref: the maker's handle for poll or webhook, if any."""

    ref: str = ""


@dataclass(frozen=True)
class NotExecuted(Verdict):
    """Certain: the car did not act and will not.

    retry_after_s: the same request may be sent again after so long (class A only); None is final.
    reason: for vehicle_refused, why the car said no. written: False when not a byte of the command left us.
    """

    code: str
    reason: str = ""
    retry_after_s: float | None = None
    written: bool = True

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"{self.code} is not in the error taxonomy")


@dataclass(frozen=True)
class MaybeExecuted(Verdict):
    """Bytes may have left and no definite answer came. The default for everything after the first byte."""

    code: str = "outcome_unknown"
    detail: str = ""
