"""Rules of the team, asked once more right before sending: what changed since the press counts, and nothing is sent."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from commands.models import Command
from commands.rules.services import add_rule, remove_rule, switch_rule
from commands.rules.values import Area, ChargeFloor, Guest, Moving
from commands.words import reason_of
from fleet.adapters.commands import Lock, StartClimate, Unlock
from fleet.events.models import Event
from fleet.vehicles.models import Vehicle
from tests.commands.rig import car_of, carry, known, press
from tests.factories import join_simulated_car, make_team

KINDS = {Moving: "moving", Area: "area", ChargeFloor: "charge_floor", Guest: "guest"}
HERE = {"latitude": 52.52, "longitude": 13.405}
YARD = Area(**HERE, radius_km=2, is_inside=True, name="the yard")


def add(membership, values, *commands, blocks_unknown=None):
    blocks = values.blocks_unknown if blocks_unknown is None else blocks_unknown
    kind = KINDS[type(values)]
    return add_rule(membership=membership, kind=kind, commands=commands, values=values, blocks_unknown=blocks)


def test_command_when_the_car_drives_off_after_the_press_then_it_is_refused_and_nothing_is_sent(membership, link, car):
    add(membership, Moving(), "unlock")
    command = press(link, Unlock())
    car.set(in_motion=True)

    carry()

    assert (known(command), car.requests(), car.locked) == (("refused", "", "rule", "moving"), [], True)
    assert reason_of(command.error_code, command.error_reason) == (
        "Stopped by your team’s rule before anything was sent: the car was moving."
    )


def test_command_when_the_car_stands_then_it_is_sent(membership, link, car):
    add(membership, Moving(), "unlock")
    command = press(link, Unlock())

    carry(command, until={"confirmed"})

    assert (known(command)[0], car.requests()) == ("confirmed", ["unlock"])


def test_command_when_the_car_sleeps_then_it_stands_and_the_rule_lets_it_through(membership, simulator):
    link = join_simulated_car(membership, simulator, state={"locked": True}, online="asleep")
    add(membership, Moving(), "unlock")
    command = press(link, Unlock())

    carry(command, until={"confirmed"})

    assert (known(command)[0], car_of(link, simulator).requests()) == ("confirmed", ["unlock"])


def test_command_when_the_car_leaves_the_circle_after_the_press_then_it_is_refused_and_its_place_is_kept_nowhere(
    membership, simulator, caplog
):
    caplog.set_level(logging.DEBUG)
    link = join_simulated_car(membership, simulator, state={"locked": True, "location": HERE})
    car = car_of(link, simulator)
    add(membership, YARD, "unlock")
    command = press(link, Unlock())
    car.set(location={"latitude": 52.65432, "longitude": 13.498765})

    carry()

    assert (known(command), car.requests()) == (("refused", "", "rule", "area"), [])
    kept = caplog.text + str(list(Event.objects.values())) + str(list(Command.objects.values()))
    assert [number for number in ("52.65", "13.49", "52.52", "13.405") if number in kept] == []


@pytest.mark.parametrize(("blocks", "state"), [(True, "refused"), (False, "confirmed")])
def test_command_when_nobody_may_know_the_fact_then_the_rule_says_what_happens(membership, simulator, blocks, state):
    scopes = ["read_vin", "read_lock_state", "control_security"]
    link = join_simulated_car(membership, simulator, scopes=scopes, state={"locked": True})
    command = press(link, Unlock())
    # Made after the press: at the press it would have been blocked already.
    add(membership, Area(**HERE, radius_km=1000, is_inside=True, name="here"), "unlock", blocks_unknown=blocks)

    carry(command, until={state})

    expected = ("refused", "rule", "area_unknown") if blocks else ("confirmed", "", "")
    found = known(command)
    assert (found[0], found[2], found[3]) == expected
    assert car_of(link, simulator).requests() == ([] if blocks else ["unlock"])


def test_command_when_a_guest_takes_the_car_after_the_press_then_it_is_refused(membership, link, car):
    add(membership, Guest(), "lock")
    command = press(link, Lock())
    Vehicle.objects.filter(pk=link.vehicle_id).update(guest_until=timezone.now() + timedelta(hours=1))

    carry()

    assert (known(command), car.requests()) == (("refused", "", "rule", "guest"), [])


def test_command_when_the_rule_is_made_after_the_press_then_it_holds_at_once(membership, simulator):
    link = join_simulated_car(membership, simulator, state={"soc_percent": 42})
    command = press(link, StartClimate())
    add(membership, ChargeFloor(50), "start_climate")

    carry()

    assert (known(command), car_of(link, simulator).requests()) == (("refused", "", "rule", "charge_floor"), [])


@pytest.mark.parametrize("way_out", ["switched off", "removed"])
def test_command_when_the_rule_is_gone_before_its_turn_then_it_is_sent(membership, link, car, way_out):
    rule = add(membership, Moving(), "unlock")
    command = press(link, Unlock())
    if way_out == "removed":
        remove_rule(rule=rule, membership=membership)
    else:
        switch_rule(rule=rule, membership=membership, is_on=False)
    car.set(in_motion=True)

    carry(command, until={"confirmed", "refused"})

    # The car itself may still say no; the rule does not.
    assert known(command)[2] != "rule"
    assert car.requests() == ["unlock"]


def test_command_when_another_team_has_such_a_rule_then_it_is_sent(membership, link, car):
    add(make_team("Another Fleet"), Moving())
    command = press(link, Unlock())

    carry(command, until={"confirmed"})

    assert (known(command)[0], car.requests()) == ("confirmed", ["unlock"])
