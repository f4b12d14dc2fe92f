"""What every adapter must do, as a class of tests that each maker's tests inherit; the answers are fixture files."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from fleet.adapters.base import Adapter, Login
from fleet.adapters.capabilities import Answer
from fleet.adapters.commands import (
    KINDS,
    Command,
    EnableValet,
    SendDestination,
    SetChargeLimit,
    SetPin,
    SetTemperature,
    StartClimate,
    StartEngine,
    Unlock,
)
from fleet.adapters.errors import Accepted, AdapterError, Done, MaybeExecuted, NotExecuted, Verdict
from fleet.adapters.http import Http
from fleet.adapters.oauth import AppCredential
from fleet.adapters.signals import SIGNALS
from tests.fleet.adapters.raw_server import RawServer, Request, hang_up, say
from tests.infrastructure.servers import free_port

LOGIN = Login("access-token", "owner-1")
ACCESS = LOGIN.to("car 1/2")
# One order per kind, with every parameter that its wire form must carry.
ORDERS: list[Command] = [
    SetChargeLimit(80),
    StartClimate(21.5),
    SetTemperature(19.0),
    SendDestination(52.52, 13.405, "Depot"),
    SetPin("0123"),
    EnableValet("0123"),
    StartEngine(10),
]
ORDERS += [kind() for kind in KINDS.values() if not any(isinstance(order, kind) for order in ORDERS)]

# What a maker's answer to a command means. A maker who has no such answer leaves the file out.
VERDICTS: dict[str, Verdict] = {
    "accepted": Accepted("cmd_1"),
    "done": Done("vehicle_ack", "cmd_1"),
    "already": Done("already"),
    "refused_door_open": NotExecuted("vehicle_refused", "door_open"),
    "refused_plug_not_connected": NotExecuted("vehicle_refused", "plug_not_connected"),
    "refused_in_motion": NotExecuted("vehicle_refused", "in_motion"),
    "refused_low_12v": NotExecuted("vehicle_refused", "low_12v"),
    "refused_in_a_new_word": NotExecuted("vehicle_refused", "other"),
    "busy": NotExecuted("busy", retry_after_s=5.0),
    "asleep": NotExecuted("vehicle_asleep", retry_after_s=1.0),
    "unreachable": NotExecuted("vehicle_unreachable", retry_after_s=10.0),
    "not_capable": NotExecuted("not_capable"),
    "unknown_car": NotExecuted("not_capable"),
    "unauthorized": NotExecuted("needs_reconnect", retry_after_s=0.0),
    "insufficient_scope": NotExecuted("needs_consent"),
    "invalid_parameter": NotExecuted("invalid_request"),
    "rate_limited_in_seconds": NotExecuted("rate_limited", retry_after_s=7.0),
    "rate_limited_until_a_date": NotExecuted("rate_limited", retry_after_s=86_400.0),  # the cap
    "rate_limited_by_a_gateway": NotExecuted("rate_limited", retry_after_s=7.0),
    "rate_limited_in_nonsense": NotExecuted("rate_limited", retry_after_s=30.0),
    "html_with_200": MaybeExecuted(detail="HTTP 200"),
    "html_with_408": MaybeExecuted(detail="HTTP 408"),
    "html_with_502": MaybeExecuted(detail="HTTP 502"),
    "html_with_503": MaybeExecuted(detail="HTTP 503"),
    "truncated": MaybeExecuted(detail="HTTP 200"),
    "empty": MaybeExecuted(detail="HTTP 200"),
    "a_list": MaybeExecuted(detail="HTTP 200"),
    "no_result": MaybeExecuted(detail="HTTP 200"),
    "error_within_200": MaybeExecuted(detail="HTTP 200"),
    "server_error": MaybeExecuted(detail="HTTP 500"),
    "server_error_in_503": MaybeExecuted(detail="HTTP 503"),
    "redirect": MaybeExecuted(detail="HTTP 307"),
}
# What a bad answer to a call that does not act means, by the same files.
ERRORS: dict[str, tuple[str, float | None]] = {
    "unauthorized": ("needs_reconnect", None),
    "insufficient_scope": ("needs_consent", None),
    "rate_limited_in_seconds": ("rate_limited", 7.0),
    "html_with_200": ("upstream_error", None),
    "html_with_502": ("upstream_down", None),
    "truncated": ("upstream_error", None),
    "empty": ("upstream_error", None),
    "a_list": ("upstream_error", None),
    "redirect": ("upstream_error", None),
}


class Permit:
    """Given, and counted."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self) -> None:
        self.asked += 1


class AdapterContract:
    """Inherit, name the adapter and the folder of its fixtures, and say where its API is and what it sends."""

    adapter: ClassVar[type[Adapter]]
    folder: ClassVar[Path]

    def credential(self, url: str) -> AppCredential:
        raise NotImplementedError

    def check_request(self, request: Request, order: Command) -> None:
        """Assert that this is exactly the request that the maker documents for the order."""
        raise NotImplementedError

    # The rig ------------------------------------------------------------------------------------------------------

    def answer(self, case: str) -> dict[str, Any]:
        path = self.folder / "answers" / f"{case}.json"
        if not path.exists():
            pytest.skip(f"{self.adapter.manifest.key} has no such answer")
        return json.loads(path.read_text(encoding="utf-8"))

    def server(self, *cases: str) -> RawServer:
        """A maker that gives these answers, one per request, the last one for ever."""
        answers = [self.answer(case) for case in cases]

        def react(connection: Any, request: Request) -> bool:
            given = answers.pop(0) if len(answers) > 1 else answers[0]
            body = given["raw"].encode() if "raw" in given else given["body"]
            return say(connection, given["status"], body, **given.get("headers", {}))

        return RawServer(react)

    def call(self, url: str, use: Callable[[Adapter], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            async with Http() as http:
                return await use(self.adapter(self.credential(url), http))

        return asyncio.run(run())

    def send(self, url: str, order: Command, permit: Permit | None = None) -> Verdict:
        return self.call(url, lambda a: a.send(ACCESS, order, permit=permit or Permit(), request_id="request-1"))

    # Declared equals implemented ------------------------------------------------------------------------------------

    def test_manifest_when_read_then_it_names_words_of_the_vocabulary_and_a_source_for_each_command(self):
        manifest = self.adapter.manifest

        assert set(manifest.commands) <= set(KINDS)
        assert manifest.signals <= set(SIGNALS)
        assert {KINDS[kind].scope for kind in manifest.commands} <= manifest.scopes
        assert all(card.source and card.checked_on for card in manifest.commands.values())

    @pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.kind)
    def test_send_when_the_command_is_declared_then_exactly_its_request_leaves_and_else_none(self, order):
        permit = Permit()

        with self.server("accepted") as server:
            verdict = self.send(server.url, order, permit)

        if order.kind in self.adapter.manifest.commands:
            assert (type(verdict), permit.asked, len(server.requests)) == (Accepted, 1, 1)
            self.check_request(server.requests[0], order)
        else:
            assert verdict == NotExecuted("not_capable", written=False)
            assert (permit.asked, server.requests) == (0, [])

    # Acting ---------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("case", VERDICTS)
    def test_send_when_the_maker_answers_so_then_this_is_known_after_one_request(self, case):
        with self.server(case) as server:
            verdict = self.send(server.url, Unlock())

        assert verdict == VERDICTS[case]
        assert len(server.requests) == 1

    def test_send_when_the_reply_is_lost_then_it_may_have_been_executed(self):
        with RawServer(hang_up) as server:
            verdict = self.send(server.url, Unlock())

        assert verdict == MaybeExecuted(detail="ServerDisconnectedError")
        assert len(server.requests) == 1

    def test_send_when_nobody_listens_then_nothing_was_written(self):
        verdict = self.send(f"http://127.0.0.1:{free_port()}", Unlock())

        assert verdict == NotExecuted("upstream_down", retry_after_s=2.0, written=False)

    # Knowing --------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("call", ["read", "read_capabilities", "list_vehicles"])
    @pytest.mark.parametrize("case", ERRORS)
    def test_read_when_the_answer_is_bad_then_it_is_a_typed_error_without_the_token(self, case, call):
        argument = LOGIN if call == "list_vehicles" else ACCESS

        with self.server(case) as server, pytest.raises(AdapterError) as failure:
            self.call(server.url, lambda adapter: getattr(adapter, call)(argument))

        assert (failure.value.code, failure.value.retry_after_s) == ERRORS[case]
        assert ACCESS.access_token not in str(failure.value) + failure.value.detail

    def test_read_when_nobody_listens_then_the_maker_is_down(self):
        with pytest.raises(AdapterError, match="upstream_down"):
            self.call(f"http://127.0.0.1:{free_port()}", lambda adapter: adapter.read(ACCESS))

    def test_list_vehicles_when_there_are_more_than_a_page_then_each_comes_once(self):
        with self.server("vehicles_page_1", "vehicles_page_2") as server:
            vehicles = self.call(server.url, lambda adapter: adapter.list_vehicles(LOGIN))

        ids = [vehicle.provider_vehicle_id for vehicle in vehicles]
        assert len(ids) == len(set(ids)) >= 11
        assert len(server.requests) == 2

    def test_list_vehicles_when_there_are_none_then_the_list_is_empty(self):
        with self.server("vehicles_none") as server:
            vehicles = self.call(server.url, lambda adapter: adapter.list_vehicles(LOGIN))

        assert vehicles == []

    def test_read_when_values_are_given_then_they_are_in_our_units_and_plausible(self):
        with self.server("state") as server:
            snapshot = self.call(server.url, lambda adapter: adapter.read(ACCESS))

        assert len(snapshot.readings) > 1
        assert all(SIGNALS[name].is_plausible(reading.value) for name, reading in snapshot.readings.items())
        assert all(reading.observed_at <= snapshot.taken_at for reading in snapshot.readings.values())

    def test_read_capabilities_when_given_then_each_has_a_source_and_a_date_and_no_range_is_wider_than_ours(self):
        with self.server("capabilities") as server:
            found = self.call(server.url, lambda adapter: adapter.read_capabilities(ACCESS))

        assert set(found) <= set(KINDS)
        assert all(capability.source and capability.checked_at for capability in found.values())
        assert all(capability.why for capability in found.values() if capability.answer is Answer.NO)
        for kind, capability in found.items():
            for name, narrowed in capability.ranges.items():
                widest = KINDS[kind].ranges[name]
                assert widest.minimum <= narrowed.minimum < narrowed.maximum <= widest.maximum
