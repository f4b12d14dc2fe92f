"""What stands in one cell of the matrix: a column's letters laid together over its abilities, places and providers.

Pure; knows no database. The letters are those of LineEntry, and two more that say why it is only a condition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from compatibility.titles import TITLES
from compatibility.words import CONTROLS, ELSEWHERE, POSITION, READS, Support

WORKS, CONDITION, IN_PART, BY_COUNTRY, UNKNOWN, NONE = "f", "p", "s", "c", "u", "n"
# Nothing is said. In a cell it is as good as not known, but it takes no other provider's word away.
SILENT = "-"
# Better first, as words.BEST_FIRST has it: where several providers answer, the best answer is the one that helps.
BEST_FIRST = WORKS + CONDITION + IN_PART + BY_COUNTRY + UNKNOWN + NONE + SILENT
HELPS = frozenset((WORKS, CONDITION, IN_PART))
SAYS: Mapping[str, Promise] = {
    WORKS: Support.FULL.label,
    CONDITION: Support.PARTIAL.label,
    IN_PART: _("Only some of it works"),
    BY_COUNTRY: _("Depends on the country"),
    UNKNOWN: Support.UNKNOWN.label,
    NONE: Support.NONE.label,
}


@dataclass(frozen=True, eq=False)  # there is one of each: compared by what it is, not by its title in some language
class Column:
    """One column: several abilities stand together where one is of little use without the others."""

    key: str
    title: Promise
    icon: str
    abilities: tuple[str, ...]

    @property
    def is_control(self) -> bool:
        return self.abilities[0] in CONTROLS

    @property
    def positions(self) -> tuple[int, ...]:
        return tuple(POSITION[ability] for ability in self.abilities)


COLUMNS = (
    Column("charge", _("Charge"), "read_charge", ("read_charge", "read_battery")),
    Column("odometer", _("Odometer"), "read_odometer", ("read_odometer",)),
    Column("location", _("Location"), "read_location", ("read_location",)),
    Column("lock_state", _("Lock state"), "read_lock_state", ("read_lock_state",)),
    Column("lock", _("Lock, unlock"), "lock", ("lock", "unlock")),
    Column("charging", _("Start, stop charging"), "start_charge", ("start_charge", "stop_charge")),
    Column("charge_limit", _("Charge limit"), "set_charge_limit", ("set_charge_limit",)),
    Column("climate", _("Climate"), "start_climate", ("start_climate", "stop_climate")),
    Column("trunk", _("Trunk"), "open_trunk", ("open_trunk",)),
    Column("destination", _("Destination"), "send_destination", ("send_destination",)),
)
_PAIRS = (
    Column("pin", _("Driver PIN"), "set_pin", ("set_pin", "reset_pin")),
    Column("valet", _("Valet mode"), "enable_valet", ("enable_valet", "disable_valet")),
    Column("engine", _("Start, stop engine"), "start_engine", ("start_engine", "stop_engine")),
    Column("charge_port", _("Charge port"), "open_charge_port", ("open_charge_port", "close_charge_port")),
)


def _every_column() -> tuple[Column, ...]:
    paired = {ability for column in (*COLUMNS, *_PAIRS) for ability in column.abilities}
    single = [
        Column(ability, TITLES[ability], ability, (ability,))
        for ability in (*READS, *CONTROLS)
        if ability not in paired
    ]
    every = (*COLUMNS, *_PAIRS, *single)
    return (
        *(column for column in every if not column.is_control),
        *(column for column in every if column.is_control),
    )


EVERY_COLUMN = _every_column()


@dataclass(frozen=True)
class Entry:
    """How one provider answers for a line in some countries, as LineEntry keeps it."""

    provider: str
    countries: Sequence[str]
    supports: str


def letters_of_line(entries: Iterable[Entry], country: str, columns: tuple[Column, ...]) -> str:
    """Return a letter for each column: the best answer of all providers, in a country or, with "", wherever it may be.

    Without a country it works only where one provider says so for every country; in some of them is a condition.
    """
    by_provider: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_provider[entry.provider].append(entry)
    answers = [letters_of_provider(said, country, columns) for said in by_provider.values()]
    if not answers:
        return UNKNOWN * len(columns)
    best = "".join(min(letters, key=BEST_FIRST.index) for letters in zip(*answers, strict=True))
    return best.replace(SILENT, UNKNOWN)


def letters_of_provider(entries: Sequence[Entry], country: str, columns: tuple[Column, ...]) -> str:
    """Return a letter for each column as one provider answers it; SILENT where it says nothing."""
    if country:
        entry = covering(entries, country)
        return letters_of_entry(entry.supports, columns) if entry else SILENT * len(columns)
    places = [letters_of_entry(entry.supports, columns) for entry in entries]
    if not any(ELSEWHERE in entry.countries for entry in entries):
        places.append(SILENT * len(columns))
    return "".join(_over_places(frozenset(letters)) for letters in zip(*places, strict=True))


def covering(entries: Iterable[Entry], country: str) -> Entry | None:
    """Return the entry of one provider that holds in a country: the one that names it, else that for elsewhere."""
    elsewhere = None
    for entry in entries:
        if country in entry.countries:
            return entry
        if ELSEWHERE in entry.countries:
            elsewhere = entry
    return elsewhere


@lru_cache(maxsize=4096)
def letters_of_entry(supports: str, columns: tuple[Column, ...]) -> str:
    """Return a letter for each column from the letters of all abilities; the same few come back all the time."""
    return "".join(_together([supports[position] for position in column.positions]) for column in columns)


def _together(letters: Sequence[str]) -> str:
    kinds = frozenset(letters)
    if len(kinds) == 1:
        return letters[0]
    if kinds <= {WORKS, CONDITION}:
        return CONDITION
    return IN_PART if kinds & HELPS else UNKNOWN


def _over_places(letters: frozenset[str]) -> str:
    if len(letters) == 1:
        return next(iter(letters))
    return BY_COUNTRY if letters & HELPS else UNKNOWN
