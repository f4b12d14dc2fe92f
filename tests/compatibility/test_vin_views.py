"""The check of a VIN says what it tells and what it cannot, and leaves no trace of it."""

import logging

import pytest
from django.test import Client
from django.urls import reverse

from compatibility.vin_views import limits_of, make_vin_page

pytestmark = pytest.mark.django_db

AMERICAN = "5YJ3E1EA2KF317000"
EUROPEAN = "WVWZZZE1ZMP000001"


def check(vin: str, client: Client | None = None) -> object:
    return (client or Client()).post(reverse("compatibility:vin"), {"vin": vin})


def test_vin_of_north_america_tells_make_and_year_and_that_it_is_not_mistyped() -> None:
    page = make_vin_page(AMERICAN)

    assert (page.make, page.year, page.is_checked) == ("Tesla", 2019, True)
    assert page.matrix_url == "/compatibility/?make=tesla&year_from=2019&year_to=2019"
    assert ("Model 3", "/compatibility/cars/tesla/model3/?year=2019") in {(m.name, m.url) for m in page.models}
    assert "Cybertruck" not in {model.name for model in page.models}
    assert len(limits_of(page)) == 2


def test_vin_of_elsewhere_tells_the_make_alone_and_says_what_is_missing() -> None:
    page = make_vin_page(EUROPEAN)

    assert (page.make, page.year, page.is_checked) == ("Volkswagen", None, False)
    assert "ID.4" in {model.name for model in page.models}
    assert limits_of(page) == [
        "The model year: only cars made for North America have to carry it.",
        "The model, the engine and the equipment: makers write them in codes of their own.",
        "The country it is driven in, and which services its owner has booked.",
        "Whether it is mistyped: only North America demands a check digit.",
    ]


def test_vin_of_a_make_without_facts_says_that_nobody_says_anything() -> None:
    page = make_vin_page("JSAAZC13S00123456")

    assert (page.make, page.matrix_url, page.models) == ("Suzuki", "", [])


def test_vin_of_nobody_says_that_the_make_is_not_known() -> None:
    answer = check("ZZZAZC13S00123456")

    assert answer.status_code == 200
    assert "Make not known" in answer.content.decode()


@pytest.mark.parametrize("typed", [f" {EUROPEAN.lower()} ", f"{EUROPEAN[:3]} {EUROPEAN[3:9]}-{EUROPEAN[9:]}"])
def test_vin_is_read_however_it_is_typed(typed: str) -> None:
    answer = check(typed)

    assert (answer.status_code, answer.context["page"].make) == (200, "Volkswagen")


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("", "This field is required."),
        ("WVWZZZ", "Not a VIN: it has 17 letters and digits."),
        ("WVWZZZE1ZMP0000O1", "Not a VIN: it has no I, O or Q. Perhaps 1 or 0?"),
        ("5YJ3E1EA8KF317000", "The ninth character does not fit: something is mistyped."),
        ("W" * 10_000, "Ensure this value has at most 40 characters (it has 10000)."),
        ("WVWZZZE1ZMP\x0000001", "Null characters are not allowed."),
        ("'; DROP TABLE x--", "Not a VIN: it has 17 letters and digits."),
    ],
)
def test_vin_that_is_none_is_told_at_the_field(typed: str, error: str) -> None:
    answer = check(typed)

    assert answer.status_code == 422
    assert answer.context["form"].errors == {"vin": [error]}
    assert answer.context["page"] is None


def test_vin_stands_in_no_address_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    answer = check(EUROPEAN)

    assert "page" in answer.context
    assert EUROPEAN not in caplog.text
    assert EUROPEAN not in str(answer.headers)
    assert answer["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert Client().get(reverse("compatibility:vin"), {"vin": EUROPEAN}).context["page"] is None
