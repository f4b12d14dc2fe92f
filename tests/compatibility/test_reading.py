"""Data files are taken as a whole or not at all; every kind of mistake is told with its file and line."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from compatibility.facts_of_providers import DATA
from compatibility.reading import BrokenData, Scope, Statement, read_data
from compatibility.words import Support
from fleet.adapters.registry import ADAPTERS

HEADING = "make,model,years,engine,region,support,commands,condition,as_of,source"
GOOD = "Volkswagen,ID.4,2021-2023,BEV,alps DE,full,lock unlock,,2026-05,list"


def mistakes_of(folder: Path) -> list[str]:
    with pytest.raises(BrokenData) as broken:
        read_data(folder)
    return [str(mistake) for mistake in broken.value.mistakes]


def test_read_data_of_a_good_line_returns_one_statement_for_each_command(write_data: Callable[..., Path]) -> None:
    found = read_data(write_data(GOOD)).statements

    scope = Scope("Volkswagen", "ID.4", 2021, 2023, "BEV", ("AT", "CH", "DE"))
    assert found == tuple(
        Statement("cloud", scope, ability, Support.FULL, "", date(2026, 5, 1), "list") for ability in ("lock", "unlock")
    )


@pytest.mark.parametrize(
    ("years", "expected"),
    [("", (None, None)), ("2020", (2020, 2020)), ("2020-", (2020, None)), ("-2020", (None, 2020))],
)
def test_read_data_of_years_returns_their_ends(
    years: str, expected: tuple[int | None, int | None], write_data: Callable[..., Path]
) -> None:
    (found,) = read_data(write_data(f"Audi,*,{years},*,everywhere,none,lock,,2026-05,list")).statements

    assert (found.scope.year_from, found.scope.year_to) == expected
    assert (found.scope.model, found.scope.engine, found.scope.countries) == ("", "", ())


@pytest.mark.parametrize(
    ("row", "mistake"),
    [
        ("Volkswagon,ID.4,,BEV,DE,full,lock,,2026-05,list", "unknown make 'Volkswagon'"),
        ("Audi,,,BEV,DE,full,lock,,2026-05,list", "model is empty"),
        ("Audi,A4 ,,BEV,DE,full,lock,,2026-05,list", "model begins or ends with a space"),
        ("Audi,A4,,EV,DE,full,lock,,2026-05,list", "unknown engine 'EV'"),
        ("Audi,A4,,BEV,Europa,full,lock,,2026-05,list", "unknown region 'Europa'"),
        ("Audi,A4,,BEV,XX,full,lock,,2026-05,list", "unknown region 'XX?'"),
        ("Audi,A4,,BEV,,full,lock,,2026-05,list", "region is empty"),
        (
            "Audi,A4,,BEV,DE,yes,lock,,2026-05,list",
            "unknown support 'yes': it is one of full, partial, none, unknown",
        ),
        ("Audi,A4,,BEV,DE,full,lock fly,,2026-05,list", "unknown command 'fly'"),
        ("Audi,A4,,BEV,DE,full,,,2026-05,list", "no commands"),
        ("Audi,A4,,BEV,DE,full,lock lock,,2026-05,list", "lock stands there twice"),
        ("Audi,A4,,BEV,DE,partial,lock,,2026-05,list", "partial needs a condition"),
        ("Audi,A4,,BEV,DE,full,lock,,,list", "no date (as_of)"),
        ("Audi,A4,,BEV,DE,full,lock,,2026-13,list", "as_of '2026-13' is not a month like 2026-11"),
        ("Audi,A4,,BEV,DE,full,lock,,2026-05,", "no source"),
        ("Audi,A4,,BEV,DE,full,lock,,2026-05,hearsay", "unknown source 'hearsay'"),
        (
            "Audi,A4,2023-2021,BEV,DE,full,lock,,2026-05,list",
            "years '2023-2021': write 2018-2021, 2022-, -2019, 2020, or nothing for all",
        ),
        (
            "Audi,A4,20212023,BEV,DE,full,lock,,2026-05,list",
            "years '20212023': write 2018-2021, 2022-, -2019, 2020, or nothing for all",
        ),
        (
            "Audi,A4,21-23,BEV,DE,full,lock,,2026-05,list",
            "years '21-23': write 2018-2021, 2022-, -2019, 2020, or nothing for all",
        ),
        ("Audi,A4,,BEV,DE,full,lock,2026-05,list", "9 columns instead of 10"),
        ("Volkswagen,ID.4,2022,BEV,DE,none,lock,,2026-05,list", None),
        ("Volkswagen,ID 4,2022-2024,BEV,DE FR,none,unlock,,2026-05,list", "contradicts line 2 on unlock"),
        ("Volkswagen,ID.4,2021-2023,BEV,CH,full,lock,,2026-06,list", "repeats line 2 on lock"),
        ("Volkswagen,ID.4,2021-2023,BEV,CH,full,lock,with a PIN,2026-06,list", "contradicts line 2 on lock"),
        ("Volkswagen,ID.4,2021-2023,BEV,FR,none,lock,,2026-06,list", None),
        ("Volkswagen,ID.4,2021-2023,BEV,everywhere,none,lock,,2026-06,list", None),
    ],
)
def test_read_data_with_a_wrong_line_tells_file_and_line(
    row: str, mistake: str | None, write_data: Callable[..., Path]
) -> None:
    folder = write_data(GOOD, row)

    if mistake is None:
        assert len(read_data(folder).statements) == 3
    else:
        assert mistakes_of(folder) == [f"providers/cloud.csv:3: {mistake}"]


def test_read_data_tells_every_mistake_of_every_line_at_once(write_data: Callable[..., Path]) -> None:
    folder = write_data(GOOD, "Opel,A4,,EV,DE,full,lock,,2026-05,list", GOOD.replace("2026-05", ""))

    assert mistakes_of(folder) == [
        "providers/cloud.csv:3: unknown make 'Opel'",
        "providers/cloud.csv:3: unknown engine 'EV'",
        "providers/cloud.csv:4: no date (as_of)",
    ]


def test_read_data_counts_lines_as_an_editor_does_after_a_quoted_line_break(write_data: Callable[..., Path]) -> None:
    folder = write_data('Audi,A4,,BEV,DE,full,lock,"a\nb",2026-05,list', "Audi,A6,,BEV,DE,full,fly,,2026-05,list")

    assert mistakes_of(folder) == ["providers/cloud.csv:4: unknown command 'fly'"]


@pytest.mark.parametrize(
    ("name", "text", "mistake"),
    [
        ("providers_toml", '[cloud]\nname = "A"\nkind = "rumour"\n', "providers.toml: [cloud]: "),
        ("providers_toml", "[cloud\n", "providers.toml:1: "),
        ("sources_toml", '[list]\ntitle = "A list"\n', "sources.toml: [list]: KeyError('url')"),
        ("regions_toml", 'alps = "AT XX"\n', "regions.toml: [alps]: "),
    ],
)
def test_read_data_with_a_broken_file_of_words_tells_which(
    name: str, text: str, mistake: str, write_data: Callable[..., Path]
) -> None:
    (told,) = mistakes_of(write_data(GOOD, **{name: text}))

    assert told.startswith(mistake)


def test_read_data_with_a_file_of_nobody_refuses_it(write_data: Callable[..., Path]) -> None:
    folder = write_data(GOOD)
    (folder / "providers" / "stranger.csv").write_text("", encoding="utf-8")

    assert mistakes_of(folder) == ["providers/stranger.csv: the provider stranger is not in providers.toml"]


def test_read_data_with_a_provider_without_a_file_refuses_it(write_data: Callable[..., Path]) -> None:
    folder = write_data(GOOD)
    (folder / "providers" / "cloud.csv").unlink()

    assert mistakes_of(folder) == ["providers.toml: cloud has no file providers/cloud.csv"]


@pytest.mark.parametrize(
    "heading", ["", "make,model", "model,make,years,engine,region,support,commands,condition,as_of,source"]
)
def test_read_data_with_another_heading_refuses_the_file(heading: str, write_data: Callable[..., Path]) -> None:
    folder = write_data()
    (folder / "providers" / "cloud.csv").write_text(f"{heading}\n{GOOD}\n", encoding="utf-8")

    assert mistakes_of(folder) == [f"providers/cloud.csv:1: the first line has to be {HEADING}"]


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b'"unclosed'])
def test_read_data_of_bytes_that_are_no_csv_refuses_the_file(raw: bytes, write_data: Callable[..., Path]) -> None:
    folder = write_data()
    heading = (folder / "providers" / "cloud.csv").read_bytes()
    (folder / "providers" / "cloud.csv").write_bytes(heading + raw)

    (told,) = mistakes_of(folder)
    assert told.startswith("providers/cloud.csv: not a readable file of comma-separated values: ")


@pytest.mark.parametrize(
    ("support", "mistakes"),
    [
        (
            "full",
            [
                "providers/small.csv:2: unlock is not declared by Fleetwell's adapter for small",
                "providers/small.csv:2: read_fuel is not declared by Fleetwell's adapter for small",
            ],
        ),
        ("none", []),
    ],
)
def test_read_data_refuses_what_the_adapter_does_not_declare(
    support: str, mistakes: list[str], write_data: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ADAPTERS, "small", "tests.compatibility.small_adapter.SmallAdapter")
    folder = write_data(providers_toml='[small]\nname = "S"\nkind = "maker_api"\n')
    file = folder / "providers" / "cloud.csv"
    row = f"Audi,A4,,BEV,DE,{support},lock unlock read_location read_fuel,,2026-05,list\n"
    (folder / "providers" / "small.csv").write_text(file.read_text(encoding="utf-8") + row, encoding="utf-8")
    file.unlink()

    if mistakes:
        assert mistakes_of(folder) == mistakes
    else:
        assert len(read_data(folder).statements) == 4


def test_read_data_of_the_product_is_whole() -> None:
    dataset = read_data(DATA)

    assert len(dataset.statements) > 19_000
    assert {statement.as_of for statement in dataset.statements if statement.as_of > date(2026, 11, 1)} == set()
