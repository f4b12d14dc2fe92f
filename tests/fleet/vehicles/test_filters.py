"""Filters of cars: what each field finds, what it writes and reads back, what it refuses."""

from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.adapters.oauth import TokenSet
from fleet.adapters.rules import InvalidParameter
from fleet.teams.models import Membership
from fleet.vehicles.access import vehicles_of
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.models import Lane, Owner, ProviderAccount, Vehicle, VehicleLink, VehicleSignal
from fleet.vehicles.saved_filters import find_saved_filter, forget_filter, save_filter, saved_filters_of
from fleet.vehicles.services import open_connection, save_account
from tests.factories import make_simulator_app, make_team

numbers = count(1)


@pytest.fixture
def manager(db: None) -> Membership:
    return make_team()


def car(manager: Membership, plate: str, *, signals: dict[str, Any] | None = None, **facts: Any) -> Vehicle:
    lane = Lane.objects.create(key=uuid4().hex)
    facts = {"make": "Volkswagen", "model": "ID.3", **facts}
    vehicle = Vehicle.objects.create(team=manager.team, lane=lane, plate=plate, **facts)
    for name, value in (signals or {}).items():
        VehicleSignal.objects.create(
            team=manager.team, vehicle=vehicle, signal=name, value=value, observed_at=timezone.now(), source="test"
        )
    return vehicle


def connected(manager: Membership, vehicle: Vehicle, *, status: str = "active") -> VehicleLink:
    tokens = TokenSet("access", "refresh", 3600, frozenset({"read_battery"}), f"login-{next(numbers)}")
    account = save_account(app=make_simulator_app(), brand="volkswagen", tokens=tokens)
    ProviderAccount.objects.filter(pk=account.pk).update(status=status)
    owner = Owner.objects.create(team=manager.team)
    grant = open_connection(
        team=manager.team, account=account, owner=owner, scopes_granted=["read_battery"], share_link_id=None
    )
    return VehicleLink.objects.create(
        team=manager.team, connection=grant, vehicle=vehicle, provider_vehicle_id=f"car-{next(numbers)}"
    )


def found(manager: Membership, **fields: Any) -> list[str]:
    return [vehicle.plate for vehicle in VehicleFilter(**fields).apply(vehicles_of(manager))]


def test_filter_when_each_field_is_set_then_it_finds_the_cars_that_last_said_so(manager: Membership) -> None:
    car(manager, "A", make="Tesla", model="Model 3", signals={"soc_percent": 20, "locked": True})
    car(manager, "B", name="Van 7", signals={"soc_percent": 80.5, "locked": False, "online_state": "asleep"})
    car(manager, "C", signals={"charging_state": "charging", "plugged_in": True, "online_state": "online"})
    car(manager, "D", signals={"charging_state": "complete", "plugged_in": True})
    car(manager, "E", signals={"charging_state": "disconnected", "plugged_in": False, "soc_percent": 30})

    assert found(manager) == ["A", "B", "C", "D", "E"]
    assert found(manager, text="van") == ["B"]
    assert found(manager, text="model 3") == ["A"]
    assert found(manager, makes=("Tesla", "Volvo")) == ["A"]
    assert found(manager, models=("ID.3",)) == ["B", "C", "D", "E"]
    assert found(manager, online=("asleep",)) == ["B"]
    assert found(manager, online=("asleep", "online")) == ["B", "C"]
    assert found(manager, charging=True) == ["C"]
    assert found(manager, charging=False) == ["D", "E"]
    assert found(manager, plugged=True) == ["C", "D"]
    assert found(manager, plugged=False) == ["E"]
    assert found(manager, locked=True) == ["A"]
    assert found(manager, locked=False) == ["B"]
    assert found(manager, soc_below=30) == ["A"]
    assert found(manager, soc_above=30) == ["B"]
    assert found(manager, soc_above=20, soc_below=80.5) == ["E"]
    assert found(manager, ids=()) == []
    assert found(manager, plugged=True, charging=False, makes=("Volkswagen",)) == ["D"]


def test_filter_when_links_differ_then_each_status_finds_its_own(manager: Membership) -> None:
    connected(manager, car(manager, "A"))
    connected(manager, car(manager, "B"), status="needs_owner")
    car(manager, "C")
    ended = connected(manager, car(manager, "D"))
    VehicleLink.objects.filter(pk=ended.pk).update(ended_at=timezone.now())
    both = car(manager, "E")
    connected(manager, both, status="needs_owner")
    connected(manager, both)

    assert found(manager, link="ok") == ["A", "E"]
    assert found(manager, link="needs_owner") == ["B"]
    assert found(manager, link="ended") == ["C", "D"]


def test_filter_when_it_names_foreign_or_removed_cars_then_they_are_absent(manager: Membership) -> None:
    mine = car(manager, "A")
    removed = car(manager, "B")
    Vehicle.objects.filter(pk=removed.pk).update(removed_at=timezone.now())
    foreign = car(make_team(), "C")

    assert found(manager, ids=(mine.id, removed.id, foreign.id, uuid4())) == ["A"]


def test_filter_when_every_field_is_set_then_it_is_one_query(manager: Membership) -> None:
    everything = VehicleFilter(
        "x", ("a",), ("b",), ("online",), True, True, True, soc_below=1, soc_above=2, link="needs_owner", ids=(uuid4(),)
    )

    with CaptureQueriesContext(connection) as queries:
        assert list(everything.apply(vehicles_of(manager))) == []

    assert len(queries) == 1


ROUND = [
    VehicleFilter(),
    VehicleFilter(text="a b&c=d+ü"),
    VehicleFilter(makes=("Tesla", "VW & Co"), models=("ID.3",)),
    VehicleFilter(online=("asleep", "online"), charging=True, plugged=False, locked=True),
    VehicleFilter(soc_below=1.0, soc_above=0.0, link="ok"),
    VehicleFilter(ids=()),
    VehicleFilter(ids=(UUID(int=1), UUID(int=2))),
]


@pytest.mark.parametrize("given", ROUND, ids=str)
def test_filter_when_written_then_it_reads_back_the_same(given: VehicleFilter) -> None:
    assert VehicleFilter.from_values(given.values()) == given
    assert VehicleFilter.from_query(QueryDict(given.query())) == given
    assert given.is_empty is (given == VehicleFilter())


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("q=" + "x" * 101, "text", "too_long"),
        ("q=%00", "text", "too_long"),
        ("make=%00", "makes", "too_long"),
        ("&".join(f"model={n}" for n in range(101)), "models", "too_many"),
        ("online=maybe", "online", "unknown_word"),
        ("charging=1", "charging", "unknown_word"),
        ("locked=True", "locked", "unknown_word"),
        ("soc_below=abc", "soc_below", "not_a_number"),
        ("soc_below=nan", "soc_below", "not_a_number"),
        ("soc_above=101", "soc_above", "out_of_range"),
        ("soc_above=-1", "soc_above", "out_of_range"),
        ("soc_above=1e999", "soc_above", "out_of_range"),
        ("link=maybe", "link", "unknown_word"),
        ("id=1", "ids", "unknown_word"),
    ],
)
def test_filter_when_an_address_makes_no_sense_then_the_field_and_the_reason_are_told(
    query: str, field: str, code: str
) -> None:
    with pytest.raises(InvalidParameter) as error:
        VehicleFilter.from_query(QueryDict(query))

    assert (error.value.field, error.value.code) == (field, code)


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"colour": "red"}, "colour", "unknown_parameter"),
        ({"text": 5}, "text", "too_long"),
        ({"makes": "Tesla"}, "makes", "unknown_word"),
        ({"makes": [5]}, "makes", "unknown_word"),
        ({"ids": "x"}, "ids", "unknown_word"),
        ({"ids": ["x"]}, "ids", "unknown_word"),
        ({"locked": "yes"}, "locked", "unknown_word"),
        ({"soc_below": "5"}, "soc_below", "not_a_number"),
        ({"soc_below": True}, "soc_below", "not_a_number"),
    ],
)
def test_filter_when_stored_values_make_no_sense_then_the_field_and_the_reason_are_told(
    values: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(InvalidParameter) as error:
        VehicleFilter.from_values(values)

    assert (error.value.field, error.value.code) == (field, code)


def test_save_filter_when_the_name_is_known_in_another_case_then_it_is_changed(manager: Membership) -> None:
    first = save_filter(membership=manager, name="Vans Berlin", cars=VehicleFilter(makes=("VW",)))
    second = save_filter(membership=manager, name=" vans berlin ", cars=VehicleFilter(locked=False))
    save_filter(membership=make_team(), name="Vans Berlin", cars=VehicleFilter())

    assert second.id == first.id
    assert [(saved.name, saved.values) for saved in saved_filters_of(manager)] == [("vans berlin", {"locked": False})]


@pytest.mark.parametrize(("name", "code"), [("  ", "missing"), ("x" * 61, "too_long"), ("a\nb", "control_characters")])
def test_save_filter_when_the_name_is_not_one_then_nothing_is_kept(manager: Membership, name: str, code: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        save_filter(membership=manager, name=name, cars=VehicleFilter())

    assert (error.value.field, error.value.code) == ("name", code)
    assert list(saved_filters_of(manager)) == []


def test_saved_filter_when_another_team_asks_then_it_is_absent_and_stays(manager: Membership) -> None:
    saved = save_filter(membership=manager, name="Mine", cars=VehicleFilter())
    stranger = make_team()

    assert find_saved_filter(stranger, saved.id) is None
    assert forget_filter(membership=stranger, saved=saved) is True
    assert list(saved_filters_of(manager)) == [saved]
    assert forget_filter(membership=manager, saved=saved) is True
    assert list(saved_filters_of(manager)) == []
