"""What real runs against the simulator leave as evidence: what counts, whose it is, and when others see it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from commands.measuring import AT_LEAST_EVERY, OVERLAP_S, PERIOD, measure_teams
from commands.models import Command
from commands.services import sweep_commands
from compatibility.models import SharedMeasurement, TeamMeasurement
from compatibility.words import plain
from fleet.adapters.commands import FlashLights, HonkHorn, Lock, OpenTrunk, Unlock
from fleet.teams.models import Membership, Team
from fleet.vehicles.models import Vehicle, VehicleLink
from fleet.vehicles.services import remove_vehicle
from tests.commands.rig import age, car_of, carry, end_time_of, forget_state, known, press, reconcile
from tests.factories import join_simulated_car, make_team
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Simulator

YEAR = 2023


def measured(team: Team) -> dict[str, tuple[int, int, int]]:
    """Runs, how many of them confirmed, and cars, by command."""
    rows = TeamMeasurement.objects.filter(team=team)
    return {row.command: (row.runs, row.confirmed, row.cars) for row in rows}


def shared() -> dict[str, tuple[int, int, int, int]]:
    """Runs, confirmed, cars and teams, by model."""
    return {row.model: (row.runs, row.confirmed, row.cars, row.teams) for row in SharedMeasurement.objects.all()}


def test_measuring_when_commands_ran_then_sent_ones_count_by_their_end_and_the_rest_does_not(
    membership, link, car, simulator, as_owner
):
    never = car_of(other := join_simulated_car(membership, simulator, state={"locked": True}), simulator)
    never.behave(never_acts=True, lose_reply=True)
    confirmed, lost = press(link, Unlock()), press(other, Unlock())
    carry(lost, until={"unknown"})
    age(as_owner, lost, minutes=10)
    reconcile(confirmed, lost)
    forget_state(other)
    already = press(other, Lock())
    carry()
    car.behave(refuse="door_open")
    refused = press(link, OpenTrunk())
    carry()
    expired = press(link, FlashLights())
    end_time_of(as_owner, expired)
    sweep_commands()

    measure_teams()

    assert [known(command)[:2] for command in (confirmed, lost, already, refused, expired)] == [
        ("confirmed", "readback"),
        ("unresolved", ""),
        ("confirmed", "already"),
        ("refused", ""),
        ("expired", ""),
    ]
    assert measured(membership.team) == {"unlock": (2, 1, 2), "open_trunk": (1, 0, 1)}


def test_measuring_when_confirmed_then_the_row_says_of_what_cars_and_how_long_it_took(membership, link, simulator):
    Team.objects.filter(pk=membership.team_id).update(country="AT")
    links = [link, *(join_simulated_car(membership, simulator) for _ in range(2))]
    Vehicle.objects.filter(pk=links[2].vehicle_id).update(country="DE")
    commands = [press(one, HonkHorn()) for one in links]
    carry()

    now = timezone.now()
    measure_teams(now)

    spans = sorted(Command.objects.get(pk=command.pk).took_s for command in commands[:2])
    rows = {row.country: row for row in TeamMeasurement.objects.all()}
    facts = ("simulator", "Volkswagen", "ID.3", YEAR, "honk_horn")
    assert {(row.provider, row.make, row.model, row.year, row.command) for row in rows.values()} == {facts}
    assert {country: (row.runs, row.cars) for country, row in rows.items()} == {"AT": (2, 2), "DE": (1, 1)}
    assert rows["AT"].median_s == pytest.approx(sum(spans) / 2, abs=1e-3)
    assert rows["AT"].p90_s == pytest.approx(spans[0] + 0.9 * (spans[1] - spans[0]), abs=1e-3)
    assert rows["DE"].last_confirmed_at == Command.objects.get(pk=commands[2].pk).finished_at
    assert {row.measured_at for row in rows.values()} == {now}


def test_measuring_when_nothing_ended_since_then_the_team_is_left_alone_until_the_day_is_over(membership, link):
    now = timezone.now()
    press(link, HonkHorn())
    carry()

    rounds = [
        measure_teams(now),
        measure_teams(now + timedelta(seconds=OVERLAP_S, minutes=5)),
        measure_teams(now + timedelta(seconds=OVERLAP_S, minutes=10)),
        measure_teams(now + AT_LEAST_EVERY + timedelta(hours=1)),
    ]
    kept = measured(membership.team)
    measure_teams(now + PERIOD + timedelta(hours=1))

    assert (rounds, kept, measured(membership.team)) == ([1, 1, 0, 1], {"honk_horn": (1, 1, 1)}, {})


@pytest.fixture
def teams(committed_db: CommittedDatabase) -> list[Membership]:
    """Three teams that share what their runs show."""
    teams = [make_team(f"Team {number}") for number in range(3)]
    Team.objects.update(shares_measurements=True)
    return teams


def honk(teams: list[Membership], simulator: Simulator, **fleets: tuple[int, ...]) -> list[VehicleLink]:
    """Let so many cars of each team, by model, honk once."""
    links = []
    for model, counts in fleets.items():
        for membership, count in zip(teams, counts, strict=True):
            links += [join_simulated_car(membership, simulator, learn=False, model=model) for _ in range(count)]
    for link in links:
        press(link, HonkHorn())
    carry()
    return links


def test_shared_when_few_cars_or_teams_stand_behind_it_then_nothing_is_shown(teams, simulator):
    honk(teams, simulator, Four=(2, 1, 1), Two=(3, 2, 0), Enough=(2, 2, 1))

    measure_teams()

    assert shared() == {"Enough": (5, 5, 5, 3)}


def test_shared_when_a_team_stops_sharing_or_closes_then_the_next_round_shows_nothing_of_it(teams, simulator):
    honk(teams, simulator, Golf=(2, 2, 1))
    found: list[Any] = []
    days: set[Any] = set()

    for change in (
        {},
        {"shares_measurements": False},
        {"shares_measurements": True},
        {"delete_at": timezone.now() + timedelta(days=30)},
    ):
        Team.objects.filter(pk=teams[2].team_id).update(**change)
        measure_teams()
        found.append(shared())
        days |= set(SharedMeasurement.objects.values_list("last_confirmed_at", flat=True))

    assert found == [{"Golf": (5, 5, 5, 3)}, {}, {"Golf": (5, 5, 5, 3)}, {}]
    assert {(day.hour, day.minute, day.second, day.microsecond) for day in days} == {(0, 0, 0, 0)}
    assert [measured(one.team) for one in teams] == [{"honk_horn": (n, n, n)} for n in (2, 2, 1)]


def test_shared_when_the_same_car_stands_in_two_teams_then_it_is_one_car(teams, simulator):
    links = honk(teams, simulator, Golf=(2, 1, 1))
    account = simulator.account({"model": "Golf"})
    for membership in teams[:2]:
        links.append(join_simulated_car(membership, simulator, account=account, learn=False))
        press(links[-1], HonkHorn())
    carry()

    measure_teams()
    with_five_cars = shared()
    remove_vehicle(vehicle=links[0].vehicle, actor="system:test")
    again = join_simulated_car(teams[2], simulator, account=account, learn=False)
    press(again, Lock())
    carry()
    measure_teams()

    assert len({link.vehicle.lane_id for link in links}) == 5
    assert with_five_cars == {"Golf": (6, 6, 5, 3)}
    # What a car has shown stays when it leaves; a command of fewer cars is not told.
    assert {(row.command, row.runs) for row in SharedMeasurement.objects.all()} == {("honk_horn", 6)}


@pytest.mark.facts
def test_measuring_when_a_command_was_proved_then_the_matrix_shows_the_run_to_its_team_alone(membership, link, car):
    carry(press(link, Unlock()))
    measure_teams()
    vehicle = Vehicle.objects.get(pk=link.vehicle_id)
    address = f"/compatibility/cars/{plain(vehicle.make)}/{plain(vehicle.model)}/?provider=simulator&command=unlock"
    ours, others = Client(), Client()
    ours.force_login(membership.user)
    others.force_login(make_team("Others").user)

    shown = {name: client.get(address).content.decode() for name, client in (("ours", ours), ("others", others))}
    shown["nobody"] = Client().get(address).content.decode()

    assert "Your runs: 1 of 1 proved" in shown["ours"]
    assert all("simulated car" in page.lower() for page in shown.values())
    assert all("Nothing measured yet" in shown[name] for name in ("others", "nobody"))
    assert "Nothing measured yet" in ours.get(address.replace("command=unlock", "command=lock")).content.decode()
