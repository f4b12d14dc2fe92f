"""Whether the parts of this installation are alive, as /healthz tells it."""

from typing import Any

from celery import current_app
from django.conf import settings
from django.db import Error, connection
from kombu.exceptions import OperationalError

# Beat sends a sign of life through a worker every 5 s.
LATE_AFTER_S = 30.0
STUCK_AFTER_S = 60.0
# The sealer looks every 5 s; nobody waits for it, so this is a sign and takes no machine out of service.
UNSEALED_AFTER_S = 300.0
# What was sealed so many rounds ago should be anchored by now.
ANCHOR_ROUNDS = 2

ASK = """
SELECT
    (SELECT extract(epoch FROM clock_timestamp() - at) FROM live_heartbeat WHERE name = 'beat'),
    (SELECT extract(epoch FROM clock_timestamp() - max(seen_at)) FROM commands_dispatcher),
    (SELECT extract(epoch FROM clock_timestamp() - min(ready_at))
     FROM commands_command WHERE state = 'queued' AND ready_at < clock_timestamp()),
    -- The waiting list has no index; its first rows are its oldest, but for space that was used again.
    (SELECT extract(epoch FROM clock_timestamp() - min(e.at))
     FROM (SELECT event_id FROM events_unsealed LIMIT 1000) u JOIN events_event e ON e.id = u.event_id),
    (SELECT extract(epoch FROM clock_timestamp() - at) FROM events_anchor ORDER BY id DESC LIMIT 1),
    EXISTS (SELECT 1 FROM vehicles_providerapp WHERE refusing_since IS NOT NULL)
"""
# Asked only while the last anchor is old: was anything sealed after it, and so long ago that it should be anchored?
ASK_UNANCHORED = """
SELECT sealed_at > coalesce((SELECT at FROM events_anchor ORDER BY id DESC LIMIT 1), '-infinity')
FROM events_seal WHERE sealed_at < clock_timestamp() - make_interval(secs => %s) ORDER BY id DESC LIMIT 1
"""


def check_health() -> dict[str, Any]:
    """Return {"status", "database", "broker", "workers", "beat", "sealing", "logins", …}; a word each, or seconds."""
    report: dict[str, Any] = {"database": "ok", "broker": _broker()}
    try:
        with connection.cursor() as cursor:
            cursor.execute(ASK)
            beat_s, dispatcher_s, oldest_s, unsealed_s, anchored_s, is_refusing = cursor.fetchone()
            anchors = "late" if _is_unanchored(cursor, anchored_s) else "ok"
    except Error:
        return {"status": "down", "database": "down", "broker": report["broker"]}
    # The beat's sign goes through the broker and a worker, so one number speaks for both.
    report["beat"] = report["workers"] = "ok" if beat_s is not None and beat_s < LATE_AFTER_S else "down"
    report["dispatcher_seen_s"] = None if dispatcher_s is None else round(float(dispatcher_s), 1)
    report["oldest_queued_s"] = None if oldest_s is None else round(float(oldest_s), 1)
    report["sealing"] = "late" if unsealed_s is not None and unsealed_s > UNSEALED_AFTER_S else "ok"
    report["anchors"] = anchors
    # A provider's trouble; see fleet.vehicles.refreshing.
    report["logins"] = "refused" if is_refusing else "ok"
    is_stuck = oldest_s is not None and oldest_s > STUCK_AFTER_S
    is_down = is_stuck or "down" in report.values()
    return {"status": "down" if is_down else "ok", **report}


def _is_unanchored(cursor: Any, anchored_s: Any) -> bool:
    late_s = ANCHOR_ROUNDS * settings.AUDIT_ANCHOR_EVERY_S
    if anchored_s is not None and anchored_s < late_s:
        return False
    cursor.execute(ASK_UNANCHORED, [late_s])
    found = cursor.fetchone()
    return found is not None and found[0]


def _broker() -> str:
    try:
        with current_app.connection_for_write(connect_timeout=1) as link:
            link.ensure_connection(max_retries=1, timeout=1)
    except (OperationalError, OSError):
        return "down"
    return "ok"
