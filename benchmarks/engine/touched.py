"""What PostgreSQL touched: rows and buffers, from its own counters."""

import time
from dataclasses import dataclass
from typing import Any

import psycopg

# Backends report what they did at most once a second, idle ones after ten.
REPORTED_WITHIN_S = 15.0
ASK_EVERY_S = 0.5

COUNTERS = """
SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint AS written,
       sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint AS fetched,
       sum(heap_blks_hit + heap_blks_read + coalesce(idx_blks_hit, 0) + coalesce(idx_blks_read, 0))::bigint AS buffers,
       sum(n_tup_upd) FILTER (WHERE relname = 'commands_command')::bigint AS moves
FROM pg_stat_user_tables JOIN pg_statio_user_tables USING (relid, schemaname, relname)
"""


@dataclass(frozen=True)
class Touched:
    """Counters of the whole database; subtract an earlier reading."""

    written: int
    fetched: int
    buffers: int
    moves: int

    def per_command(self, before: "Touched", commands: int) -> dict[str, float]:
        """Return what each command cost since an earlier reading."""
        return {
            "rows_written": round((self.written - before.written) / commands, 2),
            "rows_fetched": round((self.fetched - before.fetched) / commands, 2),
            "buffers": round((self.buffers - before.buffers) / commands, 2),
        }


def read_counters(connection: psycopg.Connection[Any]) -> Touched:
    """Read the counters as they are; the last second may be missing."""
    connection.execute("SELECT pg_stat_clear_snapshot()")
    row = connection.execute(COUNTERS).fetchone()
    assert row is not None
    return Touched(*(int(number) for number in row))


def read_counters_after(connection: psycopg.Connection[Any], before: Touched, *, moves: int) -> Touched:
    """Read the counters once so many more moves of commands are reported."""
    began = time.monotonic()
    while (now := read_counters(connection)).moves < before.moves + moves:
        if time.monotonic() - began > REPORTED_WITHIN_S:
            raise SystemExit(f"PostgreSQL reported {now.moves - before.moves} moves of commands, not {moves}")
        time.sleep(ASK_EVERY_S)
    return now
