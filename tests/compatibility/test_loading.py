"""A load changes what changed and nothing else, keeps the history, and leaves the old data when the new is broken."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from compatibility.loading import Outcome, load
from compatibility.lookup import Car, declared_for
from compatibility.models import CarLine, DataLoad, Fact
from compatibility.reading import read_data
from compatibility.words import Support

pytestmark = pytest.mark.django_db

LOCK = "Volkswagen,ID.4,2021-2023,BEV,DE,full,lock,,2026-05,list"
UNLOCK = "Volkswagen,ID.4,2021-2023,BEV,DE,full,unlock,,2026-05,list"
ID4 = Car("VW", "ID.4", 2022, "BEV", "DE")


def support_of(ability: str) -> Support:
    return declared_for([("cloud", ID4)])["cloud", ID4][ability].support


def test_load_of_another_data_set_ends_what_is_gone_and_adds_what_is_new(write_data: Callable[..., Path]) -> None:
    load(read_data(write_data(LOCK, UNLOCK)))
    kept = Fact.objects.get(ended=None, ability="lock")

    outcome = load(read_data(write_data(LOCK, UNLOCK.replace("full", "none").replace("2026-05", "2026-06"))))

    assert outcome == Outcome(facts=2, added=1, ended=1, is_new=True)
    assert Fact.objects.get(ended=None, ability="lock") == kept
    newest = DataLoad.objects.order_by("-id")[0]
    assert (newest.facts, newest.added, newest.ended, newest.is_first) == (2, 1, 1, False)
    history = Fact.objects.filter(provider="cloud", ability="unlock").order_by("id")
    assert [(fact.support, fact.as_of, fact.ended) for fact in history] == [
        ("full", date(2026, 5, 1), newest),
        ("none", date(2026, 6, 1), None),
    ]
    assert (support_of("lock"), support_of("unlock")) == (Support.FULL, Support.NONE)


def test_load_of_the_same_data_set_twice_changes_nothing(write_data: Callable[..., Path]) -> None:
    load(read_data(write_data(LOCK, UNLOCK)))
    before = list(CarLine.objects.values_list("id", flat=True)), DataLoad.objects.count()

    outcome = load(read_data(write_data(UNLOCK, LOCK)))

    assert outcome == Outcome(facts=2, added=0, ended=0, is_new=False)
    assert (list(CarLine.objects.values_list("id", flat=True)), DataLoad.objects.count()) == before


def test_load_that_comes_back_to_an_older_data_set_tells_it_as_a_change(write_data: Callable[..., Path]) -> None:
    first, second = read_data(write_data(LOCK)), read_data(write_data(UNLOCK))
    load(first)
    load(second)

    outcome = load(first)

    assert outcome == Outcome(facts=1, added=1, ended=1, is_new=True)
    assert (support_of("lock"), support_of("unlock")) == (Support.FULL, Support.UNKNOWN)


def test_load_compatibility_of_a_broken_folder_tells_the_line_and_leaves_the_old_data(
    write_data: Callable[..., Path],
) -> None:
    load(read_data(write_data(LOCK)))
    before = DataLoad.objects.count(), Fact.objects.count()

    with pytest.raises(CommandError) as broken:
        call_command("load_compatibility", folder=write_data(LOCK.replace("full", "none"), "Opel,*,,*,DE,full,fly,,,"))

    assert str(broken.value).splitlines() == [
        "The data was not taken over:",
        "providers/cloud.csv:3: unknown make 'Opel'",
        "providers/cloud.csv:3: no source",
        "providers/cloud.csv:3: no date (as_of)",
        "providers/cloud.csv:3: unknown command 'fly'",
    ]
    assert (DataLoad.objects.count(), Fact.objects.count()) == before
    assert support_of("lock") is Support.FULL


def test_load_compatibility_with_check_only_reads(
    write_data: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before = DataLoad.objects.count()

    call_command("load_compatibility", "--check", folder=write_data(LOCK, UNLOCK))

    assert capsys.readouterr().out == "2 facts, all well-formed.\n"
    assert DataLoad.objects.count() == before


def test_first_load_of_an_installation_is_marked_as_its_beginning() -> None:
    assert list(DataLoad.objects.values_list("is_first", "added", "ended")) == [(True, Fact.objects.count(), 0)]
