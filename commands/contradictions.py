"""Looking back at what was confirmed: does a reading that came since say the opposite?"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection

from commands.alerts.services import record_contradiction
from commands.evidence import judge_afterwards
from commands.models import Command
from fleet.adapters.commands import KINDS
from fleet.adapters.signals import Reading

# What was confirmed lately, with a reading of its signal that came since the last look, where no later command of the
# same family was permitted on that car. Starts from the index of confirmed commands by time.
CANDIDATES = """
SELECT c.id, v.value, v.observed_at
FROM commands_command c
JOIN unnest(%(kinds)s::text[], %(signals)s::text[]) AS k(kind, signal) ON k.kind = c.kind
JOIN vehicles_vehiclesignal v ON v.vehicle_id = c.vehicle_id AND v.signal = k.signal
WHERE c.state = 'confirmed' AND c.finished_at > clock_timestamp() - interval '11 minutes'
    AND v.observed_at > coalesce(c.observed_at, c.answered_at, c.permitted_at)
    AND v.received_at > clock_timestamp() - %(since_s)s * interval '1 s'
    AND v.value IS DISTINCT FROM c.after
    AND NOT EXISTS (SELECT 1 FROM commands_command later WHERE later.lane_id = c.lane_id AND later.family = c.family
                    AND later.sequence > c.sequence AND later.permitted_at IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM events_event e WHERE e.subject = 'command:' || c.id
                    AND e.kind = 'command.contradicted')
"""
# Beat calls every 15 s; a run that was late or lost must not make a reading slip through.
SINCE_S = 60


def find_contradictions(*, since_s: float = SINCE_S) -> int:
    """Record what readings of the last `since_s` seconds contradict; return how many commands. Idempotent."""
    found = 0
    for command, reading in _candidates(since_s):
        secrets = dict.fromkeys(KINDS[command.kind].secrets, "0000")
        assert command.finished_at is not None  # noqa: S101 - it is confirmed
        meaning = judge_afterwards(
            command.order(secrets),
            reading,
            evidence=command.evidence,
            is_read=command.observed_at is not None,
            answered_at=command.answered_at or command.finished_at,
            finished_at=command.finished_at,
            proved_at=command.observed_at,
        )
        if meaning:
            data = _data(command, reading.value, reading.observed_at)
            found += record_contradiction(command, data=data, is_alert=meaning == "alert")
    return found


def _candidates(since_s: float) -> Iterator[tuple[Command, Reading]]:
    proved = {kind: order.signal for kind, order in KINDS.items() if order.signal is not None}
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, {"kinds": list(proved), "signals": list(proved.values()), "since_s": since_s})
        rows = cursor.fetchall()
    commands = Command.objects.in_bulk([row[0] for row in rows])
    for command_id, value, observed_at in rows:
        yield commands[command_id], Reading(_decoded(value), observed_at)


def _decoded(value: Any) -> Any:
    # A cursor of Django's gives jsonb as text.
    return json.loads(value) if isinstance(value, str) else value


def _data(command: Command, value: Any, observed_at: datetime) -> dict[str, Any]:
    return {
        "source": "reading",
        "signal": KINDS[command.kind].signal,
        "value": value,
        "observed_at": observed_at.isoformat(),
        "evidence": command.evidence,
        "kind": command.kind,
        "state": command.state,
    }
