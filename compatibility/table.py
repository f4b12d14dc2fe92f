"""Draws the rows of the matrix as HTML. In Python, for there are five hundred cells in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from compatibility.catalog import Catalog
from compatibility.cells import BY_COUNTRY, CONDITION, EVERY_COLUMN, IN_PART, NONE, SAYS, UNKNOWN, WORKS, Column
from compatibility.filters import MatrixFilter
from compatibility.matrix import Row
from compatibility.models import CarLine
from compatibility.words import Engine
from fleet.templatetags.fleetwell import icon

EN_DASH = "\N{EN DASH}"
# In an address: any other model of the make, and any other engine of the model. No key of ours looks like these.
ANY_MODEL, OTHER_ENGINE = "-", "other"
ICONS = {WORKS: "check", CONDITION: "info", IN_PART: "info", BY_COUNTRY: "globe", NONE: "minus"}


@dataclass(frozen=True)
class Group:
    """The rows of one make on a page, drawn. lines: how many the filter leaves of it in all, 0 where the page does not
    say; address: of all of them, "" when they are here.
    """

    make: str
    lines: int
    address: str
    body: SafeString


def years_of(line: CarLine) -> str:
    """Return the model years of a line in words."""
    if line.year_from and line.year_to:
        same = line.year_from == line.year_to
        return str(line.year_from) if same else f"{line.year_from} {EN_DASH} {line.year_to}"
    if line.year_from:
        return _("from {year}").format(year=line.year_from)
    return _("until {year}").format(year=line.year_to) if line.year_to else _("all years")


def model_of(line: CarLine) -> str:
    return line.model or _("Any other model")


def engine_of(line: CarLine, catalog: Catalog) -> str:
    """Return the engine of a line in words; "any engine" only where no other line of the model names one."""
    if line.engine:
        return str(Engine(line.engine).label)
    return _("other engines") if (line.make_key, line.model_key) in catalog.with_engines else _("any engine")


def address_of(line: CarLine, catalog: Catalog, wanted: MatrixFilter) -> str:
    """Return the address of the page about a line's cars: in the filter's country, by its providers."""
    query = [*_query_of(line, catalog, wanted.country), *(("provider", provider) for provider in wanted.providers)]
    return f"{_path_of(line.make_key, line.model_key)}?{urlencode(query)}"


@lru_cache(maxsize=4096)
def _path_of(make_key: str, model_key: str) -> str:
    return reverse("compatibility:car", args=[make_key, model_key or ANY_MODEL])


def _query_of(line: CarLine, catalog: Catalog, country: str) -> list[tuple[str, str]]:
    engine = line.engine or (OTHER_ENGINE if (line.make_key, line.model_key) in catalog.with_engines else "")
    year = line.year_from or line.year_to
    pairs = {"country": country, "engine": engine, "year": str(year or "")}
    return [(name, value) for name, value in pairs.items() if value]


def matrix_address(wanted: MatrixFilter, *, every_column: bool = False) -> str:
    """Return the address of the matrix for a filter; the country is always named, so that it is everybody's."""
    query = wanted.to_query(assumed_country="?")
    return f"{reverse('compatibility:matrix')}?{query}{'&columns=all' if every_column else ''}"


def name_of_car(line: CarLine, catalog: Catalog) -> str:
    """Return how a line is named among those to compare: make:model[:engine[:year]]."""
    query = dict(_query_of(line, catalog, ""))
    parts = [line.make_key, line.model_key or ANY_MODEL, query.get("engine", ""), query.get("year", "")]
    return ":".join(parts).rstrip(":")


def draw_groups(rows: Sequence[Row], wanted: MatrixFilter, columns: Sequence[Column], catalog: Catalog) -> list[Group]:
    """Return the rows of a page by make, each with a link at its name, at every cell, and a tick to compare it."""
    draw = _Drawing(wanted, columns, catalog)
    groups = []
    for make_key, of_make in groupby(rows, key=lambda row: row.line.make_key):
        found = list(of_make)
        lines = getattr(found[0].line, "of_make", 0)
        body = mark_safe("".join(draw.row(row) for row in found))  # noqa: S308 - made of escaped parts below
        all_of_make = replace(wanted, make=make_key, page=1)
        address = matrix_address(all_of_make, every_column=columns is EVERY_COLUMN) if lines > len(found) else ""
        groups.append(Group(found[0].line.make, lines, address, body))
    return groups


class _Drawing:
    """Draws the rows of one page; what all of them share is made once."""

    def __init__(self, wanted: MatrixFilter, columns: Sequence[Column], catalog: Catalog) -> None:
        self._wanted, self._catalog = wanted, catalog
        self._compare = escape(_("Compare"))
        self._paths: dict[tuple[str, str], str] = {}
        self._cells = [
            self._parts_of(column, columns[place - 1] if place else None) for place, column in enumerate(columns)
        ]

    def _parts_of(self, column: Column, before: Column | None) -> tuple[str, dict[str, str]]:
        """Return what every cell of a column begins with after its address, and by letter what it ends with."""
        commands = escape(urlencode([("command", ability) for ability in column.abilities]))
        begins = before is not None and before.is_control != column.is_control
        return (
            '<td class="grp">' if begins else "<td>",
            {letter: f'{commands}" data-is="{letter}">{_sign(letter)}</a></td>' for letter in SAYS},
        )

    def row(self, row: Row) -> str:
        line = row.line
        address = escape(address_of(line, self._catalog, self._wanted))
        to_command = f"{address}&amp;" if "?" in address and not address.endswith("?") else address
        cells = "".join(
            f'{td}<a class="cell" href="{to_command}{ends[letter]}'
            for (td, ends), letter in zip(self._cells, row.letters, strict=True)
        )
        name = escape(model_of(line))
        about = escape(f"{years_of(line)} · {engine_of(line, self._catalog)}")
        car = escape(name_of_car(line, self._catalog))
        return (
            f'<tr><th scope="row"><span class="car"><a href="{address}"><b>{name}</b><small>{about}</small></a>'
            f'<label><span class="vh">{self._compare}: {name}, {about}</span><input class="box" type="checkbox" '
            f'name="car" value="{car}" form="compare"></label></span></th>{cells}</tr>'
        )


def _sign(letter: str) -> str:
    return f'{_drawn(letter)}<span class="vh">{escape(SAYS[letter])}</span>'


def _drawn(letter: str) -> str:
    return icon(ICONS[letter]) if letter in ICONS else '<span aria-hidden="true">?</span>'


def sign_of(letter: str, *, is_alone: bool = True) -> SafeString:
    """Return the sign of a letter as it stands in a cell; is_alone: with its words, for who does not see it."""
    letter = letter if letter in SAYS else UNKNOWN
    inner = _sign(letter) if is_alone else _drawn(letter)
    return mark_safe(f'<span class="cell" data-is="{letter}">{inner}</span>')  # noqa: S308 - made of escaped parts
