"""The cases that every provider has to pass with the real engine, against its dialect in the lab, by the ledger.

A provider's test class inherits EngineContract and names its bench; a case that it does not have is named there with
the reason. Exact requests, bad answers and pages are the adapters' own contract (tests/fleet/adapters/contract.py);
here is what only the whole can show. The numbers in the headings are those of the list of cases that a maker has to
pass. Number 9 for processes that are killed, and 10, are in test_refresh_storm.py; 20 for PINs is in the first test;
23 (web-hooks good, bad and replayed) is in each adapter's own tests, as only some makers call; 24 (nothing leaves this
machine) is tests/infrastructure/test_leaving.py. The simulator's own wire goes through the same in tests/commands.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.utils import timezone

from commands.services import NotSupported, sweep_commands
from fleet.adapters.capabilities import Tokens
from fleet.adapters.registry import get_adapter
from fleet.adapters.rules import RetryClass
from fleet.teams.models import Membership
from fleet.vehicles.application_tokens import get_application_token, place_of
from fleet.vehicles.models import ApplicationToken, ProviderAccount, ProviderApp
from fleet.vehicles.sealing import seal
from fleet.vehicles.services import read_vehicle
from fleet.vehicles.tokens import get_access_token
from tests.commands.rig import carry, end_time_of, known, may_be_tried_again, press
from tests.factories import make_team
from tests.fleet.adapters.dialects.benches import Bench, Case, Joined
from tests.infrastructure.servers import free_port
from tests.infrastructure.simulator import Simulator

PATIENCE_S = 1.0
ENDS = ("confirmed", "refused", "unknown", "unresolved", "expired", "failed")
# The car acts, and the maker's answer is lost, late or nonsense.
ACTS_AND_TELLS_NOTHING: tuple[dict[str, Any], ...] = (
    {"lose_reply": True},
    {"reset_after_first_byte": True},
    {"hang": True},
    {"slow_body_s": 5.0},
    {"garbage": "html"},
    {"garbage": "truncated"},
    {"garbage": "empty"},
    {"status_after": {"status": 500}},
    {"status_after": {"status": 502}},
    {"status_after": {"status": 503}},
    {"status_after": {"status": 504}},
)


class EngineContract:
    bench_class: ClassVar[type[Bench]]
    # case -> why this provider does not have it
    impossible: ClassVar[dict[str, str]] = {}

    @pytest.fixture
    def team(self, committed_db: Any) -> Membership:  # noqa: ARG002
        return make_team()

    @pytest.fixture
    def bench(self, simulator: Simulator, team: Membership) -> Bench:  # noqa: ARG002
        return self.bench_class(simulator)

    @pytest.fixture
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> float:
        """We wait for this provider's answer for a second."""
        adapter = get_adapter(self.bench_class.provider)
        monkeypatch.setattr(adapter, "manifest", replace(adapter.manifest, answer_within_s=PATIENCE_S))
        return PATIENCE_S

    @property
    def manifest(self) -> Any:
        return get_adapter(self.bench_class.provider).manifest

    def carry_cases(self, bench: Bench, team: Membership, cases: list[Case]) -> list[Joined]:
        """Put a car of its own before each case, press, and carry all of them at once; say what is known in the end."""
        joined = bench.join(team, *({**bench.vehicle_for(case.order), "state": dict(case.state)} for case in cases))
        for one, case in zip(joined, cases, strict=True):
            if case.behaviour:
                one.car.behave(**case.behaviour)
        pressed = {n: press(joined[n].link, case.order) for n, case in enumerate(cases) if case.known[0] != "sent"}
        carry()
        for n, case in enumerate(cases):
            if case.known[0] == "sent":  # nothing will prove it: it is not waited for
                pressed[n] = press(joined[n].link, case.order)
                carry(pressed[n], until={"sent", *ENDS})
        self.found = [known(pressed[n]) for n in range(len(cases))]
        return joined

    # 1 to 3: what is offered works, what the car says no to is told --------------------------------------------------

    def test_orders_when_carried_then_each_reaches_its_car_once_and_its_end_is_known(self, bench, team, caplog):
        caplog.set_level(logging.DEBUG)
        cases = bench.orders()
        assert {case.order.kind for case in cases} == set(self.manifest.commands)

        joined = self.carry_cases(bench, team, cases)

        kinds = [case.order.kind for case in cases]
        assert dict(zip(kinds, self.found, strict=True)) == {case.order.kind: case.known for case in cases}
        done = [one.car.executed() for one in joined]
        assert dict(zip(kinds, done, strict=True)) == {kind: [bench.word(kind)] for kind in kinds}
        # 20: neither the token nor a PIN is in a line of the log.
        assert bench.pin not in caplog.text
        assert not any(token in caplog.text for token in bench.tokens_of(joined[0].link.connection.account))

    def test_refusals_when_the_car_or_the_maker_says_no_then_the_reason_is_told_and_nothing_was_done(self, bench, team):
        cases = bench.refusals()

        joined = self.carry_cases(bench, team, cases)

        assert self.found == [case.known for case in cases]
        assert [one.car.executed() for one in joined] == [[] for _ in cases]
        assert max(len(one.car.requests()) for one in joined) == 1

    # 4, 5: asleep ---------------------------------------------------------------------------------------------------

    def test_order_when_the_car_sleeps_then_it_is_woken_once_or_told_to_be_asleep(self, bench, team):
        waking, deep = bench.join(team, *({"state": dict(bench.once.state)} for _ in range(2)))
        for one in (waking, deep):
            one.car.set(online="asleep")
        waking.car.behave(wake_s=0.2)
        deep.car.behave(wake_fails=True)

        first = press(waking.link, bench.once.order)
        patience = {"not_after": timezone.now() + timedelta(seconds=6)} if self.manifest.can_wake else {}
        second = press(deep.link, bench.once.order, **patience)
        carry()

        if self.manifest.can_wake:
            assert known(first) == bench.once.known
            assert (waking.car.wakes(), waking.car.executed()) == (1, [bench.words[0]])
            assert (known(second)[0], known(second)[2]) == ("refused", "vehicle_asleep")
            assert (deep.car.wakes(), deep.car.requests()) == (1, [])
        else:
            assert [known(first), known(second)] == [bench.asleep] * 2
            assert waking.car.executed() == deep.car.executed() == []

    # 6, 13 to 15: the maker's trouble -------------------------------------------------------------------------------

    def test_orders_when_the_maker_turns_them_away_for_a_second_then_each_is_done_at_most_once(self, bench, team):
        cases = [replace(bench.once, behaviour={"rate_limit": {"retry_after_s": 1, "count": 1}})]

        joined = self.carry_cases(bench, team, cases)

        assert [found[::2] for found in self.found] in ([("refused", "rate_limited")], [("confirmed", "")])
        assert [len(one.car.executed()) for one in joined] == [found[0] == "confirmed" for found in self.found]

    def test_order_when_nobody_listens_then_it_waits_and_is_sent_once_when_the_maker_is_back(self, bench, team):
        one = bench.join_one(team, state=dict(bench.once.state))
        app = bench.app()
        away = {name: f"http://127.0.0.1:{free_port()}" for name in app.urls}
        ProviderApp.objects.filter(pk=app.pk).update(urls=away)

        command = press(one.link, bench.once.order)
        carry(linger_s=0.1)
        while_away = known(command), one.car.requests()
        ProviderApp.objects.filter(pk=app.pk).update(
            urls=app.urls, breaker_until=None, breaker_opened_at=None, breaker_code="", probe_until=None
        )
        may_be_tried_again(command)
        carry()

        assert while_away == (("queued", "", "upstream_down", ""), [])
        assert (known(command), one.car.executed()) == (bench.once.known, [bench.words[0]])

    @pytest.mark.usefixtures("impatient")
    def test_orders_when_the_cars_act_and_the_answers_tell_nothing_then_each_is_sent_once_and_looked_for(
        self, bench, team
    ):
        assert (bench.once.order.retry_class, bench.thrice.order.retry_class) == (RetryClass.B, RetryClass.A)
        silent = [
            one for one in ACTS_AND_TELLS_NOTHING if one.get("status_after", {}).get("status") not in bench.denials
        ]
        cases = [replace(bench.once, behaviour=behaviour) for behaviour in silent]
        cases += [replace(bench.thrice, behaviour=behaviour) for behaviour in ACTS_AND_TELLS_NOTHING[:3]]

        joined = self.carry_cases(bench, team, cases)

        assert [found[:2] for found in self.found] == [("confirmed", "readback")] * len(cases)
        assert [one.car.executed() for one in joined] == [
            [bench.words[case.order == bench.thrice.order]] for case in cases
        ]

    def test_order_when_a_5xx_comes_and_the_car_has_not_acted_then_nothing_is_claimed_nor_sent_again(self, bench, team):
        case = replace(bench.once, behaviour={"status_before": {"status": 500}})
        [one] = bench.join(team, {"state": dict(case.state)})
        one.car.behave(**case.behaviour)

        command = press(one.link, case.order)
        carry(command, until={"unknown", "refused", "confirmed"})
        carry(linger_s=0.3)

        assert known(command)[::2] == ("unknown", "outcome_unknown")
        assert (len(one.car.requests()), one.car.executed()) == (1, [])

    # 7 to 10: tokens ------------------------------------------------------------------------------------------------

    def test_order_when_the_token_is_no_longer_known_then_one_new_one_brings_it_through(self, bench, team):
        # A car that was just looked at is not looked at again: then the call before the command is refused first.
        one = bench.join_one(team, learn=bench.asks_first, state=dict(bench.once.state))
        version = self._break_token(one)

        command = press(one.link, bench.once.order)
        carry()

        assert (known(command), one.car.executed()) == (bench.once.known, [bench.words[0]])
        assert self._token_version(one) == version + 1

    def test_order_when_the_grant_is_over_then_the_owner_is_asked_and_the_maker_is_not_asked_for_ever(
        self, bench, team
    ):
        if "grant_over" in self.impossible:
            return
        one = bench.join_one(team, state=dict(bench.once.state))
        version = self._break_token(one)
        one.car.behave(token_revoked=True)

        commands = [press(one.link, bench.once.order, not_after=timezone.now() + timedelta(seconds=5))]
        carry()

        assert [known(command)[::2] for command in commands] == [("refused", "needs_reconnect")]
        assert one.car.executed() == []
        assert self._token_version(one) <= version + 1

    def test_tokens_when_many_ask_at_once_then_one_is_fetched(self, bench, team):
        one = bench.join_one(team)
        version = self._break_token(one)
        account = one.link.connection.account
        ask = self._asker(account, version)

        with ThreadPoolExecutor(5) as pool:
            tokens = list(pool.map(ask, range(5)))

        assert len(set(tokens)) == 1
        assert self._token_version(one) == version + 1

    def _is_applications(self) -> bool:
        return self.manifest.tokens is Tokens.APPLICATION

    def _asker(self, account: ProviderAccount, version: int) -> Callable[[int], str]:
        def ask(_: int) -> str:
            try:
                if self._is_applications():
                    return get_application_token(account.app, refused_version=version)[0]
                return get_access_token(account.id, refused_version=version)
            finally:
                connection.close()

        return ask

    def _break_token(self, one: Joined) -> int:
        """The maker no longer knows the token and has not told us; return its version."""
        account = one.link.connection.account
        if self._is_applications():
            get_application_token(account.app)
            junk = seal("revoked-at-the-maker", bound_to=place_of(account.app))
            ApplicationToken.objects.filter(app=account.app).update(access_token_sealed=junk)
        else:
            junk = seal("revoked-at-the-maker", bound_to=f"provider_account:{account.id}:access")
            ProviderAccount.objects.filter(pk=account.pk).update(access_token_sealed=junk)
        return self._token_version(one)

    def _token_version(self, one: Joined) -> int:
        account = one.link.connection.account
        if self._is_applications():
            return ApplicationToken.objects.get(app=account.app).version
        account.refresh_from_db()
        return account.token_version

    # 16 to 19: what a car can, what an owner allowed, what is read ---------------------------------------------------

    def test_order_when_the_car_cannot_then_it_is_learned_and_not_offered_again(self, bench, team):
        one = bench.join_one(team, learn=True, not_capable=[bench.words[0]], state=dict(bench.once.state))

        try:
            command = press(one.link, bench.once.order)
        except NotSupported:
            pass
        else:
            carry()
            assert known(command)[::2] == ("refused", "not_capable")
            with pytest.raises(NotSupported):
                press(one.link, bench.once.order)

        assert one.car.executed() == []

    def test_order_when_the_owner_left_the_scope_out_at_the_maker_then_it_is_told_and_nothing_is_sent_again(
        self, bench, team
    ):
        one = bench.join_without_control(team, state=dict(bench.once.state))

        command = press(one.link, bench.once.order)
        carry()

        assert known(command)[::2] == ("refused", "needs_consent")
        assert one.car.executed() == []

    def test_cars_when_there_are_many_then_all_are_listed_and_read_as_they_are(self, bench, team):
        joined = bench.join(team, *({"state": {"soc_percent": 41.0, "locked": n % 2 == 0}} for n in range(12)))

        assert len({one.link.provider_vehicle_id for one in joined}) == 12
        read_vehicle(joined[0].link, with_capabilities=True)
        signals = {row.signal: row.value for row in joined[0].link.vehicle.signals.all()}
        truth = joined[0].car.simulator.car(joined[0].car.id)["signals"]
        for name, tolerance in {"odometer_km": 1.0, "soc_percent": 0.6, "range_km": 1.0}.items():
            assert abs(signals[name] - truth[name]) <= tolerance, name
        place = signals["location"]
        assert abs(place["latitude"] - truth["location"]["latitude"]) < 1e-4
        assert abs(place["longitude"] - truth["location"]["longitude"]) < 1e-4
        assert "fuel_percent" not in signals  # an electric car has none: absent, and not 0
        assert set(signals) <= self.manifest.signals

    # 21, 22: pressed twice, and too late -----------------------------------------------------------------------------

    def test_order_when_pressed_twice_or_too_late_then_it_is_done_once_and_never(self, bench, team, as_owner):
        twice, late = bench.join(team, *({"state": dict(bench.once.state)} for _ in range(2)))

        first = press(twice.link, bench.once.order, idempotency_key="one click")
        second = press(twice.link, bench.once.order, idempotency_key="one click")
        too_late = press(late.link, bench.once.order)
        end_time_of(as_owner, too_late)
        sweep_commands()
        carry()

        assert first.id == second.id
        assert (known(first), twice.car.executed()) == (bench.once.known, [bench.words[0]])
        assert (known(too_late)[0], late.car.requests()) == ("expired", [])
