"""One car, one conversation: order within a lane, nobody else held up, and two dispatchers never take the same one."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from fleet.adapters.commands import FlashLights, Lock, SetChargeLimit, Unlock
from fleet.vehicles.models import Lane
from tests.commands.rig import car_of, carry, carrying, known, press, wait_for
from tests.factories import join_simulated_car, make_team


def are_disjoint(intervals):
    return all(later_from >= earlier_to for (_, earlier_to), (later_from, _) in pairwise(intervals))


def test_commands_of_one_car_when_several_wait_then_they_go_one_by_one_in_order(link, car):
    car.behave(latency_s=0.2)
    commands = [press(link, order) for order in (FlashLights(), SetChargeLimit(70), Lock())]

    carry()

    assert [known(command)[0] for command in commands] == ["confirmed"] * 3
    assert car.requests() == ["lights.flash", "charge.set_limit", "lock"]
    assert are_disjoint(car.intervals())


def test_other_cars_when_one_is_busy_then_they_are_served_meanwhile(link, car, membership, simulator):
    others = [join_simulated_car(membership, simulator) for _ in range(3)]
    car.behave(latency_s=3.0)
    busy = press(link, Unlock())

    with carrying():
        wait_for(busy, "sending")
        commands = [press(other, Lock()) for other in others]
        for command in commands:
            wait_for(command, "confirmed")
        meanwhile = known(busy)[0]

    assert meanwhile == "sending"
    assert known(busy)[0] == "confirmed"


def test_car_of_two_teams_when_both_press_then_they_never_talk_to_it_at_once(link, car, simulator):
    other_team = make_team()
    account = simulator.account({"state": {"locked": True}})
    ours = join_simulated_car(link.team.membership_set.get(), simulator, account=account)
    theirs = join_simulated_car(other_team, simulator, account=account)
    shared = car_of(ours, simulator)
    shared.behave(latency_s=0.4)

    commands = [press(ours, FlashLights()), press(theirs, SetChargeLimit(70)), press(ours, Lock())]
    carry()

    assert ours.vehicle.lane_id == theirs.vehicle.lane_id
    assert [known(command)[0] for command in commands] == ["confirmed"] * 3
    assert shared.requests() == ["lights.flash", "charge.set_limit", "lock"]
    assert are_disjoint(shared.intervals())


def test_lock_of_another_team_when_ours_is_newer_then_it_is_not_superseded(link, simulator):
    account = simulator.account({})
    ours = join_simulated_car(link.team.membership_set.get(), simulator, account=account)
    theirs = join_simulated_car(make_team(), simulator, account=account)
    their_lock = press(theirs, Lock())

    press(ours, Unlock())

    assert known(their_lock)[0] == "queued"


def test_commands_when_two_dispatchers_run_then_each_is_sent_once(membership, simulator):
    links = [join_simulated_car(membership, simulator, state={"locked": True}) for _ in range(8)]
    commands = [press(link, order) for link in links for order in (FlashLights(), Unlock())]

    with ThreadPoolExecutor(2) as pool:
        claimed = list(pool.map(lambda _: carry(linger_s=1.0), range(2)))

    assert sum(claimed) == len(commands)
    assert [known(command)[0] for command in commands] == ["confirmed"] * len(commands)
    assert [car_of(link, simulator).requests() for link in links] == [["lights.flash", "unlock"]] * len(links)
    assert not Lane.objects.filter(busy_id__isnull=False).exists()
