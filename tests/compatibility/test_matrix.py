"""The rows that a filter leaves, and the letters in them: from the product's own facts, and from small ones."""

from collections.abc import Iterable
from typing import Any

import pytest
from django.http import QueryDict

from compatibility.catalog import current_catalog
from compatibility.cells import COLUMNS, EVERY_COLUMN, Entry, letters_of_line
from compatibility.filters import MatrixFilter, read_filter
from compatibility.lookup import Car, providers_for
from compatibility.matrix import (
    LINES_OF_MAKE,
    Torn,
    count_lines,
    find_first_of_makes,
    find_lines,
    makes_that_may,
    matching_lines,
    rows_of,
)
from compatibility.models import CarLine, LineEntry
from compatibility.words import ABILITIES

LOCKS = next(column for column in COLUMNS if column.key == "lock")


def supports(**letters: str) -> str:
    """The letters of an entry; "-" for what is not named."""
    return "".join(letters.get(ability, "-") for ability in ABILITIES)


def entry(provider: str = "a", countries: Iterable[str] = ("*",), **letters: str) -> Entry:
    return Entry(provider, tuple(countries), supports(**letters))


@pytest.mark.parametrize(
    ("entries", "country", "letter"),
    [
        ([], "DE", "u"),
        ([entry(lock="f", unlock="f")], "DE", "f"),
        ([entry(lock="f", unlock="p")], "DE", "p"),
        ([entry(lock="f")], "DE", "s"),
        ([entry(lock="f", unlock="n")], "DE", "s"),
        ([entry(lock="n", unlock="n")], "DE", "n"),
        ([entry(lock="n")], "DE", "u"),
        # One provider has to do both.
        ([entry("a", lock="f", unlock="n"), entry("b", lock="n", unlock="f")], "DE", "s"),
        # The best answer of all, and not known is better than no.
        ([entry("a", lock="n", unlock="n"), entry("b", lock="f", unlock="f")], "DE", "f"),
        ([entry("a", lock="n", unlock="n"), entry("b", lock="u", unlock="u")], "DE", "u"),
        # A country that is named has its own entry; what is not covered is not known.
        ([entry(lock="f", unlock="f"), entry("a", ["DE"], lock="n", unlock="n")], "DE", "n"),
        ([entry(lock="f", unlock="f"), entry("a", ["DE"], lock="n", unlock="n")], "FR", "f"),
        ([entry("a", ["DE"], lock="f", unlock="f")], "FR", "u"),
        # Who says nothing there takes nobody's word away.
        ([entry("a", ["DE"], lock="n", unlock="n"), entry("b", ["US"], lock="f", unlock="f")], "DE", "n"),
        ([entry("a", lock="n", unlock="n"), entry("b", read_vin="f")], "DE", "n"),
        # Without a country it works only where it works in all of them.
        ([entry(lock="f", unlock="f")], "", "f"),
        ([entry("a", ["DE"], lock="f", unlock="f")], "", "c"),
        ([entry(lock="f", unlock="f"), entry("a", ["DE"], lock="n", unlock="n")], "", "c"),
        ([entry(lock="n", unlock="n"), entry("a", ["DE"], lock="u", unlock="u")], "", "u"),
        ([entry("a", ["DE"], lock="n", unlock="n")], "", "u"),
    ],
)
def test_cell_when_several_things_are_said_then_it_claims_no_more_than_they_do(
    entries: list[Entry], country: str, letter: str
) -> None:
    assert letters_of_line(entries, country, (LOCKS,)) == letter


def test_columns_when_all_are_shown_then_every_ability_stands_in_one() -> None:
    assert sorted(ability for column in EVERY_COLUMN for ability in column.abilities) == sorted(ABILITIES)


QUERIES = [
    "",
    "country=DE",
    "country=DE&command=unlock",
    "country=DE&command=lock&command=unlock&support=full",
    "command=unlock&support=full",
    "country=US&command=set_pin",
    "country=US&provider=tesla",
    "country=NO&year_from=2019&year_to=2022&engine=BEV",
    "country=SG&support=full",
    "support=full",
    "engine=HEV&command=start_climate&support=partial",
]


@pytest.mark.parametrize("query", QUERIES)
def test_lines_when_makes_are_ruled_out_beforehand_then_nothing_is_lost(db: None, query: str) -> None:
    wanted, catalog = read_filter(QueryDict(query)), current_catalog()
    every = list(matching_lines(wanted))

    first = find_first_of_makes(wanted, catalog, limit=10_000)

    expected: dict[str, list[int]] = {}
    for line in every:
        expected.setdefault(line.make_key, []).append(line.id)
    assert [line.id for line in first] == [id_ for ids in expected.values() for id_ in ids[:LINES_OF_MAKE]]
    assert [line.of_make for line in first] == [len(expected[line.make_key]) for line in first]
    assert expected.keys() <= set(makes_that_may(wanted, catalog))
    total = count_lines(wanted, catalog)
    if not total.more:
        models = {(line.make_key, line.model_key) for line in every}
        assert (total.lines, total.models, total.makes) == (len(every), len(models), len(expected))


@pytest.mark.parametrize("query", [query for query in QUERIES if "command" in query])
def test_lines_when_a_command_is_needed_then_each_row_has_it_and_no_row_that_has_it_is_missing(
    db: None, query: str
) -> None:
    wanted = read_filter(QueryDict(query))
    enough = "f" if wanted.support == "full" else "fpsc"
    columns = tuple(column for column in EVERY_COLUMN if set(column.abilities) & set(wanted.abilities))
    narrowed = {line.id for line in matching_lines(wanted)}

    everything = matching_lines(MatrixFilter(**{**vars(wanted), "abilities": (), "support": ""}))
    for row in rows_of(list(everything), wanted, columns):
        if set(wanted.abilities) == {ability for column in columns for ability in column.abilities}:
            has_it = all(letter in enough and letter != "s" for letter in row.letters)
            assert has_it == (row.line.id in narrowed), (row.line, row.letters)
        elif row.line.id in narrowed:
            assert all(letter in "fpsc" for letter in row.letters), (row.line, row.letters)


@pytest.mark.parametrize("country", ["DE", "US", ""])
def test_cells_when_they_are_compared_with_the_answer_about_the_car_then_they_say_the_same(
    db: None, country: str
) -> None:
    wanted = MatrixFilter(country=country)
    lines = list(CarLine.objects.filter(is_named=True).exclude(model="").exclude(engine="").order_by("id")[::60])
    single = tuple(column for column in EVERY_COLUMN if len(column.abilities) == 1)

    for row in rows_of(lines, wanted, single):
        line = row.line
        car = Car(line.make, line.model, line.year_from or line.year_to, line.engine, country)
        said = [by for provider, by in providers_for(car).items() if provider != "simulator"]
        for column, letter in zip(single, row.letters, strict=True):
            (ability,) = column.abilities
            found = {by[ability].support.letter for by in said if by[ability].about}
            best = next((one for one in "fpun" if one in found), "u")
            assert {"c": "p"}.get(letter, letter) == best, (line, column.key)


@pytest.mark.parametrize(
    ("country", "support", "is_left"),
    [
        ("FR", "", True),
        ("FR", "full", True),
        ("DE", "", False),
        ("DE", "full", False),
        ("", "", True),
        ("", "full", False),
    ],
)
def test_lines_when_a_country_is_told_apart_then_what_holds_elsewhere_does_not_hold_there(
    db: None, country: str, support: str, is_left: bool
) -> None:
    line = CarLine.objects.create(make="Testa", make_key="testa", model="One", model_key="one", is_named=True)
    for countries, letter in ((["*"], "f"), (["DE"], "n")):
        LineEntry.objects.create(
            line=line, provider="smartcar", countries=countries, supports=supports(lock=letter), fact_ids=[]
        )

    found = find_lines(MatrixFilter(make="testa", country=country, abilities=("lock",), support=support), limit=2)

    assert (found == [line]) == is_left


def test_lines_when_the_pretend_provider_is_not_named_then_it_counts_nowhere(db: None) -> None:
    valet = MatrixFilter(make="bmw", abilities=("enable_valet",))
    named = MatrixFilter(make="bmw", abilities=("enable_valet",), providers=("simulator",))

    assert (find_lines(valet, limit=1), makes_that_may(valet, current_catalog())) == ([], [])
    assert [line.make for line in find_lines(named, limit=1)] == ["BMW"]


def test_rows_when_new_data_came_in_between_then_they_are_not_shown_as_unknown(db: None) -> None:
    line = CarLine.objects.create(make="Testa", make_key="testa", model="One", model_key="one", is_named=True)

    with pytest.raises(Torn):
        rows_of([line], MatrixFilter(), COLUMNS)


def test_rows_when_there_are_fifty_or_a_few_then_they_take_as_many_queries(
    db: None, django_assert_num_queries: Any
) -> None:
    counts = []
    for make in ("lucid", "volkswagen"):
        wanted = MatrixFilter(make=make, country="DE")
        with django_assert_num_queries(2):
            counts.append(len(rows_of(find_lines(wanted, limit=50), wanted, COLUMNS)))

    assert counts[0] < 10
    assert counts[1] == 50
