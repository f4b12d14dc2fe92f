"""The least that is an alert, and commands brought to an end without a dispatcher."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from commands.alerts.models import Alert
from commands.models import Command
from fleet.events.services import acting_as
from fleet.vehicles.models import VehicleLink, VehicleSignal

FINAL_AFTER_SENDING = {"confirmed", "failed", "unresolved"}


def make_alert(link: VehicleLink, *, key: str = "test", kind: str = "other") -> Alert:
    """An open alert about a team's car."""
    return Alert.objects.create(team_id=link.team_id, vehicle_id=link.vehicle_id, kind=kind, key=key)


def bring(command: Command, state: str, *, unanswered: bool = False, ref: str = "", **values: Any) -> Command:
    """Bring a queued command to a state by legal moves: through a permit and, unless unanswered, the maker's yes."""
    searched = "unknown" if unanswered else "sent"
    path = ["claimed", "sending"]
    if state in {*FINAL_AFTER_SENDING, "sent", "unknown"}:
        path.append(searched)
    if state in {"refused", "expired", "cancelled", "superseded"}:
        path = []
    now = timezone.now()
    for step in [*path, *([state] if state not in path else [])]:
        moved: dict[str, Any] = {"state": step, "lease_until": None}
        if step == "claimed":
            moved["lease_until"] = now + timedelta(minutes=1)
        if step == "sending":
            moved |= {"attempts": 1, "permitted_at": now}
        if step in {"sent", "unknown"}:
            moved |= {"answered_at": now, "ref": ref}
        if step == state:
            moved |= values
            if step not in {"claimed", "sending", "sent", "unknown"}:
                moved["finished_at"] = values.get("finished_at", now)
        with acting_as("system:test"):
            assert Command.objects.filter(pk=command.pk).update(**moved) == 1
    command.refresh_from_db()
    return command


def say(link: VehicleLink, signal: str, value: object, *, at: datetime) -> None:
    """Let a background read have brought a value of the car."""
    VehicleSignal.objects.update_or_create(
        team_id=link.team_id,
        vehicle_id=link.vehicle_id,
        signal=signal,
        defaults={"value": value, "observed_at": at, "received_at": timezone.now(), "source": "simulator"},
    )
