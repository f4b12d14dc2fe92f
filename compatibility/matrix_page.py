"""What the page of the matrix shows for one filter: its rows, its numbers, its addresses. Four queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from compatibility.catalog import Catalog, current_catalog
from compatibility.cells import BY_COUNTRY, CONDITION, NONE, SAYS, UNKNOWN, WORKS
from compatibility.choices import ChoiceBar, filter_in_words, make_choice_bar
from compatibility.filters import BadFilter, MatrixFilter
from compatibility.matrix import (
    COLUMNS,
    EVERY_COLUMN,
    PAGE_SIZE,
    Column,
    Torn,
    Total,
    count_lines,
    find_first_of_makes,
    find_lines,
    rows_of,
)
from compatibility.table import Group, draw_groups, matrix_address, sign_of

TOTALS_KEPT = 512
_totals: dict[tuple[str, MatrixFilter], Total] = {}


@dataclass(frozen=True)
class MatrixPage:
    """What templates/compatibility/matrix.html shows.

    address: of this very state; previous, next: of the pages beside it, "" where there is none; columns_address: with
    more columns, or fewer. words: the whole filter, for the caption. query: the filter for other pages.
    """

    wanted: MatrixFilter
    catalog: Catalog
    bar: ChoiceBar
    groups: Sequence[Group]
    columns: Sequence[Column]
    total: Total
    words: str
    address: str
    previous: str
    next: str
    columns_address: str
    query: str
    every_column: bool

    @property
    def reads(self) -> int:
        return sum(not column.is_control for column in self.columns)

    @property
    def controls(self) -> int:
        return len(self.columns) - self.reads

    @property
    def first_control(self) -> Column:
        return self.columns[self.reads]

    @property
    def legend(self) -> list[tuple[SafeString, Promise]]:
        """Return the signs that can stand in a cell, with their words."""
        letters = [WORKS, CONDITION, *([] if self.wanted.country else [BY_COUNTRY]), NONE, UNKNOWN]
        return [(sign_of(letter, is_alone=False), SAYS[letter]) for letter in letters]

    @property
    def is_narrowed(self) -> bool:
        return not self.wanted.is_empty

    @property
    def files(self) -> dict[str, str]:
        """Return the addresses of the same rows in other forms, by form; those that there are."""
        found = {}
        for form, (name, extra) in FILES.items():
            try:
                path = reverse(name)
            except NoReverseMatch:
                continue
            query = "&".join(part for part in (extra, replace(self.wanted, page=1).to_query()) if part)
            found[form] = f"{path}?{query}" if query else path
        return found


FILES = {
    "csv": ("compatibility:export", "format=csv"),
    "json": ("compatibility:export", "format=json"),
    "api": ("api:compatibility", ""),
}


def make_matrix_page(wanted: MatrixFilter, catalog: Catalog, *, every_column: bool = False) -> MatrixPage:
    """Return the page for a filter. Raises BadFilter for a page that does not exist.

    Raises Torn where new data came while it was made; made again, it is of the new data.
    """
    columns = EVERY_COLUMN if every_column else COLUMNS
    offset = (wanted.page - 1) * PAGE_SIZE
    if wanted.make:
        lines = find_lines(wanted, limit=PAGE_SIZE + 1, offset=offset)
    else:
        lines = find_first_of_makes(wanted, catalog, limit=PAGE_SIZE + 1, offset=offset)
    if not lines and current_catalog().digest != catalog.digest:
        raise Torn
    if wanted.page > 1 and not lines:
        raise BadFilter("page", "not_a_page")
    has_more = len(lines) > PAGE_SIZE
    rows = rows_of(lines[:PAGE_SIZE], wanted, columns)

    def at(*, page: int = wanted.page, every: bool = every_column) -> str:
        return matrix_address(replace(wanted, page=page), every_column=every)

    return MatrixPage(
        wanted=wanted,
        catalog=catalog,
        bar=make_choice_bar(wanted, catalog),
        groups=draw_groups(rows, wanted, columns, catalog),
        columns=columns,
        total=_total(catalog, replace(wanted, page=1)),
        words=filter_in_words(wanted, catalog),
        address=at(),
        previous=at(page=wanted.page - 1) if wanted.page > 1 else "",
        next=at(page=wanted.page + 1) if has_more else "",
        columns_address=at(every=not every_column),
        query=replace(wanted, page=1).to_query(),
        every_column=every_column,
    )


def _total(catalog: Catalog, wanted: MatrixFilter) -> Total:
    """Count, or remember: what a filter leaves changes only with the data."""
    key = (catalog.digest, wanted)
    total = _totals.get(key)
    if total is None:
        if len(_totals) >= TOTALS_KEPT:
            _totals.clear()
        total = _totals[key] = count_lines(wanted, catalog)
    return total
