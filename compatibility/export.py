"""The matrix as a file: CSV or JSON, written while it is sent, with the filters of the page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from compatibility.catalog import current_catalog
from compatibility.filters import MatrixFilter
from compatibility.said_rows import rows_in_chunks
from compatibility.words import ELSEWHERE

COLUMNS = (
    "make",
    "model",
    "year_from",
    "year_to",
    "engine",
    "country",
    "countries",
    "provider",
    "command",
    "support",
    "condition",
    "as_of",
    "source",
    "source_url",
    "about",
)
# A spreadsheet takes a cell that begins so for a formula, also behind white space.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class LoadedMeanwhile(Exception):
    """Other data was loaded while a file was sent. The file ends broken, so that nobody takes it for a whole one."""


def csv_parts(wanted: MatrixFilter) -> Iterator[str]:
    """Yield the file in parts: the names of the columns, then a line for each ability that is spoken of."""
    # The mark lets spreadsheets read UTF-8 as what it is.
    yield "\ufeff" + _csv([COLUMNS])
    for rows in _chunks(wanted):
        yield _csv([_cell(value) for value in cells] for row in rows for cells in _lines(row))


def json_parts(wanted: MatrixFilter) -> Iterator[str]:
    """Yield the file in parts: one array, an object for each row of the API."""
    separator = "[\n"
    for rows in _chunks(wanted):
        yield separator + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


FORMATS: dict[str, tuple[str, Callable[[MatrixFilter], Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", csv_parts),
    "json": ("application/json", json_parts),
}


def _chunks(wanted: MatrixFilter) -> Iterator[list[dict[str, Any]]]:
    begun = current_catalog().digest
    for rows in rows_in_chunks(wanted):
        if current_catalog().digest != begun:
            raise LoadedMeanwhile
        yield rows
    if current_catalog().digest != begun:
        raise LoadedMeanwhile


def _lines(row: dict[str, Any]) -> Iterator[list[Any]]:
    countries = " ".join("elsewhere" if code == ELSEWHERE else code for code in row["countries"])
    car = [row[name] for name in ("make", "model", "year_from", "year_to", "engine", "country")]
    for command, said in row["abilities"].items():
        source = said["source"]
        facts = [said["support"], said["condition"], said["as_of"], source["title"], source["url"], said["about"]]
        yield [*car, countries, row["provider"], command, *facts]


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet computes; numbers stay numbers."""
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _csv(rows: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
