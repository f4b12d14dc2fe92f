"""The one sealer: chains committed events per team, so that a change made past the application shows.

How an event is sealed exactly once although numbers are given out before transactions end: every insert into the log
also puts the event's id into `events_unsealed`, by a trigger of the statement and in the same transaction. A row there
becomes visible when its transaction commits and not before, whatever its number. The sealer takes rows out and writes
the seal that lists them in one transaction: either both are there or neither. An event with a low number that commits
late is simply sealed later, behind events with higher ones; the order of a chain is the list in its seals. Nobody
waits for anybody: writers only insert, one sealer at a time (an advisory lock) deletes. No horizon of transaction
numbers is kept, so a database that was dumped and restored elsewhere goes on where it was.
"""

from datetime import datetime
from itertools import groupby
from uuid import UUID

from django.db import connection, transaction

from fleet.events.chain import COLUMNS, GENESIS, EventRow, links_of, seal_hash
from fleet.events.models import Seal

BATCH = 5_000
# One run must not hold a timekeeper for long; the next one comes in seconds.
BATCHES_PER_RUN = 10
# A seal is read whole when it is verified.
EVENTS_PER_SEAL = 1_000

LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('fleetwell.sealer', 0))"
TAKE = """
DELETE FROM events_unsealed
WHERE ctid = ANY (ARRAY (SELECT ctid FROM events_unsealed ORDER BY event_id LIMIT %s)) RETURNING event_id
"""
READ = f"SELECT {COLUMNS} FROM events_event WHERE id = ANY (%s) ORDER BY team_id NULLS FIRST, id"  # noqa: S608
PUT_BACK = "INSERT INTO events_unsealed SELECT unnest(%s::bigint[])"
HEADS = """
SELECT c.id, s.sequence, s.hash FROM unnest(%s::uuid[]) AS c(id)
CROSS JOIN LATERAL (SELECT sequence, hash FROM events_seal WHERE chain_id = c.id ORDER BY sequence DESC LIMIT 1) s
"""


def seal_events() -> int:
    """Seal what is committed and not sealed; return how many events. 0 while another sealer is at work."""
    sealed = 0
    for _ in range(BATCHES_PER_RUN):
        number = seal_batch()
        sealed += number
        if number < BATCH:
            break
    return sealed


def seal_batch(limit: int = BATCH) -> int:
    """Seal at most `limit` events in one transaction, with the same few queries for one and for all."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK)
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(TAKE, [limit])
        taken = {row[0] for row in cursor.fetchall()}
        if not taken:
            return 0
        cursor.execute(READ, [sorted(taken)])
        events = [EventRow(*row) for row in cursor.fetchall()]
        # Somebody removed them past the triggers. They stay in the list, where the verifier finds them.
        if gone := taken - {event.id for event in events}:
            cursor.execute(PUT_BACK, [sorted(gone)])
        cursor.execute("SELECT clock_timestamp()")
        seals = _seals_for(events, heads=_heads_of(events), sealed_at=cursor.fetchone()[0])
        Seal.objects.bulk_create(seals)
    return len(events)


def _heads_of(events: list[EventRow]) -> dict[UUID, tuple[int, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(HEADS, [list({event.chain_id for event in events})])
        return {chain_id: (sequence, bytes(hash_)) for chain_id, sequence, hash_ in cursor.fetchall()}


def _seals_for(events: list[EventRow], *, heads: dict[UUID, tuple[int, bytes]], sealed_at: datetime) -> list[Seal]:
    seals = []
    for chain_id, grouped in groupby(events, key=lambda event: event.chain_id):
        sequence, previous = heads.get(chain_id, (0, GENESIS))
        of_chain = list(grouped)
        for start in range(0, len(of_chain), EVENTS_PER_SEAL):
            part = of_chain[start : start + EVENTS_PER_SEAL]
            sequence += 1
            seal = _seal(part, chain_id=chain_id, sequence=sequence, previous_hash=previous, sealed_at=sealed_at)
            previous = bytes(seal.hash)
            seals.append(seal)
    return seals


def _seal(events: list[EventRow], *, chain_id: UUID, sequence: int, previous_hash: bytes, sealed_at: datetime) -> Seal:
    said = {
        "chain_id": chain_id,
        "sequence": sequence,
        "previous_hash": previous_hash,
        "event_ids": [event.id for event in events],
        "links": links_of(previous_hash, events),
        "sealed_at": sealed_at,
    }
    return Seal(**said, hash=seal_hash(**said))
