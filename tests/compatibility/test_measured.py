"""What runs have shown, beside what is declared: whose runs, of which cars, how many, and where they say otherwise."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError

from compatibility.measured import Asked, Measured, Runs, disagreement, measured_for
from compatibility.models import CarLine, SharedMeasurement, TeamMeasurement
from compatibility.words import Support
from fleet.teams.models import Membership
from tests.factories import make_team

SPACE = "\N{NO-BREAK SPACE}"
TIMES = f"half of them within 4.1{SPACE}s, 9 of 10 within 7.8{SPACE}s"
AT = datetime(2026, 11, 12, 9, 30, tzinfo=UTC)
CELL = Asked("simulator", "VW", "id.3", 2023, "DE", "lock")
FACTS = {"provider": "simulator", "make": "Volkswagen", "model": "ID.3", "year": 2023, "country": "DE"}


@pytest.fixture
def owner(db: None) -> Membership:
    return make_team()


def shown(runs: int, confirmed: int, **more: Any) -> dict[str, Any]:
    times = {"median_s": 4.1, "p90_s": 7.8, "last_confirmed_at": AT} if confirmed else {}
    return {**FACTS, "command": "lock", "runs": runs, "confirmed": confirmed, "cars": 6, **times, **more}


def test_measured_when_there_are_runs_then_ones_own_and_those_of_all_stand_side_by_side(owner: Membership) -> None:
    TeamMeasurement.objects.create(team=owner.team, **shown(43, 41))
    TeamMeasurement.objects.create(team=make_team("Another Fleet").team, **shown(900, 1))
    SharedMeasurement.objects.create(teams=4, **shown(1200, 1100, cars=70))

    mine, nobodys = measured_for(owner.team_id, [CELL])[CELL], measured_for(None, [CELL])[CELL]

    assert mine.sentences == [
        f"Your runs: 41 of 43 proved, {TIMES}, 6 cars, last proved on 12 Nov 2026.",
        f"Runs of 4 teams: 1,100 of 1,200 proved, {TIMES}, 70 cars, last proved on 12 Nov 2026.",
    ]
    assert nobodys == Measured(own=None, shared=mine.shared)


@pytest.mark.parametrize(
    ("asked", "runs"),
    [
        ({}, 43),
        ({"year": None}, 50),
        ({"country": ""}, 48),
        ({"year": None, "country": ""}, 55),
        ({"year": 2024}, 7),
        ({"country": "AT"}, 5),
        ({"model": "ID.3 Pro"}, 43),
        ({"command": "unlock"}, None),
        ({"model": "Golf"}, None),
        ({"make": "Audi"}, None),
        ({"provider": "smartcar"}, None),
    ],
)
def test_measured_when_less_is_asked_then_all_that_is_covered_is_laid_together(
    owner: Membership, asked: dict[str, Any], runs: int | None
) -> None:
    CarLine.objects.filter(make_key="volkswagen", model_key="id3").delete()
    CarLine.objects.create(make="Volkswagen", make_key="volkswagen", model="ID.3", model_key="id3", is_named=True)
    for facts in (shown(43, 41), shown(7, 7, year=2024), shown(5, 5, country="AT")):
        TeamMeasurement.objects.create(team=owner.team, **facts)
    cell = CELL._replace(**asked)

    found = measured_for(owner.team_id, [cell])[cell].own

    assert (found.runs if found else None) == runs


def test_measured_when_samples_are_laid_together_then_times_are_of_the_largest_and_that_is_said(
    owner: Membership,
) -> None:
    TeamMeasurement.objects.create(team=owner.team, **shown(43, 41))
    TeamMeasurement.objects.create(team=owner.team, **shown(7, 7, year=2024, median_s=60.0, p90_s=90.0, cars=1))
    cell = CELL._replace(year=None)

    found = measured_for(owner.team_id, [cell])[cell].own

    assert found == Runs(50, 48, 7, 4.1, 7.8, AT, timed_runs=43)
    assert found.words == (
        f"Your runs: 48 of 50 proved, {TIMES}, times from the largest sample, 43 runs, 7 cars, "
        "last proved on 12 Nov 2026."
    )


def test_measured_when_the_sample_is_tiny_then_its_size_is_said_and_no_share_of_ten() -> None:
    one = Runs(1, 1, 1, 4.1, 4.1, AT, timed_runs=1)
    none = Runs(3, 0, 2, None, None, None, timed_runs=3)

    assert one.words == f"Your runs: 1 of 1 proved, after 4.1{SPACE}s, 1 car, last proved on 12 Nov 2026."
    assert none.words == "Your runs: 0 of 3 proved, 2 cars."


@pytest.mark.parametrize(
    ("declared", "runs", "confirmed", "says"),
    [
        (Support.FULL, 10, 2, "Said to work, yet only 2 of 10 of your runs were proved."),
        (Support.PARTIAL, 5, 2, "Said to work, yet only 2 of 5 of your runs were proved."),
        (Support.FULL, 10, 5, ""),
        (Support.FULL, 4, 0, ""),
        (Support.NONE, 3, 3, "Said not to be offered, yet it was proved 3 times."),
        (Support.NONE, 3, 1, "Said not to be offered, yet it was proved 1 time."),
        (Support.NONE, 3, 0, ""),
        (Support.UNKNOWN, 10, 0, ""),
    ],
)
def test_disagreement_when_runs_say_the_opposite_then_it_is_said_unless_they_are_few(
    declared: Support, runs: int, confirmed: int, says: str
) -> None:
    own = Runs(runs, confirmed, 2, None, None, None, timed_runs=runs)

    assert disagreement(declared, Measured(own=own)) == says


@pytest.mark.parametrize("few", [{"cars": 4, "teams": 3}, {"cars": 5, "teams": 2}])
def test_shared_when_too_few_stand_behind_a_row_then_the_database_refuses_it(db: None, few: dict[str, int]) -> None:
    with pytest.raises(IntegrityError, match="shared_measurement_hides_few"):
        SharedMeasurement.objects.create(**shown(10, 10) | few)


def test_measured_when_many_cells_are_asked_then_the_queries_do_not_grow(
    owner: Membership, django_assert_num_queries
) -> None:
    TeamMeasurement.objects.create(team=owner.team, **shown(43, 41))
    cells = [CELL._replace(year=year) for year in range(1990, 2026)]

    with django_assert_num_queries(3):
        found = measured_for(owner.team_id, cells)

    assert [cell.year for cell, measured in found.items() if measured.own] == [2023]
