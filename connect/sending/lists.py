"""Reading lists of owners as people paste and export them: addresses, or CSV with a heading. Nothing is written."""

import csv
import io
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.conf import settings

from fleet.members.addresses import is_address
from fleet.vehicles.vin import clean_vin

MOST_AT_ONCE = 500
NAME_MAX_LENGTH = 100
SHOWN_LENGTH = 80
# What a column is called, in both languages of the pages; compared without case, hyphens and spaces.
COLUMNS = {
    "email": {"email", "mail", "address", "emailaddress", "emailadresse", "adresse"},
    "name": {"name", "owner", "halter", "halterin", "besitzer"},
    "language": {"language", "lang", "sprache"},
    "vin": {"vin", "fin", "fahrgestellnummer"},
}
# How a language may be written in a list; codes of our own languages are understood anyway.
LANGUAGES = {"english": "en", "englisch": "en", "german": "de", "deutsch": "de"}
NAMED = re.compile(r"([^<>]*)<\s*([^<>\s]+)\s*>")
SEPARATORS = re.compile(r"[,;\t]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Entry:
    """One owner of a list, as it stood there: the line, counted from 1, and what the cells say."""

    line: int
    email: str
    name: str = ""
    language: str = ""
    vin: str = ""


@dataclass(frozen=True)
class Problem:
    """Why one line can't be used. code: see connect.sending.words."""

    line: int
    text: str
    code: str


class Unreadable(Exception):
    """The list is no CSV that can be read."""


def read_list(text: str) -> list[Entry]:
    """Return the owners of a list: columns in any order under a heading, or addresses alone, several to a line.

    What is no address is an entry too, so that it can be named. Raises Unreadable.
    """
    text = text.removeprefix("\ufeff")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    columns = _columns(first.split(delimiter))
    if "email" in columns:
        return _read_table(text, delimiter)
    return [
        _entry_of(part, number)
        for number, line in enumerate(text.splitlines(), start=1)
        for part in SEPARATORS.split(line)
        if part.strip()
    ]


def _columns(cells: Iterable[str]) -> dict[str, int]:
    """Return which column is what, as far as a heading says."""
    found: dict[str, int] = {}
    for index, cell in enumerate(cells):
        plain = re.sub(r"[\s_\"'-]+", "", cell).casefold()
        for name, words in COLUMNS.items():
            if plain in words:
                found.setdefault(name, index)
    return found


def _read_table(text: str, delimiter: str) -> list[Entry]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    entries, columns, line = [], dict[str, int](), 1
    try:
        for cells in reader:
            begins, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _columns(cells)
                continue
            values = {name: cells[at].strip() for name, at in columns.items() if at < len(cells)}
            entries.append(Entry(begins, values.pop("email", "").lower(), **values))
    except csv.Error as error:
        raise Unreadable from error
    return entries


def _entry_of(part: str, line: int) -> Entry:
    named = NAMED.fullmatch(part.strip())
    if named:
        return Entry(line, named[2].lower(), name=named[1].strip().strip("\"'").strip())
    return Entry(line, part.strip().lower())


def cleaned(entry: Entry) -> Entry:
    """Return an entry in the form in which it is kept; call it for entries without a problem."""
    return Entry(entry.line, entry.email, entry.name, language_of(entry.language) or "", clean_vin(entry.vin))


def language_of(text: str) -> str | None:
    """Return the code of a language that a list names, "" for none, or None when it is not one of ours."""
    plain = text.strip().casefold()
    code = LANGUAGES.get(plain, plain.replace("_", "-").split("-")[0])
    return code if code in {"", *dict(settings.LANGUAGES)} else None


def find_problems(
    entries: Iterable[Entry], *, invited: Collection[str], invited_vins: Collection[str]
) -> list[Problem]:
    """Return what is wrong with each line; invited: addresses in lower case, and VINs, that the link was sent to."""
    problems, seen, seen_vins = [], set[str](), set[str]()
    for entry in entries:
        vin = clean_vin(entry.vin)
        if not is_address(entry.email):
            code = "not_an_address"
        elif entry.email in seen:
            code = "twice"
        elif entry.email in invited:
            code = "invited"
        elif len(entry.name) > NAME_MAX_LENGTH or CONTROL.search(entry.name):
            code = "bad_name"
        elif language_of(entry.language) is None:
            code = "unknown_language"
        elif entry.vin and not vin:
            code = "bad_vin"
        elif vin and (vin in seen_vins or vin in invited_vins):
            code = "vin_twice"
        else:
            code = ""
        seen.add(entry.email)
        seen_vins |= {vin} - {""}
        if code:
            problems.append(Problem(entry.line, CONTROL.sub(" ", entry.email or entry.name)[:SHOWN_LENGTH], code))
    return problems


def write_list(entries: Iterable[Entry]) -> str:
    """Return checked entries as a list that read_list reads again, to be sent back with the next press."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["email", "name", "language", "vin"])
    writer.writerows([entry.email, entry.name, entry.language, entry.vin] for entry in entries)
    return out.getvalue()
