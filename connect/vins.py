"""Which cars of a list of VINs can join by a share link, and why the others cannot."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from compatibility.eligibility import makes_that_cannot
from compatibility.vins import find_fault, make_of, model_year_of
from connect.brands import OfferedBrand, plain
from connect.models import Recipient, ShareLink
from fleet.vehicles.models import Vehicle
from fleet.vehicles.vin import clean_vin

MOST_VINS = 1_000
SHOWN_LENGTH = 40
_SEPARATORS = re.compile(r"[\s,;\"']+")
_HEADINGS = {"vin", "fin", "vins", "fahrgestellnummer"}
# Makes that go by another name than the one their VINs are registered under.
_ALSO = {"mercedes": "mercedes-benz", "vw": "volkswagen"}


@dataclass(frozen=True)
class VinRow:
    """One entry of a list and what can be said about it. problem: see words in vin_words, "" when it can join.

    make and year: "" and None where they are not certain. is_sure: False where only the owner's try can tell.
    """

    line: int
    vin: str
    make: str = ""
    year: int | None = None
    problem: str = ""

    @property
    def is_sure(self) -> bool:
        return bool(self.make)


def brand_of_make(make: str, brands: Iterable[OfferedBrand]) -> OfferedBrand | None:
    """Return the offered brand that goes by a make's name, or None."""
    wanted = _same(make)
    return next((brand for brand in brands if _same(brand.name) == wanted), None)


def is_make_missing(vin: str, brands: Iterable[OfferedBrand]) -> bool:
    """Say whether the make of a VIN is known and not among the offered ones: then no sign-in leads to that car."""
    make = make_of(vin)
    return bool(make) and brand_of_make(make, brands) is None


def _same(name: str) -> str:
    key = plain(name)
    return _ALSO.get(key, key)


def read_vins(text: str) -> list[tuple[int, str]]:
    """Return the entries of a pasted list or a CSV file with the line each stood on; a heading is left out.

    Of a line with several cells the one that looks most like a VIN counts.
    """
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        cells = [cell for cell in _SEPARATORS.split(line) if cell]
        if not cells or (not found and _HEADINGS & {cell.casefold() for cell in cells}):
            continue
        vins = [cell for cell in cells if len(cell) == 17] or cells[:1]
        found += [(number, vin) for vin in vins]
    return found


def judge(entries: Iterable[tuple[int, str]], *, link: ShareLink, brands: Collection[OfferedBrand]) -> list[VinRow]:
    """Return what can be said about each entry for a link: can it join, and if not, why.

    Only the link's own team is looked at: whether a car is in another one is nobody's business.
    """
    entries = list(entries)
    vins = {vin for _, raw in entries if (vin := clean_vin(raw))}
    cars = Vehicle.objects.filter(team_id=link.team_id, vin__in=vins, removed_at__isnull=True)
    sent = Recipient.objects.filter(team_id=link.team_id, link=link, vin__in=vins, revoked_at__isnull=True)
    joined, invited = set(cars.values_list("vin", flat=True)), set(sent.values_list("vin", flat=True))
    rows, seen = [], set[str]()
    for line, raw in entries:
        vin = clean_vin(raw)
        problem = find_fault(raw)
        if not problem and vin in seen:
            problem = "twice"
        elif not problem and vin in joined:
            problem = "joined"
        elif not problem and vin in invited:
            problem = "invited"
        seen.add(vin)
        make = make_of(vin) if vin else ""
        problem = problem or _brand_problem(make, link, brands)
        rows.append(VinRow(line, vin or raw[:SHOWN_LENGTH], make, model_year_of(vin) if vin else None, problem))
    return _without_unable(rows, link, brands)


def _without_unable(rows: list[VinRow], link: ShareLink, brands: Collection[OfferedBrand]) -> list[VinRow]:
    """Mark what would join but can do nothing of something that is needed, as it is declared of all of its make."""
    asked = {}
    for row in rows:
        brand = brand_of_make(row.make, brands) if row.make and not row.problem else None
        if brand is not None:
            asked[row] = (brand.provider, brand.name, row.year)
    country = link.country or link.team.country
    unable = makes_that_cannot(asked.values(), country=country, scopes=link.scopes_needed)
    return [replace(row, problem="unable") if asked.get(row) in unable else row for row in rows]


def _brand_problem(make: str, link: ShareLink, brands: Collection[OfferedBrand]) -> str:
    # No brands at all: they were not read yet, and nothing can be said.
    if not make or not brands:
        return ""
    brand = brand_of_make(make, brands)
    if brand is None:
        return "not_offered"
    return "" if link.is_for(brand.key) else "not_for_link"
