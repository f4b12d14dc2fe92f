"""Many commands at once: the rules of one press for every car by itself, in one transaction, by the same words."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commands.availability import check_availability
from commands.bulk import MAX_REQUESTS, Answer, Request, check_many, request_commands
from commands.models import Command, State
from commands.rules.models import TeamRule
from fleet.adapters.commands import FlashLights, Lock, OpenFrunk, SetChargeLimit, SetPin, StartEngine, Unlock
from fleet.adapters.rules import InvalidParameter
from fleet.events.models import Event
from fleet.teams.roles import Role
from fleet.vehicles.access import find_link
from fleet.vehicles.consent import withdraw_consent
from fleet.vehicles.models import Vehicle
from fleet.vehicles.services import end_link
from tests.commands.rig import carry, known, press
from tests.factories import join_simulated_car, make_member, make_team


@pytest.fixture
def links(membership, simulator):
    return [join_simulated_car(membership, simulator, state={"locked": False}) for _ in range(3)]


def ask(membership, links, order, **options):
    requests = [Request(link.vehicle_id, order, f"key:{link.vehicle_id}") for link in links]
    return request_commands(membership=membership, requests=requests, origin="job", cause="job:1", **options)


def test_bulk_when_accepted_then_each_car_has_its_command_its_event_and_its_place_in_the_queue(membership, links):
    answers = ask(membership, links, Lock())

    commands = Command.objects.in_bulk([answer.command_id for answer in answers])
    found = [
        (command.vehicle_id, command.state, command.origin, command.cause, command.rank, command.sequence)
        for command in (commands[answer.command_id] for answer in answers)
    ]
    assert [(answer.vehicle_id, answer.code) for answer in answers] == [(link.vehicle_id, "") for link in links]
    assert found == [(link.vehicle_id, State.QUEUED, "job", "job:1", 1, 1) for link in links]
    assert Event.objects.filter(kind="command.queued", actor=membership.user.actor).count() == 3


def test_bulk_when_carried_then_every_car_did_it(membership, links):
    answers = ask(membership, links, Lock())

    carry()

    commands = Command.objects.in_bulk([answer.command_id for answer in answers])
    assert [known(command)[0] for command in commands.values()] == ["confirmed"] * 3


def test_bulk_when_asked_again_with_the_same_keys_then_it_is_the_same_commands(membership, links):
    assert ask(membership, links, Lock()) == ask(membership, links, Lock())
    assert Command.objects.count() == 3


def test_bulk_when_a_key_comes_with_another_order_then_that_one_is_refused(membership, links):
    ask(membership, links[:1], Lock())

    answers = ask(membership, links[:2], Unlock())

    assert [answer.code for answer in answers] == ["idempotency_key_reused", ""]


def test_bulk_when_the_same_is_on_its_way_already_then_that_command_is_the_answer(membership, links):
    pressed = press(links[0], Lock())

    [answer] = ask(membership, links[:1], Lock())

    assert answer == Answer(links[0].vehicle_id, pressed.id, "")


def test_bulk_when_the_opposite_waits_then_it_is_superseded_and_other_families_stay(membership, links):
    older, other = press(links[0], Unlock()), press(links[0], SetChargeLimit(70))

    [answer] = ask(membership, links[:1], Lock())

    assert [known(command)[0] for command in (older, other)] == ["superseded", "queued"]
    assert Command.objects.get(pk=answer.command_id).sequence == 3


def test_bulk_when_one_car_cannot_then_it_keeps_no_other_back(membership, links):
    withdraw_consent(link=links[1], scope="control_security", actor="owner:1")

    assert [answer.code for answer in ask(membership, links, Lock())] == ["", "no_consent", ""]


def test_bulk_when_a_car_comes_twice_then_the_second_is_busy(membership, links):
    requests = [Request(links[0].vehicle_id, order) for order in (Lock(), FlashLights())]

    answers = request_commands(membership=membership, requests=requests, origin="job", cause="job:1")

    assert [answer.code for answer in answers] == ["", "busy"]


def test_bulk_when_the_deadline_is_over_already_then_nothing_is_written(membership, links):
    with pytest.raises(InvalidParameter, match="not_after"):
        ask(membership, links, Lock(), not_after=timezone.now() - timedelta(seconds=1))

    assert Command.objects.count() == 0


def test_bulk_when_it_is_too_much_or_secret_then_it_is_refused(membership, links):
    with pytest.raises(ValueError, match="at most"):
        ask(membership, links * MAX_REQUESTS, Lock())
    with pytest.raises(ValueError, match="secret"):
        ask(membership, links, SetPin(pin="4711"))


def test_bulk_when_the_cars_are_another_teams_then_they_do_not_exist(links):
    stranger = make_team()

    answers = ask(stranger, links, Lock())

    assert [answer.code for answer in answers] == ["connection_ended"] * 3
    assert check_many(membership=stranger, vehicle_ids=[link.vehicle_id for link in links], order=Lock()) == {}


def _as_before(links, membership):
    return membership


def _consent_withdrawn(links, membership):
    withdraw_consent(link=links[0], scope="control_security", actor="owner:1")
    return membership


def _link_ended(links, membership):
    end_link(link=links[0], actor="owner:1")
    return membership


def _account_refused(links, membership):
    account = links[0].connection.account
    account.status = "needs_owner"
    account.save(update_fields=["status"])
    return membership


def _as_viewer(links, membership):
    return make_member(membership.team, Role.VIEWER)


def _with_a_guest(links, membership):
    TeamRule.objects.create(team=membership.team, kind="guest", values={}, when_unknown="block")
    Vehicle.objects.filter(pk=links[0].vehicle_id).update(guest_until=timezone.now() + timedelta(hours=1))
    return membership


@pytest.mark.parametrize(
    "change", [_as_before, _consent_withdrawn, _link_ended, _account_refused, _as_viewer, _with_a_guest]
)
def test_check_many_when_compared_with_a_single_press_then_the_words_are_the_same(membership, links, change):
    by = change(links, membership)
    orders = [Lock(), Unlock(), FlashLights(), OpenFrunk(), StartEngine(), SetChargeLimit(80)]
    vehicle = Vehicle.objects.get(pk=links[0].vehicle_id)

    one_by_one = check_availability(find_link(vehicle), by)
    at_once = {order.kind: check_many(membership=by, vehicle_ids=[vehicle.id], order=order) for order in orders}

    assert {kind: codes[vehicle.id] for kind, codes in at_once.items()} == {
        order.kind: one_by_one[order.kind].code for order in orders
    }


def test_check_many_when_there_are_thirty_cars_then_it_asks_no_more_than_for_three(membership, simulator, links):
    def queries(count):
        ids = list(Vehicle.objects.order_by("-created_at").values_list("id", flat=True)[:count])
        with CaptureQueriesContext(
            connection,
        ) as asked:
            found = check_many(membership=membership, vehicle_ids=ids, order=Lock())
        return len(found), len(asked)

    TeamRule.objects.create(
        team=membership.team, kind="charge_floor", values={"floor_percent": 1}, when_unknown="allow"
    )
    # One of which nobody asked the maker: what is declared of cars like it is looked up.
    join_simulated_car(membership, simulator, learn=False)
    few = queries(3)
    for _ in range(9):
        join_simulated_car(membership, simulator, learn=False)

    assert (few[0], queries(12)) == (3, (12, few[1]))
