"""The one-permit rule of Adapter.send, counted at a bare socket: asked once, between connect and the first byte."""

import asyncio
import threading

import pytest

from fleet.adapters.base import Access, Adapter
from fleet.adapters.commands import Lock, Unlock
from fleet.adapters.errors import Accepted, Done, MaybeExecuted, NotExecuted, NotWritten, PermitRefused
from fleet.adapters.http import Http, PermitUsedTwice
from fleet.adapters.oauth import AppCredential
from fleet.adapters.providers.simulator.adapter import SimulatorAdapter
from fleet.run.processes import wait_until
from tests.fleet.adapters.raw_server import RawServer, never_answer, say
from tests.infrastructure.servers import free_port

ACCESS = Access("car-1", "token")


def accept(connection, request):
    return say(connection, 202, {"result": "accepted", "ref": "r1"})


@pytest.fixture
def server():
    with RawServer(accept) as running:
        yield running


class Permit:
    """Gives the permit or refuses it, and counts how often it was asked for."""

    def __init__(self, *, refuse_with: Exception | None = None, after: threading.Event | None = None) -> None:
        self.asked = 0
        self._refuse_with = refuse_with
        self._after = after

    async def __call__(self) -> None:
        self.asked += 1
        if self._after is not None:
            await asyncio.to_thread(self._after.wait, 5)
        if self._refuse_with is not None:
            raise self._refuse_with


def send(adapter_class: type[Adapter], url: str, permit, command=None):
    async def run():
        async with Http() as http:
            adapter = adapter_class(AppCredential({"api": url}, "id", "secret"), http)
            return await adapter.send(ACCESS, command or Unlock(), permit=permit, request_id="7")

    return asyncio.run(run())


def test_send_when_the_permit_is_given_then_one_request_leaves(server):
    permit = Permit()

    verdict = send(SimulatorAdapter, server.url, permit)

    assert verdict == Accepted("r1")
    assert (permit.asked, len(server.acting), len(server.connections)) == (1, 1, 1)


def test_send_when_the_permit_is_held_then_the_server_sees_a_connection_and_not_a_byte(server):
    seen = []

    async def permit():
        await asyncio.to_thread(server.connected.wait, 5)
        has_come = await asyncio.to_thread(wait_until, lambda: server.connections[0].received > 0, within_s=0.3)
        seen.append((len(server.connections), has_come))

    send(SimulatorAdapter, server.url, permit)

    assert seen == [(1, False)]
    assert len(server.acting) == 1


@pytest.mark.parametrize("refusal", [PermitRefused(), NotWritten()], ids=lambda error: type(error).__name__)
def test_send_when_the_permit_is_refused_then_not_a_byte_arrives(server, refusal):
    with pytest.raises(type(refusal)):
        send(SimulatorAdapter, server.url, Permit(refuse_with=refusal, after=server.connected))

    assert wait_until(lambda: server.connections[0].ended != "", within_s=5)
    assert [(heard.received, heard.ended) for heard in server.connections] == [(0, "reset")]


def test_send_when_the_permit_takes_longer_than_the_whole_call_may_then_not_a_byte_arrives(server):
    class Hasty(SimulatorAdapter):
        async def _send(self, access, command, permit, request_id):  # noqa: ARG002
            await self.http.act("POST", f"{server.url}/commands", permit=permit, timeout_s=0.3)

    async def permit():
        await asyncio.to_thread(server.connected.wait, 5)
        await asyncio.Event().wait()

    verdict = send(Hasty, server.url, permit)

    assert verdict == NotExecuted("upstream_down", retry_after_s=2.0, written=False)
    assert [heard.received for heard in server.connections] == [0]


def test_send_when_an_adapter_tries_a_second_acting_request_then_it_is_stopped_before_a_byte(server):
    class Twice(SimulatorAdapter):
        async def _send(self, access, command, permit, request_id):  # noqa: ARG002
            for _ in range(2):
                await self.http.act("POST", f"{server.url}/commands", permit=permit, timeout_s=5)
            return Done("vehicle_ack")

    permit = Permit()

    with pytest.raises(PermitUsedTwice):
        send(Twice, server.url, permit)

    assert (permit.asked, len(server.acting)) == (1, 1)


def test_send_when_an_adapter_tries_again_after_a_refused_permit_then_it_is_stopped(server):
    class Stubborn(SimulatorAdapter):
        async def _send(self, access, command, permit, request_id):  # noqa: ARG002
            try:
                await self.http.act("POST", f"{server.url}/commands", permit=permit, timeout_s=5)
            except PermitRefused:
                await self.http.act("POST", f"{server.url}/commands", permit=permit, timeout_s=5)

    with pytest.raises(PermitUsedTwice):
        send(Stubborn, server.url, Permit(refuse_with=PermitRefused()))

    assert server.requests == []


@pytest.mark.parametrize("verdict", [Done("vehicle_ack"), Accepted("r1"), MaybeExecuted()], ids=str)
def test_send_when_an_adapter_answers_without_asking_then_it_is_a_bug_and_raised(server, verdict):
    class Unasked(SimulatorAdapter):
        async def _send(self, access, command, permit, request_id):  # noqa: ARG002
            return verdict

    with pytest.raises(AssertionError, match="without asking the permit"):
        send(Unasked, server.url, Permit())


def test_send_when_an_adapter_goes_through_the_door_for_reads_then_it_is_a_bug_and_raised(server):
    class Sneaky(SimulatorAdapter):
        async def _send(self, access, command, permit, request_id):  # noqa: ARG002
            await self.http.ask("POST", f"{server.url}/commands", json_body={"command": "unlock"})
            return Done("vehicle_ack")

    with pytest.raises(AssertionError, match="without asking the permit"):
        send(Sneaky, server.url, Permit())


def test_send_when_an_adapter_knows_without_a_request_that_it_cannot_then_no_permit_is_used(server):
    class Honest(SimulatorAdapter):
        async def _send(self, access, command, permit, request_id):  # noqa: ARG002
            return NotExecuted("needs_pairing", written=False)

    permit = Permit()

    assert send(Honest, server.url, permit) == NotExecuted("needs_pairing", written=False)
    assert (permit.asked, server.connections) == (0, [])


def test_send_when_the_command_is_not_declared_then_nobody_is_asked(server):
    class Small(SimulatorAdapter):
        manifest = SimulatorAdapter.manifest.__class__(
            **{**vars(SimulatorAdapter.manifest), "commands": {"lock": SimulatorAdapter.manifest.commands["lock"]}}
        )

    permit = Permit()

    assert send(Small, server.url, permit) == NotExecuted("not_capable", written=False)
    assert (permit.asked, server.connections) == (0, [])


def test_send_when_nobody_listens_then_the_permit_is_not_asked_for_and_it_may_be_tried_again():
    permit = Permit()

    verdict = send(SimulatorAdapter, f"http://127.0.0.1:{free_port()}", permit, Lock())

    assert verdict == NotExecuted("upstream_down", retry_after_s=2.0, written=False)
    assert permit.asked == 0


def test_send_when_we_give_up_then_the_connection_is_reset_and_not_closed_politely():
    class Hasty(SimulatorAdapter):
        async def _send(self, access, command, permit, request_id):  # noqa: ARG002
            await self.http.act("POST", f"{self.app.urls['api']}/commands", permit=permit, timeout_s=0.3)

    with RawServer(never_answer) as server:
        verdict = send(Hasty, server.url, Permit())

    assert isinstance(verdict, MaybeExecuted)
    assert [heard.ended for heard in server.connections] == ["reset"]
