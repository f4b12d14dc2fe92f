"""When the reconciler looks again: one statement for many commands, each with its own wait."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from uuid import UUID

from django.db import Error, connection

from commands.dispatch.makers import in_thread

logger = logging.getLogger(__name__)

POSTPONE = """
UPDATE commands_command c SET next_check_at = clock_timestamp() + g.wait_s * interval '1 s'
FROM unnest(%(ids)s::uuid[], %(waits)s::float8[]) AS g(id, wait_s)
WHERE c.id = g.id AND c.state IN ('sent', 'unknown')
"""


async def postpone(waits_s: Mapping[UUID, float]) -> None:
    """Look at these commands again after so many seconds; those that are final by now are left alone."""
    if not waits_s:
        return
    try:
        await in_thread(_write, waits_s)
    except Error as error:
        # The time that stands there already is sooner, never never.
        logger.warning("postponing %d looks failed: %s", len(waits_s), type(error).__name__)


def _write(waits_s: Mapping[UUID, float]) -> None:
    ids = sorted(waits_s)
    with connection.cursor() as cursor:
        cursor.execute(POSTPONE, {"ids": ids, "waits": [waits_s[command_id] for command_id in ids]})
