"""The one clock of programs: the database's, so that two machines that disagree about the time agree here."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """Return the database's time at this very statement, aware UTC."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return now
