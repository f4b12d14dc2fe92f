"""A beat that the health page can see."""

from celery import shared_task
from django.db import connection


@shared_task
def heartbeat() -> None:
    """Note that beat scheduled and a worker ran: /healthz reads how long ago this was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO live_heartbeat (name, at) VALUES ('beat', clock_timestamp()) "
            "ON CONFLICT (name) DO UPDATE SET at = excluded.at"
        )
