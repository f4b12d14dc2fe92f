"""Cars side by side: at most three, each told exactly, and where they differ in words too."""

from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from compatibility.compare import make_comparison
from compatibility.filters import BadFilter

THREE = "country=DE&car=volkswagen:id4:BEV:2022&car=tesla:model3&car=tesla:-:other"


def test_comparison_when_cars_are_named_then_each_stands_with_its_own_page(db: None) -> None:
    found = make_comparison(QueryDict(THREE))

    assert [(car.name, car.about, car.address) for car in found.cars] == [
        ("Volkswagen ID.4", "2022 · Electric", "/compatibility/cars/volkswagen/id4/?country=DE&engine=BEV&year=2022"),
        ("Tesla Model 3", "any year and engine", "/compatibility/cars/tesla/model3/?country=DE"),
        ("Tesla any other model", "other engines", "/compatibility/cars/tesla/-/?country=DE&engine=other"),
    ]
    assert found.cars[0].without == "/compatibility/compare/?country=DE&car=tesla%3Amodel3&car=tesla%3A-%3Aother"
    lock = next(row for row in found.controls if row.column.key == "lock")
    assert ([cell.letter for cell in lock.cells][:2], lock.differs) == (["u", "f"], True)
    assert not found.may_add


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("car=tesla:model3&car=tesla:models&car=tesla:modelx&car=tesla:modely", "car", "too_many_cars"),
        ("car=tesla:model3&car=tesla:model3", "car", "given_twice"),
        ("car=tesla", "car", "unknown_value"),
        ("car=tesla:nothing", "car", "unknown_value"),
        ("car=tesla:model3:BEV:2020:x", "car", "unknown_value"),
        ("car=tesla:model3:steam", "engine", "unknown_value"),
        ("car=tesla:model3:BEV:1e3", "year", "not_a_year"),
        ("car=%00", "car", "unknown_value"),
        ("car=" + "a" * 201, "car", "too_long"),
        ("cars=tesla:model3", "cars", "unknown_parameter"),
        ("country=XX", "country", "unknown_value"),
    ],
)
def test_comparison_when_something_makes_no_sense_then_it_is_refused_by_name(
    db: None, query: str, field: str, code: str
) -> None:
    with pytest.raises(BadFilter) as refused:
        make_comparison(QueryDict(query))

    assert (refused.value.field, refused.value.code) == (field, code)


def test_comparison_when_there_is_none_or_a_fourth_then_the_page_says_so(client: Client, db: Any) -> None:
    none = client.get("/compatibility/compare/")
    fourth = client.get(f"/compatibility/compare/?{THREE}&car=tesla:modely")

    assert (none.status_code, "No car is chosen" in none.content.decode()) == (200, True)
    assert (fourth.status_code, "At most three cars can be compared." in fourth.content.decode()) == (400, True)
