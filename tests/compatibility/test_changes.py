"""What a load changed is told by what it means for a car; the first load of an installation changed nothing."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.test import Client

from compatibility.change_words import name_of, says, sentence
from compatibility.changes import Entry, find_changes, later_loads
from compatibility.loading import load
from compatibility.models import DataLoad
from compatibility.reading import read_data

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"
BEFORE = [
    "Volkswagen,ID.4,2021-,*,alps DE,full,lock unlock,,2026-04,list",
    "Volkswagen,ID.4,2021-,*,alps DE,partial,start_charge,needs a plan,2026-04,list",
    "Volkswagen,ID.4,2021-,*,alps DE,partial,stop_charge,needs a plan,2026-04,list",
    "Volkswagen,ID.4,2021-,*,alps DE,none,honk_horn,,2026-04,list",
    "Volkswagen,ID.4,2021-,*,alps DE,full,flash_lights,,2026-04,list",
    "Volkswagen,Golf,,*,DE,full,lock,,2026-04,list",
    "Audi,*,,*,everywhere,none,lock,,2026-04,list",
]
AFTER = [
    "Volkswagen,ID.4,2021-,*,alps DE,none,lock unlock,cut off,2026-05,list",
    "Volkswagen,ID.4,2021-,*,alps DE,full,start_charge,,2026-05,list",
    "Volkswagen,ID.4,2021-,*,alps DE,partial,stop_charge,needs another plan,2026-05,list",
    "Volkswagen,ID.4,2021-,*,alps DE,full,honk_horn,,2026-05,list",
    "Volkswagen,Golf,,*,DE,full,lock,,2026-04,list",
    "Audi,*,,*,everywhere,unknown,lock,,2026-05,list",
    "Audi,A3,,*,everywhere,none,unlock,,2026-05,list",
]


def parse(content: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(content)  # noqa: S314 - our own feed


@pytest.fixture
def changed(write_data: Callable[..., Path]) -> list[Entry]:
    """Two loads of a small set after the product's own, of which the second is looked at."""
    load(read_data(write_data(*BEFORE)))
    load(read_data(write_data(*AFTER)))
    newest = DataLoad.objects.order_by("-id")[:1]
    return find_changes(later_loads().filter(id__in=list(newest.values_list("id", flat=True))), limit=50)


def test_changes_when_facts_ended_and_came_then_each_is_told_by_what_it_means(changed: list[Entry]) -> None:
    told = {(entry.make, entry.model): [(one.kind, one.abilities) for one in entry.changes] for entry in changed}

    assert told == {
        ("Audi", ""): [("opened", ("lock",))],
        ("Audi", "A3"): [("refused", ("unlock",))],
        ("Volkswagen", "ID.4"): [
            ("lost", ("lock", "unlock")),
            ("lost", ("flash_lights",)),
            ("gained", ("honk_horn",)),
            ("freed", ("start_charge",)),
            ("condition", ("stop_charge",)),
        ],
    }
    assert [entry.provider for entry in changed] == ["cloud"] * 3


def test_changes_when_said_then_cars_condition_date_and_source_are_told(changed: list[Entry]) -> None:
    id4 = changed[-1]

    lost, silent, *_rest = id4.changes
    assert name_of(id4) == "Volkswagen ID.4 through cloud"
    assert says(lost) == "No longer works: Lock, Unlock"
    assert sentence(lost) == (
        "No longer works: Lock, Unlock (from 2021 on · Austria, Switzerland, Germany). "
        "What the source adds: cut off. As of May 2026, source: list."
    )
    assert sentence(silent) == (
        "No longer works: Flash lights (from 2021 on · Austria, Switzerland, Germany). "
        "The sources that we read no longer say so; last as of April 2026, source: list."
    )


def test_changes_when_the_data_was_loaded_once_then_there_are_none_and_the_page_says_why(client: Client) -> None:
    page = client.get("/compatibility/changes/").content.decode()

    assert find_changes(later_loads(), limit=50) == []
    assert "Nothing can have changed yet" in page
    assert "The data was loaded once, on " in page


def test_page_of_changes_when_narrowed_then_only_those_stand_there(client: Client, changed: list[Entry]) -> None:
    everything = client.get("/compatibility/changes/?make=volkswagen&when=month").content.decode()

    assert "Volkswagen ID.4 through cloud" in everything
    assert "Audi A3 through cloud" not in everything
    assert "No changes here" in client.get("/compatibility/changes/?provider=tesla&make=audi").content.decode()


def test_changes_when_there_are_many_then_they_come_in_pages_with_few_queries(
    client: Client, changed: list[Entry], django_assert_max_num_queries: Callable[..., object]
) -> None:
    client.get("/compatibility/changes/")
    with django_assert_max_num_queries(6):  # type: ignore[attr-defined]
        first = client.get("/compatibility/changes/").content.decode()

    assert first.count("<article") == 25
    assert "page=2" in first
    assert client.get("/compatibility/changes/?page=2").content.decode().count("<article") == 25


@pytest.mark.parametrize(
    "query", ["page=0", "page=99", "when=always", "make=x", "provider=simulator", "foo=1", "page=1e30"]
)
def test_page_of_changes_when_the_filter_makes_no_sense_then_nothing_is_shown(client: Client, query: str) -> None:
    answer = client.get(f"/compatibility/changes/?{query}")

    assert (answer.status_code, "<article" in answer.content.decode()) == (400, False)


def test_feed_when_read_then_it_is_atom_with_ids_that_stay(client: Client, changed: list[Entry]) -> None:
    answer = client.get("/compatibility/changes.atom")
    feed = parse(answer.content)
    again = parse(client.get("/compatibility/changes.atom").content)

    entries = feed.findall(f"{ATOM}entry")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert len(entries) == len(set(ids)) == 50
    assert [entry.findtext(f"{ATOM}id") for entry in again.findall(f"{ATOM}entry")] == ids
    newest = DataLoad.objects.order_by("-id")[0]
    assert ids[0] == f"tag:localhost,{newest.loaded_at:%Y-%m-%d}:compatibility/{newest.id}/cloud/audi/-"
    assert feed.findtext(f"{ATOM}updated") == entries[0].findtext(f"{ATOM}updated")
    assert entries[2].findtext(f"{ATOM}title") == (
        "Volkswagen ID.4 through cloud: No longer works: Lock, Unlock; No longer works: Flash lights; Works now: Honk "
        "horn; Works now without a condition: Start charging; The condition changed: Stop charging"
    )


def test_feed_when_the_reader_has_it_already_then_nothing_is_sent(client: Client) -> None:
    first = client.get("/compatibility/changes.atom")

    by_tag = client.get("/compatibility/changes.atom", headers={"If-None-Match": first["ETag"]})
    by_time = client.get("/compatibility/changes.atom", headers={"If-Modified-Since": first["Last-Modified"]})

    assert parse(first.content).findall(f"{ATOM}entry") == []
    assert (by_tag.status_code, by_time.status_code) == (304, 304)
