"""What every adapter must do, as a class of tests that each maker's tests inherit with their tables and fixture files.

Tables stand beside the adapter's tests (verdicts.py): what each answer to a command means, what each bad answer to
another call means. Not a case of the common list may be missing: what a maker cannot do is named with the reason.
"""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from fleet.adapters.base import Access, Adapter, Login
from fleet.adapters.capabilities import Answer, SignIn, Tokens
from fleet.adapters.commands import KINDS, Command, Unlock
from fleet.adapters.errors import Accepted, AdapterError, Done, GrantRefused, NotExecuted, Verdict
from fleet.adapters.http import Http
from fleet.adapters.oauth import AppCredential
from fleet.adapters.signals import SIGNALS
from tests.fleet.adapters.faults import FAULTS, TWISTED, UNENDING, twisted
from tests.fleet.adapters.raw_server import RawServer, Reaction, Request, say
from tests.fleet.adapters.rig import ACCESS, LOGIN, ORDER, ORDERS, Hasty, Permit
from tests.infrastructure.servers import free_port

# What a maker's table must have an answer for, whatever the maker's own words are.
MEANINGS = (
    "already",
    "needs_reconnect",
    "needs_consent",
    "not_capable",
    "invalid_request",
    "vehicle_asleep",
    "vehicle_unreachable",
    "vehicle_refused",
    "busy",
)
# Refusals of calls that are no commands; every maker has a file of the name.
REFUSALS = ("unauthorized", "insufficient_scope")

# code and retry_after_s of the error; None: it reads as an answer in which nothing was said.
Failure = tuple[str, float | None] | None


class AdapterContract:
    """Inherit; name the adapter, its tables and the folder of its fixtures; say where its API is and what it sends.

    Fixtures are files folder/answers/<case>.json: {"status", "body" or "raw", "headers"}. In the answer to a command,
    "to" may name the kind of order that it answers. read_<case>.json, list_vehicles_<case>.json and so on are taken
    before <case>.json for that call.
    """

    adapter: ClassVar[type[Adapter]]
    folder: ClassVar[Path]
    verdicts: ClassVar[Mapping[str, Verdict]]
    # A key may name the call: "read:wrong_types" is looked up before "wrong_types".
    errors: ClassVar[Mapping[str, Failure]]
    polls: ClassVar[Mapping[str, Verdict | None]] = {}
    impossible: ClassVar[Mapping[str, str]] = {}

    access: ClassVar[Access] = ACCESS
    login: ClassVar[Login] = LOGIN
    # The order of the verdict cases, where a case names no other.
    order: ClassVar[Command] = Unlock()
    # Orders, by kind, that this maker cannot take with all the parameters that we know.
    orders: ClassVar[Mapping[str, Command]] = {}
    # The fixtures that follow each other as pages of a list, and the calls that are not commands.
    vehicle_pages: ClassVar[tuple[str, ...]] = ("vehicles_page_1", "vehicles_page_2")
    calls: ClassVar[tuple[str, ...]] = ("read", "read_capabilities", "list_vehicles")

    def credential(self, url: str) -> AppCredential:
        raise NotImplementedError

    def check_request(self, request: Request, order: Command) -> None:
        """Assert that this is exactly the request that the maker documents for the order."""
        raise NotImplementedError

    def happy_case(self, order: Command) -> str:  # noqa: ARG002
        """Return the fixture with which the maker takes the order; its verdict is Done or Accepted."""
        return "accepted"

    def prelude(self, request: Request, call: str, case: str) -> str | Mapping[str, Any] | None:  # noqa: ARG002
        """Return what answers a request that is not the one under test: a fixture, its name, or None if it is the one.

        call: "send", "poll" or one of `calls`; case: the case under test. Requests answered here are not counted.
        """
        return None

    # The rig ------------------------------------------------------------------------------------------------------

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "verdict_case" in metafunc.fixturenames:
            metafunc.parametrize("verdict_case", list(self.verdicts))

    def find_answer(self, case: str, call: str = "send") -> Mapping[str, Any] | None:
        for name in (f"{call}_{case}", case):
            path = self.folder / "answers" / f"{name}.json"
            if path.exists():
                return json.loads(path.read_text(encoding="utf-8"))
        return None

    def answer(self, case: str, call: str = "send") -> Mapping[str, Any]:
        found = self.find_answer(case, call)
        assert found is not None, f"{self.adapter.manifest.key} has no answers/{case}.json, and does not say why"
        return found

    def reaction(self, case: str, call: str) -> Reaction:
        """Return what the maker does in this case: its own file, a common fault, or its good answer twisted."""
        found = self.find_answer(case, call)
        if found is None and case in FAULTS:
            return FAULTS[case]
        if found is None and case == "wrong_types":
            good = {
                "send": self.happy_case(self.order),
                "list_vehicles": self.vehicle_pages[0],
                "read": "state_in_full",
            }
            found = self.answer(good.get(call, "capabilities"), call)
            found = {"status": found["status"], "body": twisted(found["body"])}
        return self._tell(found or self.answer(case, call))

    @staticmethod
    def _tell(given: Mapping[str, Any]) -> Reaction:
        body = given["raw"].encode() if "raw" in given else given["body"]
        return lambda connection, _: say(connection, given["status"], body, **given.get("headers", {}))

    def server(self, *cases: str, call: str = "send") -> RawServer:
        """A maker that acts so, one case per request under test, the last one for ever."""
        reactions = [self.reaction(case, call) for case in cases]

        def react(connection: socket.socket, request: Request) -> bool:
            aside = self.prelude(request, call, cases[0])
            if aside is not None:
                server.requests.remove(request)
                return self._tell(self.answer(aside, call) if isinstance(aside, str) else aside)(connection, request)
            return (reactions.pop(0) if len(reactions) > 1 else reactions[0])(connection, request)

        server = RawServer(react)
        return server

    def call(self, url: str, use: Callable[[Adapter], Awaitable[Any]], *, is_hasty: bool = False) -> Any:
        async def run() -> Any:
            async with Hasty() if is_hasty else Http() as http:
                return await use(self.adapter(self.credential(url), http))

        return asyncio.run(run())

    def ask(self, url: str, call: str, case: str = "") -> Any:
        argument = self.login if call == "list_vehicles" else self.access
        return self.call(url, lambda adapter: getattr(adapter, call)(argument), is_hasty=case in UNENDING)

    def send(self, url: str, order: Command, permit: Permit | None = None, case: str = "") -> Verdict:
        given = permit or Permit()
        return self.call(
            url,
            lambda adapter: adapter.send(self.access, order, permit=given, request_id="request-1"),
            is_hasty=case in UNENDING,
        )

    def secrets(self) -> set[str]:
        app = self.credential("http://127.0.0.1:1")
        return {self.access.access_token, app.client_secret, *app.secrets.values()}

    # Declared equals implemented ------------------------------------------------------------------------------------

    def test_manifest_when_read_then_it_names_words_of_the_vocabulary_and_a_source_for_each_command(self):
        manifest = self.adapter.manifest

        assert set(manifest.commands) <= set(KINDS)
        assert manifest.signals <= set(SIGNALS)
        assert {KINDS[kind].scope for kind in manifest.commands} <= manifest.scopes
        assert {SIGNALS[name].scope for name in manifest.signals} <= manifest.scopes
        assert all(card.source and card.checked_on for card in manifest.commands.values())
        assert all(limit.source and limit.checked_on and limit.limit > 0 for limit in manifest.limits)
        assert manifest.can_poll == bool(self.polls)

    def test_tables_when_compared_with_the_common_list_then_no_case_is_missing_without_a_reason(self):
        common = {*FAULTS, *TWISTED}
        named = {code.code for code in self.verdicts.values() if isinstance(code, NotExecuted)}
        named |= {verdict.evidence for verdict in self.verdicts.values() if isinstance(verdict, Done)}
        told = {case for case, why in self.impossible.items() if why}

        assert common - set(self.verdicts) <= told
        assert {*common, *REFUSALS} - {case.rpartition(":")[2] for case in self.errors} <= told
        assert set(MEANINGS) - named <= told
        assert told & (named | (set(self.verdicts) & {case.rpartition(":")[2] for case in self.errors})) == set()

    @pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.kind)
    def test_send_when_the_command_is_declared_then_exactly_its_request_leaves_and_else_none(self, order):
        permit = Permit()
        order = self.orders.get(order.kind, order)
        case = self.happy_case(order)

        with self.server(case) as server:
            verdict = self.send(server.url, order, permit)

        if order.kind in self.adapter.manifest.commands:
            assert isinstance(verdict, Accepted | Done)
            assert (verdict, permit.asked, len(server.requests)) == (self.verdicts[case], 1, 1)
            self.check_request(server.requests[0], order)
        else:
            assert verdict == NotExecuted("not_capable", written=False)
            assert (permit.asked, server.requests, server.connections) == (0, [], [])

    # Acting ---------------------------------------------------------------------------------------------------------

    def test_send_when_the_maker_answers_so_then_this_is_known_after_one_request(self, verdict_case):
        permit = Permit()
        order = ORDER[(self.find_answer(verdict_case) or {}).get("to", self.order.kind)]

        with self.server(verdict_case) as server:
            verdict = self.send(server.url, order, permit, verdict_case)

        assert verdict == self.verdicts[verdict_case]
        assert (permit.asked, len(server.requests)) == (1, 1)
        assert not any(secret in repr(verdict) for secret in self.secrets())

    def test_send_when_nobody_listens_then_nothing_was_written(self):
        try:
            verdict = self.send(f"http://127.0.0.1:{free_port()}", self.order)
        except AdapterError as error:  # a call that comes before the command found nobody
            verdict = NotExecuted(error.code, retry_after_s=2.0, written=False)

        assert verdict == NotExecuted("upstream_down", retry_after_s=2.0, written=False)

    def test_send_when_a_call_before_the_command_goes_wrong_then_the_command_never_leaves(self):
        """A maker whose command comes without a call before it passes at once: its first request is the command."""
        found = {}
        for case in (*FAULTS, "wrong_types"):
            asked, outcome = self._send_after_bad_prelude(case)
            if not asked:
                break
            found[case] = outcome

        # Not written, the permit not asked for, no request but those that were answered badly.
        assert found == dict.fromkeys(found, (False, 0, 0))

    def _send_after_bad_prelude(self, case: str) -> tuple[int, tuple[bool, int, int]]:
        permit = Permit()
        happy = self.happy_case(self.order)
        asked: list[Request] = []

        def react(connection: socket.socket, request: Request) -> bool:
            aside = self.prelude(request, "send", happy)
            if aside is None:
                return self.reaction(happy, "send")(connection, request)
            asked.append(request)
            if case in FAULTS:
                return FAULTS[case](connection, request)
            good = self.answer(aside) if isinstance(aside, str) else aside
            return say(connection, good["status"], twisted(good["body"]))

        with RawServer(react) as server:
            try:
                verdict = self.send(server.url, self.order, permit, case)
            except AdapterError as error:
                verdict = NotExecuted(error.code, written=False)
        was_written = not isinstance(verdict, NotExecuted) or verdict.written
        return len(asked), (was_written, permit.asked, len(server.requests) - len(asked))

    # Following up ---------------------------------------------------------------------------------------------------

    def test_poll_when_the_maker_reports_then_it_is_told_in_our_words(self):
        found: dict[str, Verdict | None] = {}
        for case in self.polls:
            with self.server(case, call="poll") as server:
                found[case] = self.call(server.url, lambda adapter: adapter.poll(self.access, "cmd/1"))
            assert ["cmd%2F1" in request.path for request in server.requests] == [True]

        assert found == self.polls

    # Knowing --------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("case", [*FAULTS, *TWISTED, *REFUSALS])
    def test_read_when_the_answer_is_bad_then_it_is_a_typed_error_without_a_secret(self, case):
        expected = {call: self._expected(call, case) for call in self.calls}
        found: dict[str, Failure] = {}
        for call in [call for call in self.calls if expected[call] != "cannot happen"]:
            with self.server(case, call=call) as server:
                try:
                    said = self.ask(server.url, call, case)
                except AdapterError as error:
                    found[call] = error.code, error.retry_after_s
                    said = None if isinstance(error, GrantRefused) else f"{error} {error.detail}"
                else:
                    found[call] = None
                    assert not getattr(said, "readings", said) or set(said.readings) == {"online_state"}
            assert said is not None
            assert not any(secret in str(said) for secret in self.secrets())

        assert found == {call: failure for call, failure in expected.items() if failure != "cannot happen"}

    def _expected(self, call: str, case: str) -> Failure | str:
        for name in (f"{call}:{case}", case):
            if name in self.errors:
                return self.errors[name]
        assert case in self.impossible
        return "cannot happen"

    def test_read_when_nobody_listens_then_the_maker_is_down(self):
        for call in self.calls:
            with pytest.raises(AdapterError, match="upstream_down"):
                self.ask(f"http://127.0.0.1:{free_port()}", call)

    def test_list_vehicles_when_there_are_many_then_each_comes_once_from_every_page(self):
        assert len(self.vehicle_pages) > 1 or self.impossible["paging"]

        with self.server(*self.vehicle_pages, call="list_vehicles") as server:
            vehicles = self.ask(server.url, "list_vehicles")

        ids = [vehicle.provider_vehicle_id for vehicle in vehicles]
        assert len(ids) == len(set(ids)) >= 11
        assert len(server.requests) == len(self.vehicle_pages)

    def test_list_vehicles_when_the_pages_never_end_then_it_ends_all_the_same(self):
        with self.server(self.vehicle_pages[0], call="list_vehicles") as server:
            try:
                vehicles = self.ask(server.url, "list_vehicles")
            except AdapterError as error:
                assert error.code == "upstream_error"  # noqa: PT017
                vehicles = []

        ids = [vehicle.provider_vehicle_id for vehicle in vehicles]
        assert len(ids) == len(set(ids))
        assert len(server.requests) <= 200

    def test_list_vehicles_when_there_are_none_then_the_list_is_empty(self):
        with self.server("vehicles_none", call="list_vehicles") as server:
            assert self.ask(server.url, "list_vehicles") == []

    def test_read_when_all_is_given_then_it_is_what_was_declared_in_our_units_and_plausible(self):
        with self.server("state_in_full", call="read") as server:
            snapshot = self.ask(server.url, "read")

        assert set(snapshot.readings) == self.adapter.manifest.signals
        assert all(SIGNALS[name].is_plausible(reading.value) for name, reading in snapshot.readings.items())
        assert all(reading.observed_at <= snapshot.taken_at for reading in snapshot.readings.values())

    def test_read_capabilities_when_given_then_each_has_a_source_and_a_date_and_no_range_is_wider_than_ours(self):
        with self.server("capabilities", call="read_capabilities") as server:
            found = self.ask(server.url, "read_capabilities")

        assert set(found) <= set(KINDS)
        assert found
        assert all(capability.source and capability.checked_at for capability in found.values())
        assert all(capability.why for capability in found.values() if capability.answer is Answer.NO)
        for kind, capability in found.items():
            for name, narrowed in capability.ranges.items():
                widest = KINDS[kind].ranges[name]
                assert widest.minimum <= narrowed.minimum < narrowed.maximum <= widest.maximum

    # Joining --------------------------------------------------------------------------------------------------------

    def test_sign_in_when_begun_then_the_address_carries_our_state_and_none_of_our_secrets(self):
        if self.adapter.manifest.sign_in is SignIn.ASKED:
            return
        url = self.call(
            "http://127.0.0.1:1",
            lambda adapter: _at_once(
                adapter.begin_connect(
                    brand="any", state="s/1", verifier="v" * 43, scopes=adapter.manifest.scopes, language="de"
                )
            ),
        )

        query = parse_qs(urlsplit(url).query)
        assert query["state"] == ["s/1"]
        assert not any(secret in url for secret in self.secrets() | {"v" * 43})

    def test_token_call_when_the_answer_is_bad_then_it_may_be_asked_again_and_no_grant_is_lost(self):
        odd: Reaction = lambda connection, _: say(connection, 200, {"access_token": [7], "expires_in": {}})  # noqa: E731
        is_owners = self.adapter.manifest.tokens is Tokens.OWNER
        for case, react in {**FAULTS, "wrong_types": odd}.items():
            with RawServer(react) as server, pytest.raises(AdapterError) as failure:
                self.call(
                    server.url,
                    lambda a: a.refresh(brand="any", refresh_token="old") if is_owners else a.application_token(),
                    is_hasty=case in UNENDING,
                )

            assert failure.value.code in {"upstream_down", "upstream_error", "rate_limited"}, case
            assert len(server.requests) == 1, case


async def _at_once(value: str) -> str:
    return value
