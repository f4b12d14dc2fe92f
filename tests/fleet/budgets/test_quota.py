"""From the press to the maker: with budgets as the maker's quotas are, the maker never has to say no."""

import pytest

from commands.models import Command
from fleet.adapters.commands import Lock
from fleet.budgets.services import budget_lines, save_budget
from tests.commands.rig import carry, press
from tests.factories import join_simulated_car, make_simulator_app, make_team
from tests.infrastructure.simulator import CLIENT_SECRET

CLIENT = "fleetwell-quota"
CARS, LIMIT, WINDOW_S, DAY = 9, 10, 15, 24


@pytest.fixture
def app(committed_db, simulator):
    simulator.register_client(client_id=CLIENT, client_secret=CLIENT_SECRET)
    yield make_simulator_app(CLIENT)
    simulator.quota(client=CLIENT)


def test_quota_when_more_is_pressed_than_it_carries_then_the_maker_sees_no_violation(app, simulator):
    membership = make_team()
    links = [join_simulated_car(membership, simulator, app=app, state={"locked": False}) for _ in range(CARS)]
    simulator.quota(client=CLIENT, limit=DAY, window_s=86_400, per_minute=LIMIT, minute_s=WINDOW_S)
    for limit, window_s in ((LIMIT, WINDOW_S), (DAY, 86_400)):
        save_budget(app_id=app.id, resource="calls", limit=limit, window_s=window_s, actor="system:test")

    commands = [press(link, Lock()) for link in links]
    carry()

    use = simulator.quota_use(client=CLIENT)
    states = [Command.objects.get(pk=command.pk).state for command in commands]
    assert use["violations"] == 0
    # Every call that the maker counted was counted here, and nothing that was counted here stayed away.
    assert {line.budget.window_s: line.used for line in budget_lines([app.id])}[86_400] == use["allowed"]
    assert set(states) <= {"confirmed", "sent"}
    assert [simulator.count(car=link.provider_vehicle_id, command="lock") for link in links] == [1] * CARS
