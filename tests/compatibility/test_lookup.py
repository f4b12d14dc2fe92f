"""The answer for a car is the strongest statement that covers it; where the car may be several, what they share."""

import csv
import random
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from compatibility.facts_of_providers import DATA, vocabulary
from compatibility.loading import load
from compatibility.lookup import Car, Declared, declared_for, model_keys, providers_for
from compatibility.models import Fact
from compatibility.reading import read_data
from compatibility.words import ABILITIES, Engine, Support

pytestmark = pytest.mark.django_db

AS_OF = date(2026, 5, 1)


def lock_of(car: Car, provider: str = "cloud") -> Declared:
    return declared_for([(provider, car)])[provider, car]["lock"]


@pytest.fixture
def rule(no_facts: None, write_data: Callable[..., Path]) -> None:
    """One statement of each strength, each with a condition that names it."""
    rows = [
        "Volkswagen,*,,*,everywhere,partial,lock,any,2026-05,list",
        "Volkswagen,*,,*,DE,partial,lock,any in Germany,2026-05,list",
        "Volkswagen,*,,BEV,everywhere,partial,lock,electric,2026-05,list",
        "Volkswagen,*,2023-,BEV,everywhere,partial,lock,electric since 2023,2026-05,list",
        "Volkswagen,ID.4,,*,everywhere,partial,lock,ID.4,2026-05,list",
        "Volkswagen,ID.4,,BEV,everywhere,partial,lock,electric ID.4,2026-05,list",
        "Volkswagen,ID.4,2022-2024,BEV,everywhere,partial,lock,ID.4 of three years,2026-05,list",
        "Volkswagen,ID.4,2023,BEV,everywhere,partial,lock,ID.4 of 2023,2026-05,list",
        "Volkswagen,ID.4,2023,BEV,AT DE,partial,lock,ID.4 of 2023 there,2026-05,list",
    ]
    load(read_data(write_data(*rows)))


@pytest.mark.usefixtures("rule")
def test_lookup_returns_the_narrowest_statement_that_covers_the_car() -> None:
    expected = {
        Car("VW", "Golf", 2020, "ICE", "FR"): "any",
        Car("VW", "Golf", 2020, "ICE", "DE"): "any in Germany",
        Car("VW", "e-Golf", 2020, "BEV", "DE"): "electric",
        Car("VW", "e-Golf", 2022, "BEV", "DE"): "electric",
        Car("VW", "e-Golf", 2023, "BEV", "DE"): "electric since 2023",
        Car("VW", "ID.4", 2022, "PHEV", "DE"): "ID.4",
        Car("VW", "ID.4", 2021, "BEV", "DE"): "electric ID.4",
        Car("VW", "ID.4", 2022, "BEV", "DE"): "ID.4 of three years",
        Car("VW", "ID.4", 2024, "BEV", "DE"): "ID.4 of three years",
        Car("VW", "ID.4", 2025, "BEV", "DE"): "electric ID.4",
        Car("VW", "ID.4", 2023, "BEV", "FR"): "ID.4 of 2023",
        Car("VW", "ID.4", 2023, "BEV", "DE"): "ID.4 of 2023 there",
        Car("Volkswagen", "id 4", 2023, "BEV", "AT"): "ID.4 of 2023 there",
        Car("volkswagen", "ID.4 GTX 4Motion", 2023, "BEV", "AT"): "ID.4 of 2023 there",
    }

    found = {car: lock_of(car) for car in expected}

    assert {car: said.condition for car, said in found.items()} == expected
    assert {(said.support, said.varies, said.as_of, said.source) for said in found.values()} == {
        (Support.PARTIAL, (), AS_OF, "list")
    }
    facts = Fact.objects.in_bulk([said.fact_id for said in found.values()])
    assert {car: facts[said.fact_id].condition for car, said in found.items()} == expected
    assert {car: said.about for car, said in found.items()} == {
        car: "model" if "ID.4" in condition else "make" for car, condition in expected.items()
    }


@pytest.mark.parametrize(
    ("rows", "car", "support", "varies"),
    [
        (["Audi,A4,,BEV,DE,full,lock,,2026-05,list"], Car("Audi", "A4", 2020, "BEV", "FR"), Support.UNKNOWN, ()),
        (["Audi,A4,,BEV,DE,full,lock,,2026-05,list"], Car("Audi", "A4", 2020, "ICE", "DE"), Support.UNKNOWN, ()),
        (["Audi,A4,2020-,BEV,DE,full,lock,,2026-05,list"], Car("Audi", "A4", 2019, "BEV", "DE"), Support.UNKNOWN, ()),
        (["Audi,A4,,BEV,DE,full,lock,,2026-05,list"], Car("Audi", "A6", 2020, "BEV", "DE"), Support.UNKNOWN, ()),
        (["Audi,A4,,BEV,DE,full,lock,,2026-05,list"], Car("Opel", "A4", 2020, "BEV", "DE"), Support.UNKNOWN, ()),
        # Not known in which country it is: only where all agree is it told without a condition.
        (["Audi,A4,,BEV,DE,full,lock,,2026-05,list"], Car("Audi", "A4", 2020, "BEV"), Support.PARTIAL, ("country",)),
        (["Audi,A4,,BEV,DE,none,lock,,2026-05,list"], Car("Audi", "A4", 2020, "BEV"), Support.UNKNOWN, ("country",)),
        (["Audi,A4,,BEV,everywhere,full,lock,,2026-05,list"], Car("Audi", "A4", 2020, "BEV"), Support.FULL, ()),
        (
            [
                "Audi,A4,,BEV,everywhere,full,lock,,2026-05,list",
                "Audi,A4,,BEV,DE,none,lock,,2026-05,list",
            ],
            Car("Audi", "A4", 2020, "BEV"),
            Support.PARTIAL,
            ("country",),
        ),
        # Not known which year: an edge matters, years in which nobody names the model do not.
        (
            [
                "Audi,A4,-2020,BEV,DE,full,lock,,2026-05,list",
                "Audi,A4,2021-,BEV,DE,none,lock,,2026-05,list",
            ],
            Car("Audi", "A4", None, "BEV", "DE"),
            Support.PARTIAL,
            ("year",),
        ),
        (
            ["Audi,A4,2018-2020,BEV,DE,full,lock,,2026-05,list", "Audi,*,,*,DE,none,lock,,2026-05,list"],
            Car("Audi", "A4", None, "BEV", "DE"),
            Support.FULL,
            (),
        ),
        # Not known which engine.
        (
            ["Audi,A4,,BEV,DE,full,lock,,2026-05,list", "Audi,A4,,ICE,DE,none,lock,,2026-05,list"],
            Car("Audi", "A4", 2020, "", "DE"),
            Support.PARTIAL,
            ("engine",),
        ),
        (
            ["Audi,A4,,BEV,DE,none,lock,,2026-05,list", "Audi,A4,,ICE,DE,unknown,lock,,2026-05,list"],
            Car("Audi", "A4", 2020, "", "DE"),
            Support.UNKNOWN,
            ("engine",),
        ),
        (
            ["Audi,A4,,BEV,DE,full,lock,,2026-05,list", "Audi,A4,,ICE,DE,full,lock,,2026-06,list"],
            Car("Audi", "A4", 2020, "", "DE"),
            Support.FULL,
            (),
        ),
    ],
)
@pytest.mark.usefixtures("no_facts")
def test_lookup_never_claims_more_than_all_cars_that_it_may_be_share(
    rows: list[str], car: Car, support: Support, varies: tuple[str, ...], write_data: Callable[..., Path]
) -> None:
    load(read_data(write_data(*rows)))

    found = lock_of(car)

    assert (found.support, found.varies) == (support, varies)


@pytest.mark.usefixtures("no_facts")
def test_lookup_of_facts_that_agree_but_differ_in_age_tells_the_oldest(write_data: Callable[..., Path]) -> None:
    rows = ["Audi,A4,,BEV,DE,full,lock,,2026-05,list", "Audi,A4,,ICE,DE,full,lock,with a PIN,2025-01,list"]
    load(read_data(write_data(*rows)))

    found = lock_of(Car("Audi", "A4", 2020, "", "DE"))

    assert found == Declared("lock", Support.FULL, "with a PIN", date(2025, 1, 1), "list", 0, "model", ())


def test_declared_for_many_cars_asks_twice(django_assert_num_queries: Callable[..., object]) -> None:
    asked = [("smartcar", Car("Volkswagen", "ID.4", year, "BEV", "DE")) for year in range(2015, 2026)] * 3

    with django_assert_num_queries(2):  # type: ignore[attr-defined]
        found = declared_for(asked)

    assert set(found) == set(asked)


def test_providers_for_names_each_that_says_anything(django_assert_num_queries: Callable[..., object]) -> None:
    with django_assert_num_queries(2):  # type: ignore[attr-defined]
        found = providers_for(Car("VW", "ID.4", 2022, "BEV", "DE"))

    assert sorted(found) == ["enode", "evcc", "simulator", "smartcar", "volkswagencarnet", "vw_eu_data_act"]
    assert all(set(declared) == set(ABILITIES) for declared in found.values())


def test_model_keys_go_from_the_whole_name_to_any_model() -> None:
    assert model_keys("i4 eDrive40 Gran Coupé") == ["i4edrive40grancoupe", "i4edrive40gran", "i4edrive40", "i4", ""]


def by_the_books(provider: str, car: Car, ability: str, rows: list[dict[str, str]]) -> dict[str, str] | None:
    """The rule as compatibility/data/README.md tells it, read from the files row by row."""

    def countries(region: str) -> set[str] | None:
        if region == "everywhere":
            return None
        regions = vocabulary().regions
        return {country for name in region.split() for country in regions.get(name, [name])}

    def years(text: str) -> tuple[int, int]:
        first, _, last = text.partition("-")
        return int(first or 1990), int(last or (2100 if "-" in text or not text else first))

    covering = []
    for row in rows:
        first, last = years(row["years"])
        where = countries(row["region"])
        if (
            row["make"] == car.make
            and ability in row["commands"].split()
            and row["model"] in {"*", car.model}
            and row["engine"] in {"*", car.engine}
            and first <= (car.year or 0) <= last
            and (where is None or car.country in where)
        ):
            strength = (row["model"] != "*", row["engine"] != "*", first - last, where is not None)
            covering.append((strength, row))
    return max(covering, key=lambda pair: pair[0])[1] if covering else None


def test_lookup_of_the_products_data_agrees_with_the_rule_read_from_the_files() -> None:
    chance = random.Random(6)
    cars, files = [], {}
    for file in sorted((DATA / "providers").glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as stream:
            files[file.stem] = list(csv.DictReader(stream))
        for row in chance.choices(files[file.stem], k=20):
            years = [int(year) for year in row["years"].split("-") if year] or [2020]
            year = chance.choice(years) + chance.choice((-1, 0, 0, 1))
            engine = row["engine"] if row["engine"] != "*" else chance.choice(Engine.values)
            model = row["model"] if row["model"] != "*" else "Unheard-of"
            country = chance.choice(("DE", "GB", "IS", "US", "CA", "AU", "BR", "ZA"))
            cars.append((file.stem, Car(row["make"], model, year, engine, country)))

    found = declared_for(cars)

    told = {
        (pair, ability): (
            said.support.value,
            said.condition,
            said.as_of and f"{said.as_of:%Y-%m}",
            said.source,
        )
        for pair, declared in found.items()
        for ability, said in declared.items()
    }
    nothing = ("unknown", "", None, "")
    expected = {
        ((provider, car), ability): (row["support"], row["condition"], row["as_of"], row["source"]) if row else nothing
        for provider, car in found
        for ability in ABILITIES
        for row in [by_the_books(provider, car, ability, files[provider])]
    }
    assert told == expected
    assert len([answer for answer in expected.values() if answer != nothing]) > 3_000
