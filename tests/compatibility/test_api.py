"""The API of the matrix: the right answer for every class of rows, strict parameters, problems for machines."""

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from compatibility.loading import load
from compatibility.models import DataLoad
from compatibility.reading import read_data
from tests.compatibility.cases import CASES, Case

pytestmark = pytest.mark.django_db

ROWS = "/api/v1/compatibility"
ANSWER = f"{ROWS}/answer"


@pytest.fixture(autouse=True)
def nothing_asked_yet() -> None:
    """Requests are counted by address, and all tests come from one."""
    cache.clear()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_answer_about_real_data_when_asked_then_support_date_and_source_are_right(client: Client, case: Case) -> None:
    answer = client.get(ANSWER, case.query).json()

    told = {name: answer[name] for name in ("support", "as_of", "about", "condition", "depends_on")}
    assert told == {
        "support": case.support,
        "as_of": case.as_of,
        "about": case.about,
        "condition": case.condition,
        "depends_on": [],
    }
    assert (answer["source"] or {}).get("key") == case.source
    assert answer["command"] == case.query["command"]


def test_answer_when_given_then_it_says_the_same_as_the_page(client: Client) -> None:
    query = {"make": "Rivian", "model": "R1S", "year": "2024", "country": "US", "command": "lock", "provider": "rivian"}

    answer = client.get(ANSWER, query).json()

    sentence = (
        "Yes. Through Rivian app (community), “Lock” works on the 2024 Rivian R1S in the United States. "
        "What the source adds: first generation; one-time Bluetooth pairing and sign-in with a second factor needed. "
        "As of March 2026, source: bretterer/home-assistant-rivian. "
        "Fleetwell has no adapter for Rivian app (community) yet."
    )
    rivian = {"key": "rivian", "name": "Rivian app (community)", "kind": "community", "has_adapter": False}
    facts = {
        "provider": rivian,
        "condition": "first generation; one-time Bluetooth pairing and sign-in with a second factor needed",
        "as_of": "2026-03",
        "source": {
            "key": "rivian",
            "title": "bretterer/home-assistant-rivian",
            "url": "https://github.com/bretterer/home-assistant-rivian",
            "licence": "Apache-2.0, facts only",
        },
        "about": "model",
    }
    assert answer == {
        "car": {"make": "Rivian", "model": "R1S", "year": 2024, "engine": None, "country": "US"},
        "command": "lock",
        "verdict": "yes",
        "support": "full",
        **facts,
        "depends_on": [],
        "sentence": sentence,
        "ways_round": [],
        "providers": [{"support": "full", **facts, "measured": None}],
    }


def test_answer_when_the_country_matters_and_is_missing_then_it_depends_and_no_single_fact_is_named(
    client: Client,
) -> None:
    query = {"make": "Audi", "model": "Q4 e-tron", "year": "2022", "command": "unlock", "provider": "smartcar"}

    answer = client.get(ANSWER, query).json()

    told = {name: answer[name] for name in ("verdict", "depends_on", "provider", "as_of", "source")}
    assert told == {"verdict": "depends", "depends_on": ["country"], "provider": None, "as_of": None, "source": None}
    assert "United States (Smartcar, August 2022)" in answer["sentence"]


def test_question_when_asked_then_it_tells_what_was_understood(client: Client) -> None:
    reply = client.get(f"{ROWS}/ask", {"q": "2022 VW ID.4 Germany unlock asap"}).json()

    answers = reply.pop("answers")
    assert reply == {
        "understood": {
            "make": "Volkswagen",
            "model": "ID.4",
            "year": 2022,
            "engine": None,
            "country": "DE",
            "commands": ["unlock"],
            "provider": None,
        },
        "not_understood": ["asap"],
        "perhaps": [],
        "problem": None,
    }
    assert [(answer["command"], answer["verdict"], answer["as_of"]) for answer in answers] == [
        ("unlock", "unknown", "2026-05")
    ]


def test_rows_when_paged_through_then_each_comes_once_in_a_stable_order(client: Client) -> None:
    path, rows = f"{ROWS}?make=tesla&country=US&page_size=200", []
    fields = "make_key,model_key,year_from,year_to,engine,provider"
    whole = client.get(f"{path}&fields={fields}").json()
    following = f"{ROWS}?make=tesla&country=US&page_size=7&fields={fields}"
    while following:
        page = client.get(following).json()
        assert len(page["rows"]) <= 7
        rows += page["rows"]
        following = page["next"]

    assert whole["next"] is None
    assert rows == whole["rows"]
    assert len({tuple(row.values()) for row in rows}) == len(rows) > 10
    assert {row["make_key"] for row in rows} == {"tesla"}


def test_rows_when_filtered_then_each_row_keeps_the_filter(client: Client) -> None:
    query = {"country": "DE", "command": ["lock", "unlock"], "support": "full", "engine": "BEV", "page_size": "200"}

    rows = client.get(ROWS, query).json()["rows"]

    assert {row["abilities"][name]["support"] for row in rows for name in ("lock", "unlock")} == {"full"}
    assert {row["engine"] for row in rows} <= {"BEV", None}
    assert all("DE" in row["countries"] or "*" in row["countries"] for row in rows)
    assert "simulator" not in {row["provider"] for row in rows}
    assert len(rows) > 10
    named = client.get(ROWS, {"provider": "simulator", "page_size": "1"}).json()["rows"]
    assert [row["provider"] for row in named] == ["simulator"]


def test_rows_when_read_then_every_ability_carries_date_and_source(client: Client) -> None:
    query = {"make": "rivian", "model": "r1s", "year_from": "2025", "country": "US", "provider": "rivian"}

    (row,) = client.get(ROWS, query).json()["rows"]

    assert {name: row[name] for name in ("make", "model", "year_from", "year_to", "engine", "country", "provider")} == {
        "make": "Rivian",
        "model": "R1S",
        "year_from": 2025,
        "year_to": None,
        "engine": "BEV",
        "country": "US",
        "provider": "rivian",
    }
    assert row["abilities"]["lock"] == {
        "support": "none",
        "condition": "second generation; cars from 2025 on cannot pair, so no remote control",
        "as_of": "2026-03",
        "source": {
            "key": "rivian",
            "title": "bretterer/home-assistant-rivian",
            "url": "https://github.com/bretterer/home-assistant-rivian",
        },
        "about": "model",
    }
    assert "open_charge_port" not in row["abilities"]


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ("vehcile=1", "vehcile", "unknown_parameter"),
        ("page=2", "page", "unknown_parameter"),
        ("page_size=100000000", "page_size", "not_a_size"),
        ("page_size=0", "page_size", "not_a_size"),
        ("page_size=-5", "page_size", "not_a_size"),
        ("page_size=201", "page_size", "not_a_size"),
        ("page_size=1e2", "page_size", "not_a_size"),
        ("page_size=٣", "page_size", "not_a_size"),
        ("fields=owner.token", "fields", "unknown_value"),
        ("fields=make,", "fields", "unknown_value"),
        ("fields=*", "fields", "unknown_value"),
        ("country=XX", "country", "unknown_value"),
        ("country=DE&country=US", "country", "given_twice"),
        ("make=nobody", "make", "unknown_value"),
        ("make=%00", "make", "unknown_value"),
        ("make=%ff", "make", "unknown_value"),
        ("make=%ed%a0%80", "make", "unknown_value"),
        ("make=%25_", "make", "unknown_value"),
        ("make=" + "x" * 100_000, "make", "too_long"),
        ("year_from=2024-02-30", "year_from", "not_a_year"),
        ("year_from=2025&year_to=2020", "year_from", "from_after_to"),
        ("engine=steam", "engine", "unknown_value"),
        ("command=UNLOCK", "command", "unknown_value"),
        ("support=maybe", "support", "unknown_value"),
        ("&".join(f"command=lock{n}" for n in range(60)), "command", "too_many"),
    ],
)
def test_rows_when_a_parameter_makes_no_sense_then_a_problem_names_it_and_nothing_is_shown(
    client: Client, query: str, field: str, reason: str
) -> None:
    answer = client.get(f"{ROWS}?{query}")

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    problem: dict[str, Any] = answer.json()
    assert {name: problem[name] for name in ("type", "status", "code", "field", "reason")} == {
        "type": "/api/problems/bad_filter",
        "status": 400,
        "code": "bad_filter",
        "field": field,
        "reason": reason,
    }
    assert client.get(problem["type"]).json()["code"] == "bad_filter"


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ("make=vw", "command", "missing"),
        ("command=lock", "make", "missing"),
        ("make=nobody&command=lock", "make", "unknown_value"),
        ("make=vw&command=fly", "command", "unknown_value"),
        ("make=vw&command=lock&command=unlock", "command", "given_twice"),
        ("make=vw&command=lock&year=20222", "year", "not_a_year"),
        ("make=vw&command=lock&model=%00", "model", "unknown_value"),
        ("make=vw&command=lock&country=de", "country", "unknown_value"),
        ("make=vw&command=lock&engine=ev", "engine", "unknown_value"),
        ("make=vw&command=lock&provider=me", "provider", "unknown_value"),
        ("make=vw&command=lock&vin=1", "vin", "unknown_parameter"),
    ],
)
def test_answer_when_a_parameter_makes_no_sense_then_a_problem_names_it(
    client: Client, query: str, field: str, reason: str
) -> None:
    answer = client.get(f"{ANSWER}?{query}")

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert (answer.json()["field"], answer.json()["reason"]) == (field, reason)


def test_questions_of_a_hundred_kilobytes_when_asked_then_they_are_refused_at_once(client: Client) -> None:
    begun = time.perf_counter()

    answer = client.get(f"{ROWS}/ask", {"q": "x" * 100_000})

    assert (answer.status_code, answer.json()["reason"]) == (400, "too_long")
    assert time.perf_counter() - begun < 5  # reading them would take minutes


@pytest.mark.parametrize("cursor", ["x", "!!!", "OjE=", "YWJjOjE=", "é", "MDAwMDAwMDAwMDAwMDAwMDotMQ=="])
def test_rows_when_a_cursor_is_not_ours_then_it_is_a_problem(client: Client, cursor: str) -> None:
    answer = client.get(ROWS, {"cursor": cursor})

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


def test_rows_when_other_data_was_loaded_then_an_old_cursor_is_a_problem_and_the_etag_another(
    client: Client, write_data: Any
) -> None:
    first = client.get(ROWS, {"page_size": "1"})

    load(read_data(write_data("Audi,*,,*,everywhere,none,lock,,2026-05,list")))

    following = client.get(first.json()["next"])
    assert (following.status_code, following.json()["code"]) == (400, "bad_cursor")
    assert client.get(ROWS, {"page_size": "1"})["ETag"] != first["ETag"]
    assert DataLoad.objects.count() == 2


def test_rows_when_the_reader_has_them_already_then_nothing_is_sent(client: Client) -> None:
    query = {"make": "tesla", "page_size": "5"}
    first = client.get(ROWS, query)

    again = client.get(ROWS, query, headers={"If-None-Match": first["ETag"]})
    other = client.get(ROWS, {**query, "page_size": "6"}, headers={"If-None-Match": first["ETag"]})
    german = client.get(ROWS, query, headers={"If-None-Match": first["ETag"], "Accept-Language": "de"})

    assert first["ETag"].startswith('"')
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert (other.status_code, german.status_code) == (200, 200)
    assert first["Cache-Control"] == "public, max-age=60"


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        (ROWS, {"Accept": "application/xml"}, 406, "not_acceptable"),
        (ROWS, {"Accept": "text/html"}, 406, "not_acceptable"),
        (f"{ROWS}?format=../../x", {}, 404, "not_found"),
        (f"{ROWS}?format=csv", {}, 404, "not_found"),
        (f"{ROWS}/", {}, 404, "not_found"),
        ("/api/", {}, 404, "not_found"),
        ("/api/v1/nothing", {}, 404, "not_found"),
        ("/api/v2/compatibility", {}, 404, "not_found"),
        ("/api/problems/nothing", {}, 404, "not_found"),
    ],
)
def test_api_when_asked_for_what_is_not_there_then_it_is_a_problem_in_json(
    client: Client, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = client.get(path, headers=headers)

    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (
        status,
        "application/problem+json",
        code,
    )


def test_api_when_it_is_written_to_then_it_says_that_it_only_reads(client: Client) -> None:
    answers = [client.post(ROWS, {"make": "x"}), client.delete(ROWS), client.options(ROWS)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(405, "method_not_allowed")] * 3
    assert {answer["Allow"] for answer in answers} == {"GET, HEAD"}
    assert client.get(f"{ROWS}?" + "&".join(f"x{n}=1" for n in range(1_100))).json()["code"] == "bad_request"


def test_api_when_one_address_asks_too_often_then_it_waits_and_others_do_not(client: Client) -> None:
    for _ in range(300):
        client.get(ANSWER)

    refused = client.get(ROWS, {"page_size": "1"})

    assert (refused.status_code, refused["Retry-After"], refused.json()["code"]) == (429, "60", "too_many_requests")
    assert client.get(ROWS, {"page_size": "1"}, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_rows_when_asked_for_then_there_are_few_queries_however_many_rows(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    client.get(ROWS, {"page_size": "1"})

    for size in ("1", "200"):
        with django_assert_max_num_queries(3):
            client.get(ROWS, {"page_size": size})


def test_rows_when_nobody_speaks_of_a_command_then_there_are_none(client: Client) -> None:
    page = client.get(ROWS, {"make": "lexus", "model": "nx", "country": "US", "command": "open_charge_port"}).json()

    assert (page["rows"], page["next"]) == ([], None)
