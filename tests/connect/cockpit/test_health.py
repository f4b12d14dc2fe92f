"""How a connection is judged: a table of facts, the worst first, and ends that are known or not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connect.cockpit.health import Expectation, Facts, Health, State, foresee, judge
from connect.cockpit.words import ENDS, SENTENCES, SIGNS, TITLES, TONES, sentence, why_ends

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WELL = Facts(
    created_at=NOW - 30 * DAY,
    began_at=NOW - 30 * DAY,
    heard_at=NOW - HOUR,
    refreshed_at=NOW - HOUR,
    access_expires_at=NOW + HOUR,
)
REFUSED = {"refused_at": NOW - 2 * HOUR, "refused_last_at": NOW - HOUR}


@pytest.mark.parametrize(
    ("facts", "health"),
    [
        ({}, Health(State.WORKS, since=NOW - HOUR)),
        ({"heard_at": None, "created_at": NOW - HOUR}, Health(State.NEW, since=NOW - HOUR)),
        ({"heard_at": None}, Health(State.SILENT, "never", since=NOW - 30 * DAY)),
        ({"heard_at": NOW - 25 * HOUR}, Health(State.SILENT, "silent", since=NOW - 25 * HOUR)),
        ({"unlisted_at": NOW - HOUR}, Health(State.SILENT, "unlisted", since=NOW - HOUR)),
        # Where calls are counted a car is asked twice a day: a day and an hour are no silence.
        ({"heard_at": NOW - 25 * HOUR, "read_interval": 12 * HOUR}, Health(State.WORKS, since=NOW - 25 * HOUR)),
        ({"account_status": "needs_owner", **REFUSED}, Health(State.NEEDS_OWNER, since=NOW - HOUR)),
        ({"is_enabled": False}, Health(State.MAKER_DOWN, "off")),
        ({"refusing_since": NOW - HOUR, **REFUSED}, Health(State.MAKER_DOWN, "refusing", since=NOW - HOUR)),
        (
            {"breaker_opened_at": NOW - HOUR, "breaker_until": NOW - timedelta(seconds=1)},
            Health(State.MAKER_DOWN, "breaker", since=NOW - HOUR),
        ),
        ({"held_until": NOW + HOUR}, Health(State.MAKER_DOWN, "held", until=NOW + HOUR)),
        ({"held_until": NOW + timedelta(seconds=5)}, Health(State.WORKS, since=NOW - HOUR)),
        (
            {"refresh_failures": 3, "access_expires_at": NOW - HOUR},
            Health(State.MAKER_DOWN, "sign_in", since=NOW - HOUR),
        ),
        ({"refresh_failures": 3}, Health(State.WORKS, since=NOW - HOUR)),
        ({"needs_pairing": True}, Health(State.NEEDS_PAIRING)),
        ({"missing": frozenset({"control_charge"})}, Health(State.LIMITED, missing=frozenset({"control_charge"}))),
        ({"ended_at": NOW - DAY}, Health(State.ENDED, "taken_back", since=NOW - DAY)),
        (
            {"ended_at": NOW - DAY, "consent_ends_at": NOW - DAY},
            Health(State.ENDED, "consent", since=NOW - DAY),
        ),
        (
            {"ended_at": NOW - DAY, "consent_ends_at": NOW + DAY},
            Health(State.ENDED, "taken_back", since=NOW - DAY),
        ),
    ],
)
def test_connection_when_judged_then_the_worst_of_what_is_known_counts(facts: dict, health: Health) -> None:
    assert judge(replace(WELL, **facts), now=NOW) == health


@pytest.mark.parametrize(
    ("facts", "end"),
    [
        ({}, None),
        ({"consent_ends_at": NOW + 3 * DAY}, Expectation(NOW + 3 * DAY, "consent")),
        ({"grant_life_days": 40.0}, Expectation(NOW + 10 * DAY, "grant")),
        ({"grant_life_days": 40.0, "consent_ends_at": NOW + 3 * DAY}, Expectation(NOW + 3 * DAY, "consent")),
        ({"grant_life_days": 40.0, "began_at": None}, None),
        # A grant that is renewed in time does not die of being idle.
        ({"idle_life_days": 7.0}, None),
        ({"idle_life_days": 7.0, "refreshed_at": NOW - 4 * DAY}, Expectation(NOW + 3 * DAY, "idle")),
        (REFUSED, Expectation(NOW + HOUR, "refused")),
        ({**REFUSED, "access_expires_at": NOW - HOUR}, Expectation(NOW, "refused")),
        # Then the mistake is the maker's.
        ({**REFUSED, "refusing_since": NOW - HOUR}, None),
    ],
)
def test_end_when_foreseen_then_it_is_the_earliest_that_is_known(facts: dict, end: Expectation | None) -> None:
    assert foresee(replace(WELL, **facts), now=NOW) == end


def test_connection_when_its_end_is_known_then_it_ends_soon_within_two_weeks_only() -> None:
    soon = judge(replace(WELL, consent_ends_at=NOW + 14 * DAY), now=NOW)
    later = judge(replace(WELL, consent_ends_at=NOW + 15 * DAY), now=NOW)

    end = Expectation(NOW + 14 * DAY, "consent")
    assert soon == Health(State.ENDS_SOON, "consent", until=end.at, end=end)
    assert later == Health(State.WORKS, since=NOW - HOUR, end=Expectation(NOW + 15 * DAY, "consent"))


def test_healths_when_sorted_then_the_worst_comes_first_and_of_several_the_one_that_ends_first() -> None:
    judged = [
        judge(replace(WELL, **facts), now=NOW)
        for facts in (
            {},
            {"consent_ends_at": NOW + 9 * DAY},
            {"ended_at": NOW},
            {"consent_ends_at": NOW + 2 * DAY},
            {"account_status": "needs_owner"},
        )
    ]

    order = [(health.state, health.until) for health in sorted(judged, key=lambda health: health.rank)]

    assert order == [
        (State.NEEDS_OWNER, None),
        (State.ENDS_SOON, NOW + 2 * DAY),
        (State.ENDS_SOON, NOW + 9 * DAY),
        (State.WORKS, None),
        (State.ENDED, None),
    ]


def test_words_when_a_health_is_told_then_there_are_some_for_each_state_and_each_why() -> None:
    assert set(TITLES) == set(TONES) == set(SIGNS) == set(State) == {state for state, _why in SENTENCES}
    for state, why in SENTENCES:
        said = sentence(Health(state, why, since=NOW, until=NOW))
        assert "%(" not in said
        assert said.endswith(".")
    assert {why_ends(Health(State.WORKS, end=Expectation(NOW, why))) for why in ENDS} == {str(w) for w in ENDS.values()}
