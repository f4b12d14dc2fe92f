"""The bare loop sends every request once, to the same place and in the same words as the dispatcher."""

import asyncio

from django.conf import settings

from benchmarks.engine.bare_loop import send_all
from fleet.adapters.commands import FlashLights
from fleet.adapters.providers.simulator.payloads import command_body
from tests.infrastructure.simulator import Simulator


def test_bare_loop_when_it_sends_more_than_it_holds_in_flight_then_each_request_arrives_once(
    simulator: Simulator,
) -> None:
    account = simulator.account({}, {}, {})
    token = simulator.token(account)["access_token"]
    for car in account.cars:
        simulator.behaviour(car=car["id"], answer="ack")
    body = command_body(FlashLights())
    requests = [(f"/vehicles/{car['id']}/commands", token, body) for car in account.cars]

    result = asyncio.run(send_all(f"{settings.SIMULATOR_URL}/api/v1", requests, in_flight=2))

    assert result["statuses"] == {"200 done": 3}
    assert [simulator.count(car=car["id"]) for car in account.cars] == [1, 1, 1]
