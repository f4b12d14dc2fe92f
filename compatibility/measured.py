"""What real runs have shown, as it stands beside what is declared: a team's own, and what teams that share theirs show.

Reads what commands.measuring wrote. It never changes an answer: where it says otherwise, that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from compatibility.facts_of_providers import find_make
from compatibility.lookup import model_keys
from compatibility.models import CarLine, SharedMeasurement, TeamMeasurement
from compatibility.words import Support, plain

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
# Of fewer, "9 of 10 within" would be a figure of speech.
ENOUGH_FOR_P90 = 10
# From so many runs on, a share below a half contradicts what is declared.
ENOUGH_TO_DISAGREE = 5


class Asked(NamedTuple):
    """A cell to look beside. make and model as anybody writes them; year None and country "" are all of them."""

    provider: str
    make: str
    model: str
    year: int | None
    country: str
    command: str


@dataclass(frozen=True)
class Runs:
    """What some runs have shown. teams: how many stand behind it, 0 for one's own.

    cars: at least so many. median_s, p90_s: from acceptance to proof, of the largest sample alone (timed_runs) where
    several were laid together, since times of samples can't be added.
    """

    runs: int
    confirmed: int
    cars: int
    median_s: float | None
    p90_s: float | None
    last_confirmed_at: datetime | None
    timed_runs: int
    teams: int = 0

    @property
    def share(self) -> float:
        return self.confirmed / self.runs

    @property
    def words(self) -> str:
        """Return it as a sentence, in the reader's language, with the size of the sample."""
        numbers = {"confirmed": number_format(self.confirmed), "runs": number_format(self.runs)}
        if self.teams:
            says = _("Runs of %(teams)s teams: %(confirmed)s of %(runs)s proved")
            says %= numbers | {"teams": number_format(self.teams)}
        else:
            says = _("Your runs: %(confirmed)s of %(runs)s proved") % numbers
        return ", ".join([says, *self._times(), *self._sample()]) + "."

    def _times(self) -> list[str]:
        if self.median_s is None:
            return []
        median = _("after %(time)s") if self.confirmed == 1 else _("half of them within %(time)s")
        times = [median % {"time": _seconds(self.median_s)}]
        if self.p90_s is not None and min(self.confirmed, self.timed_runs) >= ENOUGH_FOR_P90:
            times.append(_("9 of 10 within %(time)s") % {"time": _seconds(self.p90_s)})
        if self.timed_runs < self.runs:
            times.append(_("times from the largest sample, %(runs)s runs") % {"runs": number_format(self.timed_runs)})
        return times

    def _sample(self) -> list[str]:
        cars = ngettext("%(cars)s car", "%(cars)s cars", self.cars) % {"cars": number_format(self.cars)}
        if self.last_confirmed_at is None:
            return [cars]
        # Translators: a date format of Django: day, short month, year.
        day = date_format(timezone.localtime(self.last_confirmed_at), pgettext("date format", "j M Y"))
        return [cars, _("last proved on %(day)s") % {"day": day}]


@dataclass(frozen=True)
class Measured:
    """What stands beside one cell: the team's own runs, those of teams that share theirs; None where there are none."""

    own: Runs | None = None
    shared: Runs | None = None

    @property
    def sentences(self) -> list[str]:
        return [runs.words for runs in (self.own, self.shared) if runs is not None]


NOTHING = Measured()


def measured_for(team_id: UUID | None, asked: Iterable[Asked]) -> dict[Asked, Measured]:
    """Return for each cell what runs have shown, in three queries whatever the number.

    team_id: whose own runs are told; None for nobody's. Nothing of another team's own is ever read.
    """
    cells = list(dict.fromkeys(Asked(*cell) for cell in asked))
    wanted = {"provider__in": {cell.provider for cell in cells}, "command__in": {cell.command for cell in cells}}
    own = [] if team_id is None else list(TeamMeasurement.objects.filter(team_id=team_id, **wanted))
    shared = list(SharedMeasurement.objects.filter(**wanted))
    if not own and not shared:
        return dict.fromkeys(cells, NOTHING)
    names = _Names((*cells, *own, *shared))
    own_rows, shared_rows = names.sorted_rows(own), names.sorted_rows(shared)
    return {
        cell: Measured(
            _together([row for row in own_rows.get(names.key(cell), ()) if _is_about(row, cell)]),
            _together([row for row in shared_rows.get(names.key(cell), ()) if _is_about(row, cell)]),
        )
        for cell in cells
    }


def disagreement(declared: Support, measured: Measured) -> str:
    """Return in words where runs say the opposite of what is declared; "" where they do not, or are too few."""
    said = (_against(declared, runs) for runs in (measured.own, measured.shared) if runs is not None)
    return next(filter(None, said), "")


def _against(declared: Support, runs: Runs) -> str:
    numbers = {"confirmed": number_format(runs.confirmed), "runs": number_format(runs.runs)}
    if declared in {Support.FULL, Support.PARTIAL} and runs.runs >= ENOUGH_TO_DISAGREE and runs.share < 1 / 2:
        ours = _("Said to work, yet only %(confirmed)s of %(runs)s of your runs were proved.")
        others = _("Said to work, yet only %(confirmed)s of %(runs)s runs of all teams were proved.")
        return (others if runs.teams else ours) % numbers
    if declared is Support.NONE and runs.confirmed:
        says = ngettext(
            "Said not to be offered, yet it was proved %(confirmed)s time.",
            "Said not to be offered, yet it was proved %(confirmed)s times.",
            runs.confirmed,
        )
        return says % numbers
    return ""


Row = TeamMeasurement | SharedMeasurement
Key = tuple[str, str, str, str]


class _Names:
    """Brings together what one car is called: "VW" and "Volkswagen", "ID.3 Pro" and the line "ID.3" that it is on."""

    def __init__(self, named: Iterable[Asked | Row]) -> None:
        makes = {self._make(one.make) for one in named}
        lines = CarLine.objects.filter(make_key__in=makes).values_list("make_key", "model_key").distinct()
        self._lines = set(lines)
        self._known: dict[tuple[str, str], tuple[str, str]] = {}

    def key(self, one: Asked | Row) -> Key:
        name = (one.make, one.model)
        if name not in self._known:
            self._known[name] = self._line(self._make(one.make), one.model)
        return (one.provider, *self._known[name], one.command)

    def sorted_rows(self, rows: Sequence[Row]) -> dict[Key, list[Row]]:
        found: dict[Key, list[Row]] = {}
        for row in rows:
            found.setdefault(self.key(row), []).append(row)
        return found

    @staticmethod
    def _make(name: str) -> str:
        make = find_make(name)
        return make.key if make else plain(name)

    def _line(self, make: str, model: str) -> tuple[str, str]:
        on_a_line = (key for key in model_keys(model) if key and (make, key) in self._lines)
        return make, next(on_a_line, plain(model))


def _is_about(row: Row, cell: Asked) -> bool:
    return cell.year in {None, row.year} and cell.country in {"", row.country}


def _together(rows: Sequence[Row]) -> Runs | None:
    if not rows:
        return None
    largest = max(rows, key=lambda row: row.confirmed)
    return Runs(
        runs=sum(row.runs for row in rows),
        confirmed=sum(row.confirmed for row in rows),
        # A car stands in one row, unless it was sold or moved meanwhile; teams may stand in several.
        cars=sum(row.cars for row in rows),
        median_s=largest.median_s,
        p90_s=largest.p90_s,
        last_confirmed_at=max((row.last_confirmed_at for row in rows if row.last_confirmed_at), default=None),
        timed_runs=largest.runs,
        teams=max(getattr(row, "teams", 0) for row in rows),
    )


def _seconds(span_s: float) -> str:
    decimals = 1 if span_s < 10 and round(span_s, 1) != round(span_s) else 0
    return f"{number_format(round(span_s, decimals), decimals)}{NO_BREAK_SPACE}s"
