"""A job as CSV: one line per car, streamed, with no cell that a spreadsheet would take for a formula."""

import csv
from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from commands.jobs.items import items_of, row_of
from commands.jobs.models import Job, JobItem

CHUNK = 1000
# A cell that begins so is run by a spreadsheet, not shown; names and plates come from other people.
STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Line:
    """A file that keeps nothing: what is written is what comes back."""

    def write(self, value: str) -> str:
        return value


def export_csv(job: Job) -> Iterator[str]:
    """Yield a job's cars as CSV, header first, a chunk of cars at a time; times are ISO 8601 in UTC."""
    writer = csv.writer(_Line())
    # The mark lets spreadsheets read UTF-8 as what it is.
    yield "\ufeff" + writer.writerow(_header())
    last = 0
    while chunk := list(items_of(job).filter(n__gt=last)[:CHUNK]):
        yield "".join(writer.writerow([_safe(cell) for cell in _cells(item)]) for item in chunk)
        last = chunk[-1].n


def _header() -> list[str]:
    return [
        _("Number"),
        _("Vehicle"),
        _("Plate"),
        "VIN",
        _("Make"),
        _("Model"),
        _("Outcome"),
        _("Reason"),
        _("Asked for at"),
        _("Sent at"),
        _("Finished at"),
        _("Seconds from send to proof"),
        _("Command"),
    ]


def _cells(item: JobItem) -> list[str]:
    row, command, vehicle = row_of(item), item.command, item.vehicle
    return [
        str(item.n),
        row.title,
        vehicle.plate,
        vehicle.vin,
        vehicle.make,
        vehicle.model,
        row.word,
        row.sentence,
        _time(item.fed_at),
        _time(command.permitted_at if command else None),
        _time(command.finished_at if command else None),
        "" if row.took_s is None else f"{row.took_s:.1f}",
        str(command.id) if command else "",
    ]


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="seconds")


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(STARTS_FORMULA) else cell
