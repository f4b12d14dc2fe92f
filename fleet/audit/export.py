"""The trail as a file: CSV or JSON, written while it is sent, some entries at a time, so that a million fit as well."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from fleet.audit.entries import Entry, chunks_of
from fleet.events.models import Event

CHUNK = 1_000
COLUMNS = (
    "id",
    "at",
    "who",
    "what",
    "detail",
    "vehicle",
    "kind",
    "actor",
    "vehicle_id",
    "subject",
    "data",
)
# A spreadsheet takes a cell that begins so for a formula, also behind white space.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_lines(events: QuerySet[Event], *, team_id: UUID) -> Iterator[str]:
    """Yield the file in parts, a line for each entry and one with the names of the columns."""
    yield _csv([COLUMNS])
    for entries in chunks_of(events, team_id=team_id, size=CHUNK):
        yield _csv([harmless(_text(value)) for value in _values(entry)] for entry in entries)


def json_lines(events: QuerySet[Event], *, team_id: UUID) -> Iterator[str]:
    """Yield the file in parts: one array, an object for each entry."""
    separator = "[\n"
    for entries in chunks_of(events, team_id=team_id, size=CHUNK):
        objects = (dict(zip(COLUMNS, _values(entry), strict=True)) for entry in entries)
        yield separator + ",\n".join(json.dumps(one, ensure_ascii=False) for one in objects)
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


FORMATS: dict[str, tuple[str, Callable[..., Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", csv_lines),
    "json": ("application/json", json_lines),
}


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet computes."""
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA) else cell


def _values(entry: Entry) -> tuple[Any, ...]:
    event = entry.event
    return (
        event.id,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.who,
        entry.says,
        entry.detail,
        entry.vehicle_name,
        event.kind,
        event.actor,
        str(event.vehicle_id) if event.vehicle_id else None,
        event.subject,
        event.data,
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict) else str(value)


def _csv(rows: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
