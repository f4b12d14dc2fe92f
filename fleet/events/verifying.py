"""Recomputing every chain: what was changed, removed or cut off past the application. Reads only, in one snapshot."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.db import connection, transaction

from fleet.events.chain import COLUMNS, GENESIS, HASH_SIZE, INSTALLATION, EventRow, link, seal_hash
from fleet.events.models import Anchor, Seal

# Events in memory at a time.
BATCH = 5_000
READ = f"SELECT {COLUMNS} FROM events_event WHERE id = ANY (%s)"  # noqa: S608
UNACCOUNTED = """
SELECT e.id, e.team_id FROM events_event e
WHERE NOT EXISTS (SELECT 1 FROM events_unsealed u WHERE u.event_id = e.id)
    AND NOT EXISTS (SELECT 1 FROM (SELECT unnest(event_ids) AS id FROM events_seal) s WHERE s.id = e.id)
ORDER BY e.id
"""
VANISHED = """
SELECT u.event_id FROM events_unsealed u
WHERE NOT EXISTS (SELECT 1 FROM events_event e WHERE e.id = u.event_id) ORDER BY 1
"""
TWICE = """
SELECT id, count(*) FROM (
    SELECT unnest(event_ids) AS id FROM events_seal UNION ALL SELECT event_id FROM events_unsealed) a
GROUP BY id HAVING count(*) > 1 ORDER BY id
"""


class AnchorsUnreadable(Exception):
    """The file with the anchors is absent or holds something else."""


@dataclass
class Verification:
    """What was looked at, and what is wrong, one sentence each."""

    chains: int = 0
    seals: int = 0
    events: int = 0
    unsealed: int = 0
    anchors: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass
class _Head:
    """How far a chain was followed."""

    chain_id: UUID
    sequence: int = 0
    hash: bytes = GENESIS


# chain and sequence to the hash that was anchored and when
Anchored = dict[tuple[str, int], tuple[str, str]]


def verify(anchors_file: Path | None = None) -> Verification:
    """Recompute all chains and compare them with the anchors in the database and in the file.

    Raises AnchorsUnreadable. Uses constant memory for events; the database compares the lists of their numbers.
    """
    found = Verification()
    anchored = _read_file(anchors_file) if anchors_file else {}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for at, heads in Anchor.objects.order_by("id").values_list("at", "heads").iterator():
            _note(anchored, at.isoformat(timespec="seconds"), heads, found.problems)
        found.anchors = len(anchored)
        head: _Head | None = None
        for seals in _batches(Seal.objects.order_by("chain_id", "sequence").iterator(chunk_size=100)):
            events = _events_of(seals)
            for seal in seals:
                if head is None or head.chain_id != seal.chain_id:
                    head = _Head(seal.chain_id)
                    found.chains += 1
                _check_seal(seal, events, head, anchored, found)
        _check_rest(found)
    found.problems += _missing(anchored)
    return found


def _batches(seals: Iterable[Seal]) -> Iterator[list[Seal]]:
    batch: list[Seal] = []
    number = 0
    for seal in seals:
        batch.append(seal)
        number += len(seal.event_ids)
        if number >= BATCH:
            yield batch
            batch, number = [], 0
    if batch:
        yield batch


def _events_of(seals: list[Seal]) -> dict[int, EventRow]:
    with connection.cursor() as cursor:
        cursor.execute(READ, [[event_id for seal in seals for event_id in seal.event_ids]])
        return {row[0]: EventRow(*row) for row in cursor.fetchall()}


def _check_seal(seal: Seal, events: dict[int, EventRow], head: _Head, anchored: Anchored, found: Verification) -> None:
    where = f"{_chain(seal.chain_id)}, seal {seal.sequence}"
    found.seals += 1
    found.events += len(seal.event_ids)
    if seal.sequence != head.sequence + 1:
        missing = f"{head.sequence + 1} to {seal.sequence - 1}"
        found.problems.append(f"{_chain(seal.chain_id)}, seals {missing}: missing before seal {seal.sequence}")
    elif bytes(seal.previous_hash) != head.hash:
        found.problems.append(f"{where}: does not follow from the seal before it")
    anchor, at = anchored.pop((str(seal.chain_id), seal.sequence), (None, ""))
    if anchor is not None and anchor != bytes(seal.hash).hex():
        found.problems.append(f"{where}: is not the one that was anchored at {at}")
    _check_events(seal, events, where, found)
    head.sequence, head.hash = seal.sequence, bytes(seal.hash)


def _check_events(seal: Seal, events: dict[int, EventRow], where: str, found: Verification) -> None:
    links, previous = bytes(seal.links), bytes(seal.previous_hash)
    hash_ = seal_hash(
        chain_id=seal.chain_id,
        sequence=seal.sequence,
        previous_hash=previous,
        event_ids=seal.event_ids,
        links=links,
        sealed_at=seal.sealed_at,
    )
    if hash_ != bytes(seal.hash) or len(links) != HASH_SIZE * len(seal.event_ids):
        found.problems.append(f"{where}: the seal was changed")
        return
    for position, event_id in enumerate(seal.event_ids):
        sealed = links[position * HASH_SIZE : (position + 1) * HASH_SIZE]
        event = events.get(event_id)
        if event is None:
            found.problems.append(f"{where}, event {event_id}: was removed")
        elif link(previous, event) != sealed:
            found.problems.append(f"{where}, event {event_id}: is not what was sealed")
        # From what was sealed, not from what is there: one change is one problem.
        previous = sealed


def _check_rest(found: Verification) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM events_unsealed")
        found.unsealed = cursor.fetchone()[0]
        cursor.execute(UNACCOUNTED)
        for event_id, team_id in cursor:
            chain = _chain(team_id or INSTALLATION)
            found.problems.append(f"{chain}, event {event_id}: is in no seal and does not wait for one")
        cursor.execute(VANISHED)
        found.problems += [f"event {row[0]}: was removed before it was sealed" for row in cursor]
        cursor.execute(TWICE)
        found.problems += [f"event {event_id}: is listed {times} times" for event_id, times in cursor]


def _missing(anchored: Anchored) -> list[str]:
    """Say of every chain that ends before its last anchor how far it should reach."""
    last: dict[str, tuple[int, str]] = {}
    for (chain_id, sequence), (_, at) in sorted(anchored.items(), key=lambda item: item[0][1]):
        last[chain_id] = (sequence, at)
    return [
        f"{_chain(UUID(chain_id))}, seal {sequence}: is missing, although it was anchored at {at}"
        for chain_id, (sequence, at) in sorted(last.items())
    ]


def _read_file(path: Path) -> Anchored:
    anchored: Anchored = {}
    problems: list[str] = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            anchor = json.loads(line)
            _note(anchored, anchor["at"], anchor["heads"], problems)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnchorsUnreadable(f"{path}: {type(error).__name__}") from error
    if problems:
        raise AnchorsUnreadable(f"{path}: {problems[0]}")
    return anchored


def _note(anchored: Anchored, at: str, heads: dict[str, list[int | str]], problems: list[str]) -> None:
    for chain_id, (sequence, hash_) in heads.items():
        key = (str(UUID(chain_id)), int(sequence))
        known, since = anchored.setdefault(key, (str(hash_), at))
        if known != hash_:
            problems.append(f"{_chain(UUID(chain_id))}, seal {sequence}: was anchored at {since} and otherwise at {at}")


def _chain(chain_id: UUID) -> str:
    return "installation" if chain_id == INSTALLATION else f"team {chain_id}"
