"""Reading lists of e-mail addresses as people paste and export them: lines, commas, "Name <address>", CSV."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

MOST_AT_ONCE = 200
SHOWN_LENGTH = 80
ADDRESS_MAX_LENGTH = 254
# "Robin Example <robin@example.com>", as mail programs copy it.
NAMED = re.compile(r"[^<>]*<\s*([^<>\s]+)\s*>")
SEPARATORS = re.compile(r"[\r\n,;\t]+")


@dataclass(frozen=True)
class Row:
    """One entry of a list: where it stood, counted from 1, and the address in lower case."""

    number: int
    address: str


@dataclass(frozen=True)
class Problem:
    """Why one entry can't be invited. code: not_an_address, twice, member, invited; see fleet.members.words."""

    number: int
    text: str
    code: str


def read_pasted(text: str) -> list[Row]:
    """Return the entries of a pasted list; what is no address is an entry too, so that it can be named."""
    return _numbered(SEPARATORS.split(text))


def read_csv(text: str) -> list[Row]:
    """Return the addresses of a CSV file, from whatever column; a first line without one is the heading."""
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    lines = [cells for cells in csv.reader(io.StringIO(text), dialect) if any(cell.strip() for cell in cells)]
    found = [next((cell for cell in cells if "@" in cell), "") for cells in lines]
    if found and not found[0]:
        del found[0], lines[0]
    return _numbered(address or cells[0] for address, cells in zip(found, lines, strict=True))


def _numbered(entries: Iterable[str]) -> list[Row]:
    return [Row(number, address) for number, address in enumerate(_addresses(entries), start=1)]


def _addresses(entries: Iterable[str]) -> Iterator[str]:
    for entry in entries:
        if text := entry.strip():
            named = NAMED.fullmatch(text)
            yield (named.group(1) if named else text).lower()


def find_problems(rows: Iterable[Row], *, members: set[str], invited: set[str]) -> list[Problem]:
    """Return what is wrong with each entry; members and invited: addresses in lower case that the team has already."""
    problems, seen = [], set[str]()
    for row in rows:
        if not is_address(row.address):
            code = "not_an_address"
        elif row.address in seen:
            code = "twice"
        elif row.address in members:
            code = "member"
        else:
            code = "invited" if row.address in invited else ""
        seen.add(row.address)
        if code:
            problems.append(Problem(row.number, row.address[:SHOWN_LENGTH], code))
    return problems


def is_address(text: str) -> bool:
    """Say whether a letter could be addressed to it; no line breaks, nothing that could become a second header."""
    if len(text) > ADDRESS_MAX_LENGTH or not text.isprintable():
        return False
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
