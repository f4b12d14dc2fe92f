"""Which requests share a connection: what is harmless late may, what may act only once never does."""

import asyncio

import pytest

from fleet.adapters.base import Access
from fleet.adapters.commands import Lock, Unlock
from fleet.adapters.errors import Accepted, MaybeExecuted
from fleet.adapters.http import Http
from fleet.adapters.oauth import AppCredential
from fleet.adapters.providers.simulator.adapter import SimulatorAdapter
from tests.fleet.adapters.raw_server import RawServer, say

ACCEPTED = {"result": "accepted", "ref": "r1"}


def send_twice(url, order, adapter_class=SimulatorAdapter):
    async def permit():
        return None

    async def run():
        async with Http() as http:
            adapter = adapter_class(AppCredential({"api": url}, "id", "secret"), http)
            access = Access("car-1", "token")
            return [await adapter.send(access, order, permit=permit, request_id="7") for _ in range(2)]

    return asyncio.run(run())


@pytest.mark.parametrize(("order", "connections"), [(Lock(), 1), (Unlock(), 2)], ids=["class A", "class B"])
def test_second_command_when_the_first_left_a_connection_then_only_what_is_harmless_late_uses_it(order, connections):
    with RawServer(lambda connection, _: say(connection, 202, ACCEPTED)) as server:
        verdicts = send_twice(server.url, order)

    assert verdicts == [Accepted("r1"), Accepted("r1")]
    assert (len(server.acting), len(server.connections)) == (2, connections)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_kept_connection_when_it_dies_under_a_request_then_that_is_not_sent_again(method):
    class Maker(SimulatorAdapter):
        async def _send(self, access, command, permit, request_id):  # noqa: ARG002
            # aiohttp would send a PUT again by itself when a kept connection dies under it.
            answer = await self.http.act(method, f"{self.app.urls['api']}/commands", permit=permit, timeout_s=5)
            return Accepted(str(answer.json()["ref"]))

    def react(connection, request):
        return request.number == 1 and say(connection, 202, ACCEPTED)

    with RawServer(react) as server:
        verdicts = send_twice(server.url, Lock(), Maker)

    assert verdicts[0] == Accepted("r1")
    assert isinstance(verdicts[1], MaybeExecuted)
    assert len(server.acting) == 2
    assert [heard.received for heard in server.connections[1:]] in ([], [0])
