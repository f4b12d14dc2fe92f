"""Enode's adapter against the lab's Enode: link page, cars, actions to their end, web-hooks, by what was counted."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fleet.adapters.base import Login
from fleet.adapters.capabilities import Answer
from fleet.adapters.commands import Command, StartCharge, StopCharge
from fleet.adapters.errors import Accepted, AdapterError, Done, GrantRefused, MaybeExecuted, NotExecuted, Verdict
from fleet.adapters.http import Http
from fleet.adapters.oauth import AppCredential
from fleet.adapters.providers.enode.adapter import EnodeAdapter
from fleet.adapters.webhooks import BadSignature, Delivery
from tests.fleet.adapters.rig import Permit
from tests.simulator.cloud import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    REDIRECT_URI,
    Owner,
    PageReader,
    Simulator,
    make_client_arguments,
    start_simulator,
    wait_until,
)
from tests.simulator.dialects.listener import listen

BASE = "/dialects/enode"
SECRET = "0123456789abcdef-fleet"
CAR = {"model": "ID.4", "year": 2023, "state": {"plugged_in": True, "soc_percent": 50}}


@pytest.fixture(scope="module")
def lab() -> Iterator[Simulator]:
    simulator = start_simulator(*make_client_arguments())
    yield simulator
    simulator.stop()


class Desk:
    """Our registration at the lab, one owner who is linked, and what happens to the owner's first car."""

    def __init__(self, lab: Simulator, owner: Owner) -> None:
        urls = {"token": f"{lab.address}{BASE}/oauth2/token", "api": f"{lab.address}{BASE}"}
        self.app = AppCredential(urls, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, {"webhook_secret": SECRET})
        self.lab, self.owner = lab, owner
        linked = {"account_id": owner.account_id, "client_id": CLIENT_ID, "user_id": f"owner/{owner.account_id}"}
        self.car = self.control("links", **linked)["vehicles"][owner.car]
        self.login = Login(self.call(lambda a: a.application_token()).access_token, linked["user_id"])

    def control(self, path: str, **body: Any) -> Any:
        return self.lab.request("POST", f"{BASE}/_control/{path}", json.dumps(body)).json()

    def call(self, use: Callable[[EnodeAdapter], Awaitable[Any]], app: AppCredential | None = None) -> Any:
        async def run() -> Any:
            async with Http() as http:
                return await use(EnodeAdapter(app or self.app, http))

        return asyncio.run(run())

    def send(self, order: Command) -> Verdict:
        access = self.login.to(self.car)
        verdict: Verdict = self.call(lambda a: a.send(access, order, permit=Permit(), request_id="request-1"))
        return verdict

    def settle(self, ref: str) -> Verdict | None:
        """Ask until the action is no longer pending."""
        found: list[Verdict | None] = []
        access = self.login.to(self.car)

        def has_ended() -> bool:
            found.append(self.call(lambda a: a.poll(access, ref)))
            return found[-1] is not None

        assert wait_until(has_ended)
        return found[-1]

    def values(self) -> dict[str, Any]:
        snapshot = self.call(lambda a: a.read(self.login.to(self.car)))
        return {name: reading.value for name, reading in snapshot.readings.items()}

    def acts(self) -> list[str]:
        return [entry["command"] for entry in self.lab.entries(self.owner.car, executed="true")]


@pytest.fixture
def desk(lab: Simulator) -> Iterator[Desk]:
    yield Desk(lab, lab.add_owner(CAR))
    lab.control("DELETE", "behaviour")


def ref_of(verdict: Verdict) -> str:
    assert isinstance(verdict, Accepted)
    return verdict.ref


def test_joining_when_the_owner_allows_a_part_then_that_part_and_the_cars_are_ours(desk: Desk) -> None:
    owner = desk.lab.add_owner(CAR, CAR)
    wanted = ["read_vin", "read_battery", "read_location", "control_charge", "control_security"]

    def finish(our_id: str) -> Any:
        return desk.call(lambda a: a.finish_connect(brand="volkswagen", answer={}, verifier="", our_id=our_id))

    link = desk.call(
        lambda a: a.open_sign_in(brand="volkswagen", state="x/1", scopes=wanted, language="de", our_id="visit/1")
    )
    page = desk.lab.request("GET", urlsplit(link).path)
    with pytest.raises(GrantRefused):
        finish("visit/1")
    fields = {"ticket": PageReader(page.text).ticket, "email": owner.email, "password": PASSWORD}
    page = desk.lab.form(f"/{owner.brand}/oauth/sign-in", fields)
    consent = {"ticket": PageReader(page.text).ticket, "decision": "allow", "scope": ["control_charge"]}
    back = desk.lab.form(f"/{owner.brand}/oauth/consent", consent).headers["Location"]
    tokens = finish("visit/1")
    login = Login(tokens.access_token, "visit/1")
    cars = desk.call(lambda a: a.list_vehicles(login))

    assert (PageReader(page.text).language, back.partition("?")[0]) == ("de", REDIRECT_URI)
    assert parse_qs(urlsplit(back).query) == {"state": ["x/1"]}
    assert (tokens.account_id, tokens.refresh_token) == ("visit/1", None)
    # Reading a car's data is what Enode demands; the place was not allowed.
    assert tokens.scopes == {"read_vin", "read_odometer", "read_battery", "read_charge", "control_charge"}
    assert {(car.vin, car.make, car.model, car.year) for car in cars} == {
        (vehicle["vin"], "Volkswagen", "ID.4", 2023) for vehicle in owner.vehicles
    }
    with pytest.raises(GrantRefused):
        finish("visit/2")
    desk.call(lambda a: a.revoke(brand="volkswagen", refresh_token="", login=login))
    with pytest.raises(GrantRefused):
        finish("visit/1")


def test_list_vehicles_when_there_are_more_than_a_page_then_each_comes_once(desk: Desk) -> None:
    fleet = Desk(desk.lab, desk.lab.add_owner(*[CAR] * 51))

    cars = fleet.call(lambda a: a.list_vehicles(fleet.login))

    assert sorted(str(car.vin) for car in cars) == sorted(vehicle["vin"] for vehicle in fleet.owner.vehicles)


def test_read_when_the_car_is_awake_then_it_is_what_the_car_is(desk: Desk) -> None:
    values = desk.values()

    truth = desk.owner.truth()["signals"]
    same = ["odometer_km", "soc_percent", "plugged_in", "charge_limit_percent"]
    assert {name: values[name] for name in same} == {name: truth[name] for name in same}
    assert (values["online_state"], values["charging_state"]) == ("online", "stopped")
    assert set(values) <= EnodeAdapter.manifest.signals
    found = desk.call(lambda a: a.read_capabilities(desk.login.to(desk.car)))
    assert {kind: one.answer for kind, one in found.items()} == dict.fromkeys(
        EnodeAdapter.manifest.commands, Answer.YES
    )


def test_command_when_the_car_obeys_then_it_acted_once_and_a_second_one_finds_it_done(desk: Desk) -> None:
    started = desk.settle(ref_of(desk.send(StartCharge())))
    again = desk.settle(ref_of(desk.send(StartCharge())))

    assert isinstance(started, Done)
    assert (started.evidence, again) == ("provider", Done("already"))
    assert (desk.acts(), desk.values()["charging_state"]) == (["charge.start"], "charging")
    assert isinstance(desk.settle(ref_of(desk.send(StopCharge()))), Done)
    assert desk.acts() == ["charge.start", "charge.stop"]


def test_command_when_the_same_is_pursued_already_then_it_is_one_action_and_another_one_ends_it(desk: Desk) -> None:
    desk.lab.behave(desk.owner.car, never_acts=True)

    first, second = desk.send(StartCharge()), desk.send(StartCharge())
    third = desk.send(StopCharge())

    assert isinstance(third, Accepted)
    assert first == second != third
    # Whether the make had it already, nobody knows.
    assert desk.settle(ref_of(first)) == MaybeExecuted(detail="CONFLICT")
    assert desk.acts() == []


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ({"asleep": True, "patience_s": 0.2, "wake_s": 60}, NotExecuted("vehicle_unreachable")),
        ({"refuse": "plug_not_connected"}, NotExecuted("vehicle_refused", "other")),
        ({"maker_says": {"word": "REQUESTED_CANCELLATION"}}, MaybeExecuted(detail="REQUESTED_CANCELLATION")),
    ],
    ids=["asleep", "refused", "called back"],
)
def test_action_when_it_ends_otherwise_then_no_more_is_said_than_the_ledger_knows(
    desk: Desk, behaviour: dict[str, Any], expected: Verdict
) -> None:
    desk.lab.behave(desk.owner.car, **behaviour)

    verdict = desk.settle(ref_of(desk.send(StartCharge())))

    assert (verdict, desk.acts()) == (expected, [])


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ({"rate_limit": {"retry_after_s": 7}}, NotExecuted("rate_limited", retry_after_s=7.0)),
        ({"status_before": {"status": 500}}, MaybeExecuted(detail="HTTP 500")),
        ({"lose_reply": 1}, MaybeExecuted(detail="ServerDisconnectedError")),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_command_when_its_answer_goes_wrong_then_it_is_known_or_not_known(
    desk: Desk, behaviour: dict[str, Any], expected: Verdict
) -> None:
    desk.lab.behave(desk.owner.car, **behaviour)

    assert desk.send(StartCharge()) == expected


def test_command_when_a_plan_of_enodes_controls_the_car_then_it_is_refused(desk: Desk) -> None:
    desk.lab.control("POST", f"cars/{desk.owner.car}", {"facts": {"enode": {"smart_charging": True}}})

    assert desk.send(StartCharge()) == NotExecuted("vehicle_refused", "other")
    assert desk.acts() == []


def test_token_when_it_is_over_then_a_new_one_is_the_cure_and_a_wrong_secret_is_ours_to_mend(desk: Desk) -> None:
    desk.login = replace(desk.login, access_token="expired")

    verdict = desk.send(StartCharge())
    with pytest.raises(AdapterError, match="needs_reconnect"):
        desk.values()
    checks = desk.call(lambda a: a.check_setup(), app=replace(desk.app, client_secret="no", secrets={}))

    assert verdict == NotExecuted("needs_reconnect", retry_after_s=0.0)
    assert [(check.step, check.is_ok, check.code) for check in checks] == [
        ("credentials", False, "setup_required"),
        ("api", None, ""),
        ("webhooks", False, "setup_required"),
    ]
    assert [check.is_ok for check in desk.call(lambda a: a.check_setup())] == [True, True, True]


def test_webhooks_when_they_arrive_then_only_what_is_good_is_believed_and_counts_once(desk: Desk) -> None:
    with listen() as to:

        def read() -> Delivery:
            got = to.received[-1]

            async def use(adapter: EnodeAdapter) -> Delivery:
                return adapter.read_webhook(got.headers, got.body)

            delivery: Delivery = desk.call(use)
            return delivery

        def send(**fields: Any) -> Delivery:
            desk.control("events", url=to.address, secret=SECRET, **{"car": desk.owner.car, **fields})
            return read()

        (state,) = send().events
        (again,) = read().events
        many = send(copies=100).events
        (over,) = send(event="user:credentials:invalidated").events
        (test,) = send(event="enode:webhook:test").events
        for tamper in ("body", "signature", "unsigned"):
            with pytest.raises(BadSignature):
                send(tamper=tamper)
        hook = {"url": to.address, "secret": SECRET, "events": ["user:vendor-action:updated"]}
        headers = {"Authorization": f"Bearer {desk.login.access_token}"}
        desk.lab.request("POST", f"{BASE}/webhooks", json.dumps(hook), headers)
        already = len(to.received)
        accepted = desk.send(StartCharge())
        assert wait_until(lambda: len(to.received) > already)
        (ended,) = read().events

    assert (state.kind, state.account_id, state.provider_vehicle_id) == ("state", desk.login.account_id, desk.car)
    assert state.snapshot is not None
    assert state.snapshot.value("soc_percent") == 50
    assert (again.event_id, len(many), len({event.event_id for event in many})) == (state.event_id, 100, 1)
    assert (over.kind, over.account_id, test.kind) == ("login_refused", desk.login.account_id, "test")
    assert (ended.kind, ended.ref, ended.provider_vehicle_id) == ("command", ref_of(accepted), desk.car)
    assert ended.verdict == Done("provider", ended.ref)
