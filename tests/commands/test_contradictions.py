"""What comes after the end: readings that say the opposite, makers that report late or twice. The row never changes."""

from datetime import UTC, datetime, timedelta

import pytest

from commands.alerts.models import Alert
from commands.contradictions import find_contradictions
from commands.models import Command
from commands.reports import note_report
from fleet.adapters.commands import HonkHorn, Lock, Unlock
from fleet.adapters.errors import Accepted, Done, MaybeExecuted, NotExecuted
from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.vehicles.models import VehicleLink
from tests.commands.alerts.rows import bring, say
from tests.commands.rig import known, press
from tests.factories import join_simulated_car, make_team

NOW = datetime.now(UTC)
DENIED = NotExecuted("vehicle_refused", "door_open")


@pytest.fixture
def membership(db: None) -> Membership:
    return make_team()


@pytest.fixture
def link(membership, simulator) -> VehicleLink:
    return join_simulated_car(membership, simulator, learn=False)


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def confirmed(link: VehicleLink, order, evidence: str, *, answered_s: float = 100, **values) -> Command:
    """A command that was answered and confirmed so many seconds ago."""
    times = {"answered_at": ago(answered_s), "finished_at": ago(answered_s)}
    return bring(press(link, order), "confirmed", evidence=evidence, **times, **values)


def told(command: Command) -> list[tuple[str, object]]:
    events = Event.objects.filter(subject=f"command:{command.id}", kind="command.contradicted")
    return [(event.data.get("source", ""), event.data.get("value", event.data.get("said"))) for event in events]


def alarms() -> list[tuple[str, Command]]:
    return [(alert.kind, alert.command) for alert in Alert.objects.select_related("command")]


# --- Readings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evidence", ["vehicle_ack", "provider", "already"])
def test_reading_when_it_says_the_opposite_of_what_somebody_only_said_then_it_alarms_once(link, evidence):
    command = confirmed(link, Lock(), evidence)
    say(link, "locked", False, at=ago(5))

    found = [find_contradictions(), find_contradictions()]

    assert found == [1, 0]
    assert told(command) == [("reading", False)]
    assert alarms() == [("contradicted", command)]
    assert known(command) == ("confirmed", evidence, "", "")


def test_reading_when_it_says_what_was_confirmed_then_nothing_happens(link):
    command = confirmed(link, Lock(), "provider")
    say(link, "locked", True, at=ago(5))

    assert (find_contradictions(), told(command), alarms()) == (0, [], [])


@pytest.mark.parametrize("answered_s", [20, 34])
def test_reading_when_the_command_had_not_settled_then_it_means_nothing(link, answered_s):
    command = confirmed(link, Lock(), "provider", answered_s=answered_s)
    say(link, "locked", False, at=ago(answered_s - 29))

    assert (find_contradictions(), told(command)) == (0, [])


def test_reading_when_it_is_older_than_the_command_then_it_means_nothing(link):
    command = confirmed(link, Lock(), "provider", answered_s=100)
    say(link, "locked", False, at=ago(101))

    assert (find_contradictions(), told(command)) == (0, [])


def test_reading_when_a_later_command_of_the_family_was_sent_then_it_speaks_for_that_one(link):
    command = confirmed(link, Lock(), "provider")
    bring(press(link, Unlock()), "sent")
    say(link, "locked", False, at=ago(5))

    assert (find_contradictions(), told(command)) == (0, [])


def test_reading_when_the_car_itself_had_confirmed_then_the_opposite_is_somebodys_hand(link):
    command = confirmed(link, Lock(), "readback", after=True, observed_at=ago(98))
    say(link, "locked", False, at=ago(5))

    assert (find_contradictions(), told(command), alarms()) == (0, [], [])


def test_reading_when_a_cloud_wavers_right_after_the_proof_then_the_log_has_it_and_nobody_is_called(link):
    command = confirmed(link, Lock(), "readback", answered_s=28, after=True, observed_at=ago(26))
    say(link, "locked", False, at=ago(5))

    assert find_contradictions() == 1
    assert (told(command), alarms()) == ([("reading", False)], [])


def test_reading_when_the_confirmation_is_long_past_then_nobody_looks_back(link):
    command = confirmed(link, Lock(), "provider", answered_s=12 * 60)
    say(link, "locked", False, at=ago(5))

    assert (find_contradictions(), told(command)) == (0, [])


# --- Reports ---------------------------------------------------------------------------------------------------------


def report(command: Command, verdict) -> str:
    return note_report(command.app_id, "ref-1", verdict, NOW)


def test_report_when_nothing_else_can_tell_then_done_is_the_proof(link):
    command = bring(press(link, HonkHorn()), "sent", ref="ref-1")

    assert report(command, Done("provider")) == "moved"
    assert known(command) == ("confirmed", "provider", "", "")


def test_report_when_the_car_can_be_read_then_done_makes_somebody_look_at_once(link):
    command = bring(press(link, Unlock()), "sent", ref="ref-1")

    assert report(command, Done("provider")) == "noted"
    assert known(command) == ("sent", "provider", "", "")
    assert command.next_check_at <= datetime.now(UTC)


@pytest.mark.parametrize("unanswered", [False, True])
def test_report_when_the_maker_says_that_it_failed_then_it_failed_with_the_reason(link, unanswered):
    command = bring(press(link, Unlock()), "unknown" if unanswered else "sent", unanswered=unanswered, ref="ref-1")

    assert report(command, DENIED) == "moved"
    assert known(command) == ("failed", "", "vehicle_refused", "door_open")


def test_report_when_it_says_accepted_then_a_command_without_an_answer_has_one(link):
    command = bring(press(link, Unlock()), "unknown", unanswered=True, ref="ref-1")

    assert [report(command, MaybeExecuted()), report(command, Accepted("ref-1"))] == ["nothing", "noted"]
    assert known(command)[0] == "sent"


def test_report_when_it_comes_twice_then_the_first_stands_and_the_second_is_no_news(link):
    command = bring(press(link, HonkHorn()), "sent", ref="ref-1")

    said = [report(command, Done("provider")) for _ in range(2)]

    assert said == ["moved", "nothing"]
    assert (told(command), alarms()) == ([], [])


@pytest.mark.parametrize(
    ("first", "second", "state", "said"),
    [
        (Done("provider"), DENIED, "confirmed", "failed"),
        (DENIED, Done("provider"), "failed", "confirmed"),
    ],
)
def test_report_when_it_denies_the_first_then_the_first_stands_and_one_alarm_is_raised(
    link, first, second, state, said
):
    command = bring(press(link, HonkHorn()), "sent", ref="ref-1")

    came = [report(command, first), report(command, second), report(command, second)]

    assert came == ["moved", "contradicted", "nothing"]
    assert known(command)[0] == state
    assert told(command) == [("report", said)]
    assert alarms() == [("contradicted", command)]


@pytest.mark.parametrize("ref", ["", "ref-2", "x" * 500])
def test_report_when_nobody_has_its_reference_then_it_says_so_and_moves_nothing(link, ref):
    command = bring(press(link, HonkHorn()), "sent", ref="ref-1")

    assert note_report(command.app_id, ref, Done("provider"), NOW) == "unknown"
    assert known(command)[0] == "sent"
