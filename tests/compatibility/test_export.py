"""The matrix as a file: the rows of the filters, in parts, harmless to spreadsheets; unknown forms do not exist."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client

from compatibility.export import LoadedMeanwhile, csv_parts
from compatibility.filters import MatrixFilter
from compatibility.loading import load
from compatibility.models import Fact
from compatibility.reading import read_data

pytestmark = pytest.mark.django_db

EXPORT = "/compatibility/export/"
LUCID = {"make": "lucid", "model": "air", "country": "US", "provider": "lucid"}


@pytest.fixture(autouse=True)
def nothing_asked_yet() -> None:
    cache.clear()


def read(client: Client, **query: str) -> str:
    answer = client.get(EXPORT, query)
    return b"".join(answer.streaming_content).decode()  # type: ignore[arg-type, attr-defined]


def test_csv_when_exported_then_it_holds_a_line_for_each_fact_of_the_rows_of_the_api(client: Client) -> None:
    answer = client.get(EXPORT, {**LUCID, "format": "csv"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[arg-type, attr-defined]

    lines = list(csv.DictReader(io.StringIO(text)))
    rows = client.get("/api/v1/compatibility", {**LUCID, "page_size": "200"}).json()["rows"]
    assert [
        (line["provider"], line["command"], line["support"], line["condition"], line["as_of"]) for line in lines
    ] == [
        (row["provider"], name, said["support"], said["condition"], said["as_of"])
        for row in rows
        for name, said in row["abilities"].items()
    ]
    assert len(lines) > 20
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="compatibility-')


def test_json_when_exported_then_it_holds_the_rows_of_the_api_in_their_order(client: Client) -> None:
    rows = client.get("/api/v1/compatibility", {"make": "lucid", "page_size": "200"}).json()["rows"]

    assert json.loads(read(client, make="lucid", format="json")) == rows
    assert json.loads(read(client, make="lucid", command="open_charge_port", format="json")) == []


def test_csv_when_a_cell_looks_like_a_formula_then_it_is_text(client: Client, write_data: Callable[..., Path]) -> None:
    conditions = ("=1+1", "+1", "-1", "@SUM(A1)", "only a word")
    rows = [f"Audi,A{n},,*,DE,partial,lock,{condition},2026-05,list" for n, condition in enumerate(conditions)]
    load(read_data(write_data(*rows)))
    # What a file of the product would never begin with.
    Fact.objects.filter(condition="only a word").update(condition="\t=2")

    # The provider of this data set is none of the product's, so it cannot be named by a filter.
    lines = list(
        csv.DictReader(io.StringIO("".join(csv_parts(MatrixFilter(country="DE", make="audi"))).lstrip("\ufeff")))
    )

    assert [line["condition"] for line in lines] == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=2"]


def test_export_when_other_data_is_loaded_meanwhile_then_the_file_breaks_off(
    write_data: Callable[..., Path],
) -> None:
    parts = csv_parts(MatrixFilter())
    next(parts)
    next(parts)

    load(read_data(write_data("Audi,*,,*,everywhere,none,lock,,2026-05,list")))

    with pytest.raises(LoadedMeanwhile):
        list(parts)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 404),
        ("format=", 404),
        ("format=xml", 404),
        ("format=../../x", 404),
        ("format=csv&format=json", 400),
        ("format=csv&make=nobody", 400),
        ("format=csv&page=2", 400),
        ("format=csv&columns=all", 400),
    ],
)
def test_export_when_it_makes_no_sense_then_nothing_is_sent(client: Client, query: str, status: int) -> None:
    answer = client.get(f"{EXPORT}?{query}")

    assert (answer.status_code, answer.streaming) == (status, False)


def test_export_when_one_address_asks_too_often_then_it_waits(client: Client) -> None:
    for _ in range(10):
        client.get(EXPORT, {"format": "xml"})

    assert client.get(EXPORT, {"format": "xml"}).status_code == 429
