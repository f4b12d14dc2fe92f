"""What comes before a send: for whom a car is woken at all, and a look that takes longer than its quota's window."""

import pytest

from commands.words import WAKES, reason_of
from fleet.adapters.commands import Unlock
from fleet.budgets.wakes import WAKE_CODES
from fleet.vehicles.services import read_vehicle
from tests.commands.rig import car_of, carry, forget_state, known, may_be_tried_again, press
from tests.factories import join_simulated_car
from tests.fleet.budgets.rows import make_budget
from tests.infrastructure.simulator import ALL_SCOPES

AUTOMATED = {"origin": "schedule", "cause": "schedule:test"}


@pytest.fixture
def asleep(link, car):
    """The car sleeps; it was read before, with the 12 V battery as given."""

    def fall_asleep(volts: float) -> None:
        car.set(battery_12v_v=volts)
        read_vehicle(link)
        forget_state(link)
        car.set(online="asleep")
        car.behave(wake_s=0.1)

    return fall_asleep


@pytest.mark.parametrize(
    ("volts", "origin", "end", "wakes"),
    [
        (12.6, AUTOMATED, ("confirmed", "readback", "", ""), 1),
        (11.5, AUTOMATED, ("refused", "", "vehicle_asleep", "low_12v"), 0),
        (11.5, {}, ("confirmed", "readback", "", ""), 1),
    ],
    ids=["good", "weak", "weak, but a person asks"],
)
def test_wake_when_the_12_v_battery_is_weak_then_only_a_person_wakes_the_car(
    link, car, asleep, volts, origin, end, wakes
):
    asleep(volts)

    command = press(link, Unlock(), **origin)
    carry()

    assert known(command) == end
    assert car.wakes() == wakes


def test_wake_when_nobody_may_know_the_12_v_battery_then_only_a_person_wakes_the_car(membership, simulator):
    scopes = [scope for scope in ALL_SCOPES if scope not in {"read_battery", "read_fuel"}]
    link = join_simulated_car(membership, simulator, scopes=scopes, state={"locked": True})
    forget_state(link)
    car = car_of(link, simulator)
    car.set(online="asleep")

    command = press(link, Unlock(), **AUTOMATED)
    carry()

    assert known(command) == ("refused", "", "vehicle_asleep", "unknown_12v")
    assert car.wakes() == 0


def test_send_when_its_call_ran_out_while_the_car_was_looked_at_then_it_is_counted_again(
    link, car, simulator, as_owner
):
    app = link.connection.account.app
    make_budget(app, 1000, window_s=1)
    whole = make_budget(app, 1000, window_s=3600)
    simulator.quota(client=app.client_id, limit=1000)
    car.behave(latency_s=1.2, scope="all")

    command = press(link, Unlock())
    carry()
    (counted,) = as_owner.execute(
        "SELECT budget_sum(slots) FROM budgets_budgetuse WHERE budget_id = %s", [whole.id]
    ).fetchone()
    allowed = simulator.quota_use(client=app.client_id)["allowed"]
    simulator.quota(client=app.client_id)

    assert known(command)[0] == "confirmed"
    # The look took longer than the second for which the send was paid, so the send was taken twice.
    assert counted == allowed + 1


def test_wake_when_the_quota_ends_while_it_is_waited_for_then_it_goes_on_later_without_another(link, car, as_owner):
    make_budget(link.connection.account.app, 3, window_s=20)
    car.set(online="asleep")
    car.behave(wake_s=1.0)

    command = press(link, Unlock())
    carry()
    between = known(command), car.wakes(), car.requests()
    as_owner.execute("UPDATE budgets_budgetuse SET slot = slot - 100")
    car.set(online="online")
    forget_state(link)
    may_be_tried_again(command)
    carry()

    assert between == (("queued", "", "quota_exhausted", ""), 1, [])
    assert known(command)[0] == "confirmed"
    assert (car.wakes(), car.requests()) == (1, ["unlock"])


@pytest.mark.parametrize("code", WAKE_CODES)
def test_reason_when_a_car_was_not_woken_then_people_read_why(code):
    assert reason_of("vehicle_asleep", code) == WAKES[code]
