"""Saving the filter of the list under a name, going by it, and forgetting it."""

import pytest

from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.models import SavedFilter
from fleet.vehicles.saved_filters import save_filter

SKODA = "make=%C5%A0koda"


def kept():
    return list(SavedFilter.objects.order_by("name").values_list("name", "values"))


def test_filter_when_it_is_saved_then_the_list_offers_it_to_the_team(links, cast, browser_of):
    answer = browser_of(cast.operator).post(f"/vehicles/filters/?{SKODA}", {"name": " Green ones "})

    assert (answer.status_code, answer["Location"]) == (302, f"/vehicles/?{SKODA}")
    assert kept() == [("Green ones", {"makes": ["Škoda"]})]
    saved = browser_of(cast.viewer).get(f"/vehicles/?{SKODA}").context["bar"].saved
    assert [(row.name, row.url, row.is_current) for row in saved] == [("Green ones", f"/vehicles/?{SKODA}", True)]


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x00b", "a\nb"], ids=repr)
def test_filter_when_its_name_is_bad_then_it_is_told_at_the_field(links, cast, browser_of, name):
    answer = browser_of(cast.operator).post(f"/vehicles/filters/?{SKODA}", {"name": name})

    page = answer.content.decode()
    assert (answer.status_code, kept()) == (422, [])
    assert 'id="filter-name-wrong"' in page
    assert [row.vehicle.plate for row in answer.context["rows"]] == ["NL-J 3"]


def test_filter_when_it_makes_no_sense_then_it_is_not_saved(links, cast, browser_of):
    answer = browser_of(cast.operator).post("/vehicles/filters/?soc_below=many", {"name": "Odd"})

    assert (answer.status_code, kept()) == (422, [])


def test_filter_when_it_is_dropped_then_it_is_gone(links, cast, browser_of):
    saved = save_filter(membership=cast.owner, name="Green ones", cars=VehicleFilter(makes=("Škoda",)))

    answer = browser_of(cast.operator).post(f"/vehicles/filters/{saved.id}/drop/")

    assert (answer.status_code, answer["Location"], kept()) == (302, "/vehicles/", [])


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("outsider", 404)])
def test_filter_when_they_may_not_drop_it_then_it_stays(links, cast, browser_of, who, status):
    saved = save_filter(membership=cast.owner, name="Green ones", cars=VehicleFilter(makes=("Škoda",)))

    answer = browser_of(getattr(cast, who)).post(f"/vehicles/filters/{saved.id}/drop/")

    assert (answer.status_code, len(kept())) == (status, 1)


def test_filter_when_a_viewer_saves_then_it_is_forbidden(links, cast, browser_of):
    answer = browser_of(cast.viewer).post(f"/vehicles/filters/?{SKODA}", {"name": "Green ones"})

    assert (answer.status_code, kept()) == (403, [])
