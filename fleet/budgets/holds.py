"""A maker's 429 holds the whole application, not the process that heard it."""

from typing import Any
from uuid import UUID

from django.db import connection

LONGEST_HOLD_S = 3600.0
SHORTEST_HOLD_S = 1.0

# Never shortened: two answers that come in the wrong order must not open what the longer one closed. One row is
# written once a second at most, however many commands heard the same no.
HOLD_APP = """
UPDATE vehicles_providerapp SET held_until = clock_timestamp() + %(seconds)s * interval '1 s'
WHERE id = %(app)s AND (held_until IS NULL OR held_until < clock_timestamp() + (%(seconds)s - 1) * interval '1 s')
"""


def hold_parameters(app_id: UUID, seconds: float | None) -> dict[str, Any]:
    """Return the parameters of HOLD_APP, for the dispatcher's own connection."""
    wanted = SHORTEST_HOLD_S if seconds is None else seconds
    return {"app": app_id, "seconds": min(max(wanted, SHORTEST_HOLD_S), LONGEST_HOLD_S)}


def hold_app(app_id: UUID, seconds: float | None) -> None:
    """Let nothing leave for an application for so many seconds, an hour at most; a longer hold stays."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD_APP, hold_parameters(app_id, seconds))
