"""Counters of signed commands: used once by whichever worker, and kept when all workers have stopped."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from fleet.adapters.commands import FlashLights
from fleet.adapters.errors import Done, Verdict
from fleet.adapters.http import Http
from fleet.vehicles.logins import get_login
from fleet.vehicles.models import CarSession, VehicleLink
from fleet.vehicles.providers import make_adapter
from tests.factories import make_team
from tests.fleet.adapters.dialects.benches import Joined, TeslaBench
from tests.fleet.adapters.rig import Permit
from tests.infrastructure.simulator import Simulator

pytestmark = pytest.mark.usefixtures("committed_db")
WORKERS, ORDERS = 4, 5
INFOTAINMENT = "3"


@pytest.fixture
def joined(simulator: Simulator) -> Joined:
    bench = TeslaBench(simulator)
    bench.ask_lab("PUT", "settings", {"limits": None})
    yield bench.join_one(make_team())
    bench.ask_lab("DELETE", "settings", {})


def work(link: VehicleLink) -> list[Verdict]:
    """What one worker does: an event loop, an adapter and a client of its own; nothing shared but the database."""

    async def send() -> list[Verdict]:
        access = (await asyncio.to_thread(get_login, link.connection.account_id)).to(link.provider_vehicle_id)
        async with Http() as http:
            adapter = await asyncio.to_thread(make_adapter, link.connection.account.app, http)
            return [
                await adapter.send(access, FlashLights(), permit=Permit(), request_id="request-1")
                for _ in range(ORDERS)
            ]

    return asyncio.run(send())


def test_counters_when_workers_send_at_once_and_others_go_on_later_then_each_is_used_once(joined: Joined) -> None:
    with ThreadPoolExecutor(WORKERS) as workers:
        verdicts = [verdict for made in workers.map(work, [joined.link] * WORKERS) for verdict in made]
    counter = CarSession.objects.get(part=INFOTAINMENT).counter
    later = work(joined.link)

    assert verdicts + later == [Done("vehicle_ack")] * (WORKERS + 1) * ORDERS
    assert joined.car.executed() == ["lights.flash"] * (WORKERS + 1) * ORDERS
    assert CarSession.objects.get(part=INFOTAINMENT).counter == counter + ORDERS
