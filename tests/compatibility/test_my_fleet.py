"""What my cars can do: by kind, with reasons of all layers, only of cars that I may see, whatever their number."""

from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from compatibility.models import Fact, TeamMeasurement
from compatibility.my_fleet import kinds_of
from fleet.teams.grants import Grant
from fleet.teams.models import Membership, Team
from fleet.teams.roles import Role
from fleet.teams.services import add_member
from fleet.vehicles.models import Connection, Lane, Owner, ProviderAccount, Vehicle, VehicleLink
from tests.factories import make_simulator_app, make_team, make_user
from tests.signing_in import sign_in

CHECKED = "2026-11-02T08:00:00+00:00"


@pytest.fixture
def owner(db: None) -> Membership:
    return make_team("Nordlicht")


@pytest.fixture
def connection(owner: Membership) -> Connection:
    return make_connection(owner)


def make_connection(owner: Membership) -> Connection:
    account = ProviderAccount.objects.create(app=make_simulator_app(), brand="vw", provider_user_id=uuid4().hex)
    person = Owner.objects.create(team=owner.team, name="Olga Owner")
    return Connection.objects.create(team=owner.team, account=account, owner=person)


def make_cars(connection: Connection, number: int = 1, *, no: str = "", **facts: object) -> list[Vehicle]:
    """Cars of one kind; no: a command that their maker says they can't."""
    car = {"make": "Volkswagen", "model": "ID.3", "year": 2023, "powertrain": "BEV"} | facts
    lanes = Lane.objects.bulk_create(Lane(key=uuid4().hex) for _ in range(number))
    vehicles = Vehicle.objects.bulk_create(
        Vehicle(team=connection.team, lane=lane, plate=f"NL {lane.key[:6]}", **car) for lane in lanes
    )
    said = {no: {"answer": "no", "why": "not_equipped", "checked_at": CHECKED}} if no else {}
    VehicleLink.objects.bulk_create(
        VehicleLink(
            team=connection.team,
            connection=connection,
            vehicle=vehicle,
            provider_vehicle_id=uuid4().hex,
            capabilities={"lock": {"answer": "yes", "why": "", "checked_at": f"2026-11-{place % 20 + 1:02}"}} | said,
        )
        for place, vehicle in enumerate(vehicles)
    )
    return vehicles


def browser_of(member: Membership) -> Client:
    return sign_in(Client(), member)


def rows_of(answer) -> list[tuple[str, int]]:
    return [(row.name, row.kind.cars) for _, rows in answer.context["mine"].groups for row in rows]


def test_my_cars_when_they_differ_in_nothing_that_counts_then_they_are_one_row(
    owner: Membership, connection: Connection
) -> None:
    make_cars(connection, 3)
    make_cars(connection, 2, no="open_trunk")
    make_cars(connection, model="Golf", year=None, powertrain="")
    away = make_cars(connection)[0]
    VehicleLink.objects.filter(vehicle=away).update(ended_at=timezone.now())

    answer = browser_of(owner).get("/compatibility/my-cars/")

    mine = answer.context["mine"]
    assert sorted(rows_of(answer)) == [("Golf", 1), ("ID.3", 2), ("ID.3", 3)]
    assert (mine.cars, mine.unconnected) == (6, 1)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("command=open_trunk&says=no", [("ID.3", 2)]),
        ("command=open_trunk&says=yes", [("ID.3", 3)]),
        ("command=lock&says=no", []),
        ("command=open_trunk", [("ID.3", 2), ("ID.3", 3)]),
    ],
)
def test_my_cars_when_asked_which_can_then_only_these_are_shown(
    owner: Membership, connection: Connection, query: str, rows: list[tuple[str, int]]
) -> None:
    make_cars(connection, 3)
    make_cars(connection, 2, no="open_trunk")

    answer = browser_of(owner).get(f"/compatibility/my-cars/?{query}")

    assert sorted(rows_of(answer)) == rows
    if "open_trunk" in query:
        assert dict(answer.context["mine"].counts) == {"no": 2, "unknown": 0, "yes": 3}


@pytest.mark.parametrize(
    "query",
    ["command=fly", "says=no", "command=lock&says=perhaps", "page=0", "page=9", "page=x", "cars=1", "page=1&page=2"],
)
def test_my_cars_when_the_filter_makes_no_sense_then_400_and_no_cars(
    owner: Membership, connection: Connection, query: str
) -> None:
    make_cars(connection)

    answer = browser_of(owner).get(f"/compatibility/my-cars/?{query}")

    assert answer.status_code == 400
    assert "ID.3" not in answer.content.decode()


def test_kind_when_opened_then_each_layer_says_its_own_and_where_they_disagree(
    owner: Membership, connection: Connection
) -> None:
    Team.objects.filter(pk=owner.team_id).update(country="DE")
    Fact.objects.filter(provider="simulator", make="Volkswagen", ability="open_trunk").update(support="full")
    vehicles = make_cars(connection, 2, no="open_trunk")
    facts = {"provider": "simulator", "make": "Volkswagen", "model": "ID.3", "year": 2023, "country": "DE"}
    TeamMeasurement.objects.create(team=owner.team, command="lock", runs=10, confirmed=2, cars=2, **facts)
    browser = browser_of(owner)

    row = browser.get("/compatibility/my-cars/").context["mine"].groups[0][1][0]
    answer = browser.get(row.address)

    kind = answer.context["kind"]
    reasons = {reason.ability: reason for reason in (*kind.controls, *kind.reads)}
    trunk, lock, unlock = reasons["open_trunk"], reasons["lock"], reasons["unlock"]
    assert {vehicle.id for vehicle in kind.cars} == {vehicle.id for vehicle in vehicles}
    assert trunk.by_car == "Their maker says no, asked on 2 Nov 2026: the car is not equipped for it."
    assert trunk.disagreements == ["Declared to work on cars like this, yet the maker says that these can’t."]
    assert (trunk.words, trunk.declared, trunk.as_of) == ("Not offered", "Works", "November 2026")
    assert lock.disagreements == ["Said to work, yet only 2 of 10 of your runs were proved."]
    assert lock.measured.sentences == ["Your runs: 2 of 10 proved, 2 cars."]
    assert (unlock.words, unlock.by_car, unlock.declared) == (unlock.declared, "", "Works with a condition")
    assert (row.disagrees, [ability for ability, reason in reasons.items() if reason.is_open]) == (
        2,
        ["lock", "open_trunk"],
    )
    assert kind.elsewhere == "/compatibility/cars/volkswagen/id3/?country=DE&engine=BEV&year=2023"
    assert browser.get(kind.elsewhere).status_code == 200
    assert "Their maker says no" in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "status"), [("command=lock", 200), ("command=fly", 400), ("page=2", 400), ("x=1", 400)]
)
def test_kind_when_asked_for_what_is_not_there_then_400(
    owner: Membership, connection: Connection, query: str, status: int
) -> None:
    make_cars(connection)
    key = kinds_of(owner, timezone.now())[0].key

    assert browser_of(owner).get(f"/compatibility/my-cars/{key}/?{query}").status_code == status


def test_my_cars_when_the_reach_is_limited_then_only_its_cars_count_and_other_kinds_do_not_exist(
    owner: Membership, connection: Connection
) -> None:
    mine, others = make_cars(connection, 2), make_cars(connection, 4, model="Golf")
    grant = Grant(Role.VIEWER, reaches_all=False, vehicle_ids=(mine[0].id,))
    viewer = add_member(team=owner.team, user=make_user(), role=grant, actor="system:test")
    keys = {kind.model: kind.key for kind in kinds_of(owner, timezone.now())}
    browser = browser_of(viewer)

    table = browser.get("/compatibility/my-cars/")
    own, beyond = (browser.get(f"/compatibility/my-cars/{keys[model]}/") for model in ("ID.3", "Golf"))

    assert (rows_of(table), table.context["mine"].unconnected) == ([("ID.3", 1)], 0)
    assert [vehicle.id for vehicle in own.context["kind"].cars] == [mine[0].id]
    assert (beyond.status_code, len(others)) == (404, 4)


def test_my_cars_when_another_team_has_the_same_kind_then_nothing_of_it_is_seen(
    owner: Membership, connection: Connection
) -> None:
    make_cars(connection, 2)
    other = make_team("Another Fleet")
    key = kinds_of(owner, timezone.now())[0].key

    answers = [browser_of(other).get(url) for url in ("/compatibility/my-cars/", f"/compatibility/my-cars/{key}/")]
    theirs = make_cars(make_connection(other))
    own = browser_of(other).get(f"/compatibility/my-cars/{key}/")

    assert ([answer.status_code for answer in answers], rows_of(answers[0])) == ([200, 404], [])
    assert [vehicle.id for vehicle in own.context["kind"].cars] == [vehicle.id for vehicle in theirs]


def test_my_cars_when_there_are_many_then_the_queries_do_not_grow(
    owner: Membership, connection: Connection, django_assert_max_num_queries
) -> None:
    for year in range(1990, 2020):
        make_cars(connection, 40, year=year)
    browser = browser_of(owner)
    key = kinds_of(owner, timezone.now())[0].key

    with django_assert_max_num_queries(20):
        table = browser.get("/compatibility/my-cars/")
    with django_assert_max_num_queries(20):
        kind = browser.get(f"/compatibility/my-cars/{key}/")

    assert (len(rows_of(table)), table.context["mine"].cars) == (30, 1200)
    assert kind.context["kind"].cars.paginator.count == 40
