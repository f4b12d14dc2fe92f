"""Pages of the matrix: anybody may read them, in few queries, in place or whole, and a bad filter shows nothing."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from compatibility.catalog import current_catalog
from tests.factories import make_team

PART = {"HX-Request": "true"}
MATRIX = "/compatibility/"


@pytest.fixture
def catalog(db: None) -> None:
    """The words of the loaded data are read once per process: not what a test of one page counts."""
    current_catalog()


def names_of_models(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><span class="car"><a href="[^"]*"><b>([^<]*)</b>', html)


def test_matrix_when_nobody_is_signed_in_then_it_is_shown_in_four_queries(
    client: Client, catalog: None, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(4):
        answer = client.get(MATRIX, {"country": "DE", "engine": "BEV"})

    html = answer.content.decode()
    assert (answer.status_code, len(names_of_models(html))) == (200, 50)
    assert answer.templates[0].name == "compatibility/matrix.html"
    assert "account-menu" not in html


def test_matrix_when_a_filter_is_clicked_then_the_part_takes_four_queries_signed_in_too(
    client: Client, catalog: None, django_assert_num_queries: Any
) -> None:
    client.force_login(make_team().user)

    with django_assert_num_queries(4):
        answer = client.get(MATRIX, {"country": "FR", "command": "unlock", "make": "", "support": ""}, headers=PART)

    assert answer["HX-Push-Url"] == "/compatibility/?country=FR&command=unlock"
    assert answer.content.decode().lstrip().startswith('<div id="matrix">')


def test_matrix_when_the_whole_page_is_asked_signed_in_then_its_own_queries_are_the_same_four(
    client: Client, catalog: None
) -> None:
    client.force_login(make_team().user)
    with CaptureQueriesContext(connection) as asked:
        client.get(MATRIX, {"country": "IT"})

    # The others tell who reads, and what the dashboard says around it.
    of_the_matrix = [query for query in asked if '"compatibility_' in query["sql"]]
    assert (len(of_the_matrix), len(asked)) == (4, 4 + 5)


def test_matrix_when_signed_in_then_it_stands_in_the_dashboard_for_the_teams_country(
    client: Client, catalog: None
) -> None:
    membership = make_team()
    membership.team.country = "NO"
    membership.team.save(update_fields=["country"])
    client.force_login(membership.user)

    html = client.get(MATRIX).content.decode()

    assert 'id="account-menu"' in html
    assert '<option value="NO" selected>' in html
    assert '<option value="any" selected>' in client.get(MATRIX, {"country": "any"}).content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "cuontry=DE",
        "country=XX",
        "country=DE&country=FR",
        "make=nobody",
        "make=volkswagen&model=i4",
        "year_from=2024-02-30",
        "year_from=2024&year_to=2020",
        "year_to=9999",
        "engine=steam",
        "command=fly",
        "provider=nobody",
        "support=none",
        "page=0",
        "page=-1",
        "page=abc",
        "page=1e30",
        "page=2000",
        "columns=some",
        "make=%00",
        "make=%ED%A0%80",
        "make=%25_%5C",
        "make=" + "a" * 100_000,
        "&".join(["command=lock"] * 51),
    ],
)
def test_matrix_when_a_filter_makes_no_sense_then_it_shows_no_row_and_says_so(
    client: Client, db: None, query: str
) -> None:
    answer = client.get(f"{MATRIX}?{query}")
    part = client.get(f"{MATRIX}?{query}", headers=PART)

    for html in (answer.content.decode(), part.content.decode()):
        assert names_of_models(html) == []
        assert "This filter makes no sense" in html
    assert len(part.content) < 2_000
    assert (answer.status_code, part.status_code) == (400, 400)


def test_matrix_when_its_pages_are_read_then_every_make_is_there_once_and_in_order(
    client: Client, catalog: None
) -> None:
    address, makes = f"{MATRIX}?country=any", []
    for _ in range(20):
        html = client.get(address).content.decode()
        makes += re.findall(r'<tr class="make">.*?aria-hidden="true">[^<]*</span>([^<]+?) ?<', html)
        following = re.search(r'href="([^"]*page=\d+)">Next', html)
        if following is None:
            break
        address = following[1].replace("&amp;", "&")

    # A make may go over the end of a page.
    once = list(dict.fromkeys(makes))
    names = current_catalog().makes
    assert once == sorted(once, key=lambda name: [key for key, one in names.items() if one == name])
    # Of Maserati nobody says yes or no.
    assert set(names.values()) - set(once) - {"Maserati"} == {names[key] for key in current_catalog().only_demo}


def test_car_when_a_cell_is_opened_then_every_provider_says_it_with_date_and_source(client: Client, db: None) -> None:
    html = client.get("/compatibility/cars/tesla/model3/?country=DE&year=2022&command=unlock").content.decode()

    assert "Tesla Model 3" in html
    assert "Tesla Fleet API" in html
    assert "Virtual key needed" in html
    assert "As of July 2026" in html
    assert "Fleetwell has no adapter for it yet" in html
    assert "<html" not in client.get("/compatibility/cars/tesla/model3/", headers=PART).content.decode()


@pytest.mark.parametrize(("path", "status"), [("tesla/nothing/", 404), ("nobody/-/", 404), ("tesla/-/?yaer=2020", 400)])
def test_car_when_it_does_not_exist_then_it_is_refused(client: Client, db: None, path: str, status: int) -> None:
    assert client.get(f"/compatibility/cars/{path}").status_code == status
