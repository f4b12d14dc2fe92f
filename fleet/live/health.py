"""Whether the parts of this installation are alive, as /healthz tells it."""

from typing import Any

from celery import current_app
from django.db import Error, connection
from kombu.exceptions import OperationalError

# Beat sends a sign of life through a worker every 5 s.
LATE_AFTER_S = 30.0
STUCK_AFTER_S = 60.0

ASK = """
SELECT
    (SELECT extract(epoch FROM clock_timestamp() - at) FROM live_heartbeat WHERE name = 'beat'),
    (SELECT extract(epoch FROM clock_timestamp() - max(seen_at)) FROM commands_dispatcher),
    (SELECT extract(epoch FROM clock_timestamp() - min(ready_at))
     FROM commands_command WHERE state = 'queued' AND ready_at < clock_timestamp())
"""


def check_health() -> dict[str, Any]:
    """Return {"status", "database", "broker", "workers", "beat", "oldest_queued_s"}; one word each, or seconds."""
    report: dict[str, Any] = {"database": "ok", "broker": _broker()}
    try:
        with connection.cursor() as cursor:
            cursor.execute(ASK)
            beat_s, dispatcher_s, oldest_s = cursor.fetchone()
    except Error:
        return {"status": "down", "database": "down", "broker": report["broker"]}
    # The beat's sign goes through the broker and a worker, so one number speaks for both.
    report["beat"] = report["workers"] = "ok" if beat_s is not None and beat_s < LATE_AFTER_S else "down"
    report["dispatcher_seen_s"] = None if dispatcher_s is None else round(float(dispatcher_s), 1)
    report["oldest_queued_s"] = None if oldest_s is None else round(float(oldest_s), 1)
    is_stuck = oldest_s is not None and oldest_s > STUCK_AFTER_S
    is_down = is_stuck or "down" in report.values()
    return {"status": "down" if is_down else "ok", **report}


def _broker() -> str:
    try:
        with current_app.connection_for_write(connect_timeout=1) as link:
            link.ensure_connection(max_retries=1, timeout=1)
    except (OperationalError, OSError):
        return "down"
    return "ok"
