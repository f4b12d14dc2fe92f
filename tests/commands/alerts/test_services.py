"""Alerts: made with the event that asks for them, once a command; closed with a word; late answers weighed."""

import pytest

from commands.alerts.models import Alert
from commands.alerts.services import (
    NoteMissing,
    close_alert,
    close_alerts_about,
    is_disagreement,
    note_late_answer,
    raise_alert,
)
from commands.models import State
from fleet.adapters.commands import Lock, Unlock
from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.vehicles.models import VehicleLink
from tests.commands.alerts.rows import bring, make_alert
from tests.commands.rig import press
from tests.factories import join_simulated_car, make_team


@pytest.fixture
def membership(db: None) -> Membership:
    return make_team()


@pytest.fixture
def link(membership, simulator) -> VehicleLink:
    return join_simulated_car(membership, simulator, learn=False)


def alerts() -> list[tuple[str, str]]:
    return [(alert.kind, str(alert.command_id or alert.key)) for alert in Alert.objects.order_by("created_at")]


def told(command) -> list[tuple[str, str]]:
    """What the log says of a command beyond its states: the kind, and what was said."""
    events = Event.objects.filter(
        subject=f"command:{command.id}", kind__in=["command.contradicted", "command.reported"]
    )
    return [(event.kind, event.data["said"]) for event in events]


@pytest.mark.parametrize(
    ("state", "values", "kind"),
    [
        ("unresolved", {"error_code": "not_proved"}, "not_proved"),
        ("unresolved", {"error_code": "contradicted"}, "contradicted"),
        ("refused", {"error_code": "parked"}, "parked"),
    ],
)
def test_command_when_it_ends_so_that_somebody_must_look_then_there_is_one_alert(link, state, values, kind):
    command = bring(press(link, Unlock()), state, **values)

    assert alerts() == [(kind, str(command.id))]
    alert = Alert.objects.get()
    assert (alert.team_id, alert.vehicle_id, alert.closed_at) == (link.team_id, link.vehicle_id, None)


@pytest.mark.parametrize(
    ("state", "values"),
    [
        ("confirmed", {"evidence": "readback"}),
        ("failed", {"error_code": "vehicle_refused"}),
        ("refused", {"error_code": "vehicle_refused"}),
        ("expired", {"error_code": "deadline"}),
        ("cancelled", {}),
        ("unresolved", {"error_code": "overtaken"}),
    ],
)
def test_command_when_it_ends_in_a_way_that_explains_itself_then_nobody_is_asked_to_look(link, state, values):
    bring(press(link, Unlock()), state, **values)

    assert alerts() == []


@pytest.mark.parametrize("said", ["failed", "refused"])
def test_late_answer_when_it_denies_a_confirmation_then_it_is_an_event_and_one_alert(link, said):
    command = bring(press(link, Unlock()), "confirmed", evidence="provider")

    first = note_late_answer(command.id, said, "vehicle_refused")
    again = note_late_answer(command.id, said, "vehicle_refused")

    assert (first, again) == (True, False)
    assert told(command) == [("command.contradicted", said)]
    assert alerts() == [("contradicted", str(command.id))]
    command.refresh_from_db()
    assert (command.state, command.evidence) == ("confirmed", "provider")


@pytest.mark.parametrize("state", ["expired", "cancelled", "refused", "superseded"])
def test_late_answer_when_it_reports_a_car_that_we_said_would_not_act_then_it_alarms(link, state):
    command = bring(press(link, Unlock()), state)

    assert note_late_answer(command.id, "confirmed") is True
    assert alerts() == [("contradicted", str(command.id))]


def test_late_answer_when_it_adds_to_an_unresolved_command_then_the_log_has_it_and_the_alert_stays_one(link):
    command = bring(press(link, Unlock()), "unresolved", error_code="not_proved")

    assert note_late_answer(command.id, "confirmed") is False
    assert told(command) == [("command.reported", "confirmed")]
    assert alerts() == [("not_proved", str(command.id))]


def test_late_answer_when_the_command_still_runs_or_is_unknown_then_nothing_happens(link):
    command = bring(press(link, Lock()), "sent")

    assert [note_late_answer(command.id, "failed"), note_late_answer(link.id, "failed")] == [False, False]
    assert (told(command), alerts()) == ([], [])


def test_words_when_all_are_compared_then_only_opposites_disagree():
    pairs = {(state, said) for state in State.values for said in State.values if is_disagreement(state, said)}

    never = ("refused", "failed", "expired", "cancelled", "superseded")
    assert pairs == {
        ("confirmed", "failed"),
        ("confirmed", "refused"),
        *((state, said) for state in never for said in ("confirmed", "sent")),
    }


def test_contradiction_when_an_alert_of_the_command_was_closed_then_it_opens_again(link, membership):
    command = bring(press(link, Unlock()), "refused", error_code="parked")
    close_alert(alert=Alert.objects.get(), user=membership.user, note="Seen")

    note_late_answer(command.id, "confirmed")

    alert = Alert.objects.get()
    assert (alert.kind, alert.closed_at, alert.closed_by) == ("contradicted", None, None)


def test_alert_when_raised_twice_for_the_same_thing_then_one_is_open(membership):
    given = {"team_id": membership.team_id, "kind": "provider_down", "key": "provider:1"}

    first, second = raise_alert(**given), raise_alert(**given)
    closed = close_alerts_about(**given)
    third = raise_alert(**given)

    assert (first, second, closed, third) == (True, False, 1, True)
    assert alerts() == [("provider_down", "provider:1")] * 2


def test_alert_when_closed_then_it_keeps_who_and_why_and_nobody_closes_it_again(link, membership):
    alert = make_alert(link)

    first = close_alert(alert=alert, user=membership.user, note="  The door was open. ")
    second = close_alert(alert=alert, user=membership.user, note="Again")

    alert.refresh_from_db()
    assert (first, second) == (True, False)
    assert (alert.closed_by, alert.note) == (membership.user, "The door was open.")
    assert Event.objects.filter(subject=f"alert:{alert.id}", kind="alert.closed").count() == 1


@pytest.mark.parametrize("note", ["", "   "])
def test_alert_when_closed_without_a_word_then_it_stays_open(link, membership, note):
    alert = make_alert(link)

    with pytest.raises(NoteMissing):
        close_alert(alert=alert, user=membership.user, note=note)

    alert.refresh_from_db()
    assert alert.closed_at is None
