"""The verbs of rules: what they write, what they refuse, and the event that each leaves."""

import threading
from datetime import time

import pytest
from django.db import IntegrityError, connection, transaction

from commands.rules.models import TeamPolicy, TeamRule
from commands.rules.services import (
    MOST_RULES,
    TooManyRules,
    add_rule,
    change_rule,
    remove_rule,
    set_check_first,
    switch_rule,
)
from commands.rules.values import Area, ChargeFloor, Guest, Hours, Moving
from fleet.events.models import Event
from fleet.events.services import acting_as
from tests.factories import make_team

AREA = Area(52.52, 13.405, radius_km=2, is_inside=True, name="Depot")


def events(rule):
    rows = Event.objects.filter(subject=f"rule:{rule.id}").order_by("id")
    return [(event.kind, event.actor, event.team_id, event.data) for event in rows]


def test_rule_when_it_is_added_then_it_is_on_and_the_log_says_who_and_what(cast, rule):
    row = rule(Hours((0, 1), time(6), time(20)), "unlock", "lock")

    stored = TeamRule.objects.get()
    assert (stored.team_id, stored.kind, stored.commands, stored.values, stored.when_unknown, stored.is_on) == (
        cast.owner.team_id,
        "hours",
        ["lock", "unlock"],
        {"weekdays": [0, 1], "starts": "06:00", "ends": "20:00"},
        "block",
        True,
    )
    assert events(row) == [
        (
            "rule.added",
            cast.owner.user.actor,
            cast.owner.team_id,
            {
                "kind": "hours",
                "commands": ["lock", "unlock"],
                "values": {"weekdays": [0, 1], "starts": "06:00", "ends": "20:00"},
                "when_unknown": "block",
                "is_on": True,
            },
        )
    ]


def test_rule_when_it_is_about_a_place_then_the_log_does_not_hold_it(rule):
    (event,) = events(rule(AREA, "unlock"))

    assert event[3]["values"] == {"radius_km": 2, "is_inside": True, "name": "Depot"}
    assert "52.52" not in str(event)


def test_rule_when_it_is_changed_switched_and_removed_then_each_leaves_one_event(cast, rule):
    row = rule(ChargeFloor(20), "start_climate")

    change_rule(rule=row, membership=cast.owner, commands=["start_engine"], values=ChargeFloor(30), blocks_unknown=True)
    switched = [switch_rule(rule=row, membership=cast.owner, is_on=is_on) for is_on in (False, False, True)]
    removed = [remove_rule(rule=TeamRule(id=row.id, team_id=row.team_id), membership=cast.owner) for _ in range(2)]

    assert (switched, removed) == ([True, False, True], [True, False])
    assert [kind for kind, *_ in events(row)] == [
        "rule.added",
        "rule.changed",
        "rule.switched_off",
        "rule.switched_on",
        "rule.removed",
    ]
    assert TeamRule.objects.count() == 0


@pytest.mark.parametrize(
    ("kind", "commands", "values"),
    [("moving", ["teleport"], Moving()), ("moving", ["unlock"], Guest()), ("nonsense", [], Guest())],
)
def test_rule_when_its_words_do_not_exist_then_nothing_is_written(cast, kind, commands, values):
    with pytest.raises(ValueError, match=r"unknown commands|values of another kind"):
        add_rule(membership=cast.owner, kind=kind, commands=commands, values=values, blocks_unknown=True)

    assert (TeamRule.objects.count(), Event.objects.filter(kind__startswith="rule.").count()) == (0, 0)


def test_rule_when_there_are_too_many_then_one_more_is_refused(cast, rule):
    for _ in range(MOST_RULES):
        rule(Guest(), "unlock")

    with pytest.raises(TooManyRules):
        rule(Guest(), "unlock")

    assert TeamRule.objects.count() == MOST_RULES


def test_rule_when_two_people_add_the_last_one_at_once_then_only_one_of_them_does(committed_db):
    membership = make_team()
    for _ in range(MOST_RULES - 1):
        _add(membership)
    barrier, outcomes = threading.Barrier(2), []

    def add():
        try:
            barrier.wait()
            outcomes.append(_add(membership))
        except TooManyRules:
            outcomes.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (TeamRule.objects.count(), outcomes.count(None)) == (MOST_RULES, 1)


def _add(membership):
    return add_rule(membership=membership, kind="guest", commands=["unlock"], values=Guest(), blocks_unknown=True)


@pytest.mark.parametrize("column", [{"kind": "nonsense"}, {"when_unknown": "perhaps"}])
def test_rule_when_a_word_is_not_known_then_the_database_refuses_it(rule, column):
    row = rule(Guest())

    with pytest.raises(IntegrityError), transaction.atomic():
        TeamRule.objects.filter(pk=row.pk).update(**column)


def test_check_first_when_it_is_set_then_the_row_and_the_log_say_so(cast):
    for seconds in (60, 0, 0, 300):
        set_check_first(membership=cast.owner, check_first_s=seconds)

    assert list(TeamPolicy.objects.values_list("team_id", "check_first_s")) == [(cast.owner.team_id, 300)]
    said = Event.objects.filter(kind="policy.changed").order_by("id")
    assert [event.data["check_first_s"] for event in said] == [0, 300]


@pytest.mark.parametrize("seconds", [-1, 301])
def test_check_first_when_it_is_out_of_bounds_then_code_and_database_refuse_it(cast, seconds):
    with pytest.raises(ValueError, match=str(seconds)):
        set_check_first(membership=cast.owner, check_first_s=seconds)
    with pytest.raises(IntegrityError), transaction.atomic(), acting_as("system:test"):
        TeamPolicy.objects.create(team_id=cast.owner.team_id, check_first_s=seconds)
