"""What a provider tells us on its own: one delivery over HTTP, checked and in our words. Storing is done elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fleet.adapters.errors import Verdict
from fleet.adapters.signals import VehicleSnapshot


class BadSignature(Exception):
    """A delivery that is not from the provider, or not as the provider sent it. Nothing of it may be believed."""


@dataclass(frozen=True)
class InboundEvent:
    """One thing that a provider reports.

    event_id: the same in every delivery of the same event, so that what comes twice counts once. kind: "state" (with
    snapshot), "command" (ref and verdict), "login_refused", "vehicle_added", "vehicle_removed", "test" or "other".
    at: when it happened, as the provider says. account_id and provider_vehicle_id: "" where it names none.
    """

    event_id: str
    kind: str
    at: datetime
    account_id: str = ""
    provider_vehicle_id: str = ""
    snapshot: VehicleSnapshot | None = None
    ref: str = ""
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Delivery:
    """What one request held, and what to answer it with (a JSON object; None for an empty 200)."""

    events: tuple[InboundEvent, ...]
    reply: dict[str, str] | None = None
