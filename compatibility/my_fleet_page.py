"""What the pages about a team's own cars show: the table of its kinds, and one kind with the reasons in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.core.paginator import Page, Paginator
from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from compatibility.answers import Answer
from compatibility.catalog import current_catalog
from compatibility.cells import COLUMNS, letters_of_entry
from compatibility.facts_of_providers import Source, condition_text, find_make, vocabulary
from compatibility.filters import BadFilter, read_single
from compatibility.lookup import model_keys
from compatibility.measured import Asked, Measured, disagreement
from compatibility.my_fleet import (
    MOST_KINDS,
    Kind,
    count_unconnected,
    find_kind,
    kinds_of,
    letters_of,
    measured_beside,
    vehicles_of_kind,
)
from compatibility.table import sign_of
from compatibility.titles import TITLES
from compatibility.words import ABILITIES, CONTROLS, Engine
from fleet.countries import COUNTRIES
from fleet.teams.models import Membership
from fleet.vehicles.models import Vehicle

KINDS_A_PAGE = 50
CARS_A_PAGE = 50
PARAMETERS = ("command", "says", "page")
SAYS = {
    "yes": gettext_lazy("can, perhaps with a condition"),
    "no": gettext_lazy("can’t"),
    "unknown": gettext_lazy("nobody knows of"),
}
CAN = {"yes": True, "no": False, "unknown": None}
# What a maker says of one car when it says no.
WHY = {
    "not_equipped": gettext_lazy("the car is not equipped for it"),
    "not_offered": gettext_lazy("the maker does not offer it for this car"),
    "needs_pairing": gettext_lazy("the car does not know our key yet; its owner has to pair it"),
}
SAYS_SO = {
    "adapter": gettext_lazy("Fleetwell cannot send it"),
    "car": gettext_lazy("said of these cars"),
    "declared": gettext_lazy("declared of cars like them"),
}
DISAGREEMENTS = {
    "car_says_no": gettext_lazy("Declared to work on cars like this, yet the maker says that these can’t."),
    "car_says_yes": gettext_lazy("Declared as not offered on cars like this, yet the maker says that these can."),
}


@dataclass(frozen=True)
class Cell:
    """One column of one kind: its sign, and where the reason stands."""

    sign: SafeString
    address: str
    letter: str
    begins: bool


@dataclass(frozen=True)
class Row:
    """One kind in the table. disagrees: on how many commands the layers say the opposite of each other."""

    kind: Kind
    name: str
    about: str
    address: str
    cells: Sequence[Cell]
    disagrees: int


@dataclass(frozen=True)
class MyCarsPage:
    """What templates/compatibility/my_cars.html shows. counts: (words, number of cars) for the chosen command.

    cars: connected ones; unconnected: of which nothing can be asked. left_out: the fleet has more kinds than we tell.
    """

    groups: Sequence[tuple[str, Sequence[Row]]]
    page: Page[Kind]
    cars: int
    unconnected: int
    left_out: bool
    command: str
    says: str
    commands: Sequence[tuple[str, str]]
    counts: Sequence[tuple[str, int]]
    query: str

    columns = COLUMNS
    answers = SAYS

    @property
    def title(self) -> str:
        return str(TITLES[self.command]) if self.command else ""


@dataclass(frozen=True)
class Reason:
    """One ability of one kind, and who says so, layer by layer.

    by_car: what the maker said of these cars; declared, condition, as_of, source: of cars like them; measured: what
    runs have shown, None for what is read. disagreements: where these layers say the opposite of each other. says: who
    says so, in short.
    """

    ability: str
    title: str
    sign: SafeString
    words: str
    says: str
    is_open: bool
    by_car: str
    declared: str
    condition: str
    as_of: str
    source: Source | None
    about_model: bool
    measured: Measured | None
    disagreements: Sequence[str]


@dataclass(frozen=True)
class KindPage:
    """What templates/compatibility/my_cars_kind.html shows. elsewhere: the page about all cars like these, or ""."""

    name: str
    about: str
    elsewhere: str
    cars: Page[Vehicle]
    controls: Sequence[Reason]
    reads: Sequence[Reason]


def make_my_cars_page(query: QueryDict, membership: Membership, now: datetime) -> MyCarsPage:
    """Return the table for an address. Raises BadFilter for what makes no sense; nothing is shown then."""
    command, says, number = _read(query)
    everything = kinds_of(membership, now)
    kinds = [kind for kind in everything if not says or kind.answers[command].can is CAN[says]]
    paginator = Paginator(kinds, KINDS_A_PAGE)
    if number > paginator.num_pages:
        raise BadFilter("page", "not_a_page")
    page = paginator.page(number)
    shown = list(page.object_list)
    measured = measured_beside(membership, shown)
    rows = [_row(kind, measured) for kind in shown]
    pairs = [("command", command), ("says", says)]
    return MyCarsPage(
        groups=[(make, list(of_make)) for make, of_make in groupby(rows, key=lambda row: row.kind.make)],
        page=page,
        cars=sum(kind.cars for kind in everything),
        unconnected=count_unconnected(membership, now),
        left_out=len(everything) >= MOST_KINDS,
        command=command,
        says=says,
        commands=[(name, str(TITLES[name])) for name in CONTROLS],
        counts=_counts(everything, command) if command else [],
        query=urlencode([(name, value) for name, value in pairs if value]),
    )


def make_kind_page(query: QueryDict, membership: Membership, key: str, now: datetime) -> KindPage:
    """Return the page of one kind. Raises Http404 when the membership sees no such cars, BadFilter for a bad page."""
    for name in query:
        if name not in {"page", "command"}:
            raise BadFilter(name, "unknown_parameter")
    opened = set(query.getlist("command"))
    if not opened <= set(ABILITIES):
        raise BadFilter("command", "unknown_value")
    kind = find_kind(membership, key, now)
    if kind is None:
        raise Http404
    paginator = Paginator(vehicles_of_kind(membership, kind, now), CARS_A_PAGE)
    number = _read_page(query)
    if number > paginator.num_pages:
        raise BadFilter("page", "not_a_page")
    measured = measured_beside(membership, [kind])
    reasons = [
        _reason(kind, ability, measured.get(kind.asked(ability)), is_open=ability in opened) for ability in ABILITIES
    ]
    return KindPage(
        name=_name(kind),
        about=_about(kind),
        elsewhere=_elsewhere(kind),
        cars=paginator.page(number),
        controls=[reason for reason in reasons if reason.ability in CONTROLS],
        reads=[reason for reason in reasons if reason.ability not in CONTROLS],
    )


def _read(query: QueryDict) -> tuple[str, str, int]:
    for name in query:
        if name not in PARAMETERS:
            raise BadFilter(name, "unknown_parameter")
    command, says = read_single(query, "command"), read_single(query, "says")
    if command and command not in CONTROLS:
        raise BadFilter("command", "unknown_value")
    if says and (says not in SAYS or not command):
        raise BadFilter("says", "unknown_value")
    return command, says, _read_page(query)


def _read_page(query: QueryDict) -> int:
    raw = read_single(query, "page") or "1"
    if not (raw.isascii() and raw.isdecimal() and 0 < len(raw) < 6 and int(raw)):
        raise BadFilter("page", "not_a_page")
    return int(raw)


def _counts(kinds: Sequence[Kind], command: str) -> list[tuple[str, int]]:
    return [(says, sum(kind.cars for kind in kinds if kind.answers[command].can is can)) for says, can in CAN.items()]


def _row(kind: Kind, measured: Mapping[Asked, Measured]) -> Row:
    address = reverse("compatibility:my_kind", args=[kind.key])
    letters = letters_of_entry(letters_of(kind), COLUMNS)
    cells = [
        Cell(
            sign_of(letter),
            f"{address}?{urlencode([('command', ability) for ability in column.abilities])}#{column.abilities[0]}",
            letter,
            begins=place > 0 and column.is_control and not COLUMNS[place - 1].is_control,
        )
        for place, (column, letter) in enumerate(zip(COLUMNS, letters, strict=True))
    ]
    return Row(kind, kind.model or _name(kind), _about(kind), address, cells, len(kind.contradictions(measured)))


def _name(kind: Kind) -> str:
    return f"{kind.make} {kind.model}".strip() or _("Cars without a make")


def _about(kind: Kind) -> str:
    engine = str(Engine(kind.engine).label) if kind.engine in Engine.values else ""
    country = str(COUNTRIES.get(kind.country, ""))
    year = str(kind.year) if kind.year else _("model year not known")
    return " · ".join(filter(None, (year, engine, country or _("country not said"), _provider(kind.provider))))


def _provider(key: str) -> str:
    known = vocabulary().providers.get(key)
    return known.name if known else key


def _elsewhere(kind: Kind) -> str:
    """Return the address of what all providers say of cars like these; "" where nobody speaks of the model."""
    make = find_make(kind.make)
    models = current_catalog().models.get(make.key, {}) if make else {}
    model = next((key for key in model_keys(kind.model) if key in models), "")
    if make is None or not model:
        return ""
    query = {"country": kind.country, "engine": kind.engine, "year": str(kind.year or "")}
    said = urlencode([(name, value) for name, value in query.items() if value])
    return f"{reverse('compatibility:car', args=[make.key, model])}?{said}"


def _reason(kind: Kind, ability: str, measured: Measured | None, *, is_open: bool) -> Reason:
    answer = kind.answers[ability]
    declared = answer.declared
    said = [str(DISAGREEMENTS[answer.disagreement])] if answer.disagreement else []
    if measured is not None and (contradicts := disagreement(answer.support, measured)):
        said.append(contradicts)
    return Reason(
        ability=ability,
        title=str(TITLES[ability]),
        sign=sign_of(answer.support.letter),
        words=str(answer.support.label),
        says=str(SAYS_SO.get(answer.layer, "")),
        is_open=is_open or bool(said),
        by_car=_by_car(answer, kind),
        declared=str(declared.support.label) if declared.about else "",
        condition=condition_text(declared.condition),
        # Translators: a date format of Django: month and year.
        as_of=date_format(declared.as_of, pgettext("date format", "F Y")) if declared.as_of else "",
        source=vocabulary().sources.get(declared.source),
        about_model=declared.about == "model",
        measured=measured,
        disagreements=said,
    )


def _by_car(answer: Answer, kind: Kind) -> str:
    """Return what the maker said of these very cars, or that Fleetwell can't send it; "" where nobody spoke of them."""
    if answer.layer == "adapter":
        return _("Fleetwell cannot send it through %(provider)s.") % {"provider": _provider(kind.provider)}
    if answer.layer != "car":
        return ""
    asked_at = parse_datetime(answer.checked_at)
    # Translators: a date format of Django: day, short month, year.
    day = date_format(asked_at.astimezone(), pgettext("date format", "j M Y")) if asked_at else _("an unknown day")
    if answer.can:
        return _("Their maker says yes, asked on %(day)s.") % {"day": day}
    why = WHY.get(answer.why, _("it gives no reason"))
    return _("Their maker says no, asked on %(day)s: %(why)s.") % {"day": day, "why": why}
