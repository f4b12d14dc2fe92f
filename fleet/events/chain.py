"""How events are hashed into chains: pure functions, read by the sealer, the verifier and the anchors."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

# What belongs to no team is chained too: budgets and breakers of a provider that all teams share.
INSTALLATION = UUID(int=0)
HASH_SIZE = 32
GENESIS = bytes(HASH_SIZE)


class EventRow(NamedTuple):
    """Every column of an event, as the database tells it; data as the text of its jsonb."""

    id: int
    at: datetime
    team_id: UUID | None
    vehicle_id: UUID | None
    kind: str
    actor: str
    subject: str
    data: str

    @property
    def chain_id(self) -> UUID:
        return self.team_id or INSTALLATION


# data stays text: Python's numbers would make 1.10 of PostgreSQL into 1.1, and an edit between them would not show.
COLUMNS = ", ".join("data::text" if name == "data" else f'"{name}"' for name in EventRow._fields)


def canonical_event(event: EventRow) -> bytes:
    """Return an event as JSON that is the same every time: keys in order, no spaces of ours, UTC, all columns."""
    rest = {
        "actor": event.actor,
        "at": _moment(event.at),
        "id": event.id,
        "kind": event.kind,
        "subject": event.subject,
        "team_id": str(event.team_id) if event.team_id else None,
        "vehicle_id": str(event.vehicle_id) if event.vehicle_id else None,
    }
    # jsonb's own text is canonical: its keys are in order and unique.
    return f'{{"data":{event.data},{_dump(rest)[1:]}'.encode()


def link(previous: bytes, event: EventRow) -> bytes:
    """Return the hash of an event and of all before it in its chain."""
    return hashlib.sha256(previous + canonical_event(event)).digest()


def links_of(previous: bytes, events: Iterable[EventRow]) -> bytes:
    """Return the links of several events, one after the other."""
    links = []
    for event in events:
        previous = link(previous, event)
        links.append(previous)
    return b"".join(links)


def seal_hash(
    *, chain_id: UUID, sequence: int, previous_hash: bytes, event_ids: Sequence[int], links: bytes, sealed_at: datetime
) -> bytes:
    """Return the hash of everything that a seal says; the next seal of the chain begins with it."""
    said = {
        "chain": str(chain_id),
        "events": list(event_ids),
        "sealed_at": _moment(sealed_at),
        "sequence": sequence,
    }
    return hashlib.sha256(bytes(previous_hash) + _dump(said).encode() + bytes(links)).digest()


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
