"""What a provider declares is what our adapter implements, and its card and the sources say where all of it is from."""

import csv

import pytest
from django.test import Client

from compatibility.facts_of_providers import DATA, broker_name, vocabulary
from compatibility.models import Fact, SharedMeasurement
from compatibility.provider_pages import make_provider_page, make_sources_page
from compatibility.words import CONTROLS, READS, Support
from fleet.adapters.registry import ADAPTERS, get_adapter

WORKS = {Support.FULL.value, Support.PARTIAL.value}


@pytest.mark.parametrize("key", sorted(ADAPTERS))
def test_data_file_of_an_adapter_when_read_then_it_declares_what_is_implemented_and_no_more(key: str) -> None:
    with (DATA / "providers" / f"{key}.csv").open(encoding="utf-8", newline="") as stream:
        declared = {
            word for row in csv.DictReader(stream) if row["support"] in WORKS for word in row["commands"].split()
        }
    manifest = get_adapter(key).manifest

    assert declared & set(CONTROLS) == set(manifest.commands)
    assert declared & set(READS) == set(manifest.scopes) & set(READS)
    assert declared <= {*CONTROLS, *READS}


def test_name_of_a_broker_when_asked_then_makers_have_none() -> None:
    assert {key: broker_name(key) for key in ADAPTERS} == {
        "enode": "Enode",
        "simulator": "",
        "smartcar": "Smartcar",
        "tesla": "",
        "volvo": "",
    }


@pytest.mark.django_db
@pytest.mark.parametrize("key", sorted(ADAPTERS))
def test_card_of_an_adapter_when_shown_then_every_command_has_source_and_date(client: Client, key: str) -> None:
    page = make_provider_page(key, team_id=None)

    cards = {row.ability: row.card for row in page.rows if row.card}
    assert cards == get_adapter(key).manifest.commands
    text = client.get(f"/compatibility/providers/{key}/").content.decode()
    tried = sum(card.live_tested for card in cards.values())
    assert (text.count("Tried live"), text.count("Not tried live")) == (tried, len(cards) - tried)


@pytest.mark.django_db
def test_card_of_a_provider_when_shown_then_counts_and_sources_are_those_of_its_facts(client: Client) -> None:
    page = make_provider_page("rivian", team_id=None)

    lock = next(row for row in page.rows if row.ability == "lock")
    assert (page.makes, page.models, page.has_runs) == (1, 2, False)
    assert (lock.full, lock.partial, lock.none, lock.unknown, lock.card) == (2, 0, 2, 0, None)
    assert [(span.source.key, span.source.licence, span.facts) for span in page.sources] == [
        ("rivian", "Apache-2.0, facts only", Fact.objects.filter(provider="rivian").count())
    ]
    text = client.get("/compatibility/providers/rivian/").content.decode()
    assert "no adapter in Fleetwell yet" in text
    assert client.get("/compatibility/providers/nobody/").status_code == 404


@pytest.mark.django_db
def test_card_of_a_provider_when_teams_share_runs_then_they_stand_beside_it(client: Client) -> None:
    common = {"provider": "rivian", "make": "Rivian", "command": "lock", "cars": 5, "teams": 3}
    SharedMeasurement.objects.create(**common, model="R1S", runs=30, confirmed=29)
    SharedMeasurement.objects.create(**common, model="R1T", runs=10, confirmed=5)

    assert "34 of 40 runs proved" in client.get("/compatibility/providers/rivian/").content.decode()


@pytest.mark.django_db
def test_sources_when_shown_then_each_stands_there_with_its_licence(client: Client) -> None:
    page = make_sources_page()

    text = client.get("/compatibility/sources/").content.decode()
    assert {span.source.key for span in page.sources} == set(vocabulary().sources)
    assert sum(span.facts for span in page.sources) == Fact.objects.filter(ended=None).count()
    assert [span.source.title for span in page.sources if span.source.title not in text] == []
    assert len(page.providers) == len(vocabulary().providers)
