"""What happens by the clock, how often, and in which queue."""

from typing import Any

from celery.schedules import schedule

# What must happen on time has workers of its own: behind a thousand reads of cars a door would not be locked again.
QUEUES = {
    "commands.tasks.dispatch": {"queue": "dispatch"},
    "commands.tasks.sweep": {"queue": "clock"},
    "commands.jobs.tasks.*": {"queue": "clock"},
    "commands.programs.tasks.*": {"queue": "clock"},
    "fleet.live.tasks.*": {"queue": "clock"},
    "fleet.vehicles.tasks.keep_promises": {"queue": "clock"},
    "fleet.events.tasks.*": {"queue": "clock"},
    "fleet.notifications.tasks.read_log": {"queue": "clock"},
    "fleet.keeping.tasks.stop_team": {"queue": "clock"},
}

# Seconds between two rounds. One that was not begun when the next is due is left out.
EVERY_S = {
    "sweep-commands": ("commands.tasks.sweep", 5.0),
    "reconcile-commands": ("commands.tasks.reconcile", 5.0),
    "find-contradictions": ("commands.tasks.find_contradictions", 15.0),
    "measure-runs": ("commands.tasks.measure_runs", 300.0),
    "tell-gains-and-losses": ("compatibility.tasks.tell_gains_and_losses", 120.0),
    "feed-jobs": ("commands.jobs.tasks.feed_jobs", 1.0),
    "run-schedules": ("commands.programs.tasks.run_schedules", 5.0),
    "refresh-vehicles": ("fleet.vehicles.tasks.refresh_due", 15.0),
    "keep-promises": ("fleet.vehicles.tasks.keep_promises", 5.0),
    "refresh-accounts": ("fleet.vehicles.tasks.refresh_accounts", 15.0),
    "send-letters": ("fleet.members.tasks.send_waiting_letters", 60.0),
    "sweep-connect": ("connect.tasks.sweep", 60.0),
    "write-to-owners": ("connect.tasks.write_to_owners", 30.0),
    "list-cars": ("fleet.vehicles.tasks.list_cars", 60.0),
    "watch-connections": ("connect.tasks.watch_connections", 300.0),
    "seal-events": ("fleet.events.tasks.seal", 5.0),
    "end-unused-grants": ("fleet.keeping.tasks.end_unused_grants", 30.0),
    "end-teams": ("fleet.keeping.tasks.end_teams", 60.0),
    "remove-history": ("fleet.keeping.tasks.remove_history", 3600.0),
    "read-log": ("fleet.notifications.tasks.read_log", 5.0),
    "send-notices": ("fleet.notifications.tasks.send_letters", 15.0),
    "forget-notices": ("fleet.notifications.tasks.forget_old", 86_400.0),
    "beat-heartbeat": ("fleet.live.tasks.heartbeat", 5.0),
}


def timetable(*, anchor_every_s: float) -> dict[str, dict[str, Any]]:
    """Return the beat's schedule. anchor_every_s: how often the heads of the audit chains are written outside."""
    entries = {name: _entry(task, every_s) for name, (task, every_s) in EVERY_S.items()}
    entries["anchor-seals"] = _entry("fleet.events.tasks.anchor", anchor_every_s)
    # Rounds of a second are short: a late one still does its work.
    entries["undo-due"] = _entry("commands.programs.tasks.undo_due", 1.0, expires_s=5.0)
    return entries


def _entry(task: str, every_s: float, *, expires_s: float | None = None) -> dict[str, Any]:
    return {"task": task, "schedule": schedule(every_s), "options": {"expires": expires_s or every_s}}
