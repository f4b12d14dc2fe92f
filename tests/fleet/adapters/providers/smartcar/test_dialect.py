"""Smartcar's adapter against the lab's Smartcar: from sign-in to web-hook, over HTTP, by what the ledger counted."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from fleet.adapters.base import Login
from fleet.adapters.capabilities import Answer
from fleet.adapters.commands import (
    CloseChargePort,
    Command,
    Lock,
    OpenChargePort,
    SendDestination,
    SetChargeLimit,
    StartCharge,
    StopCharge,
    Unlock,
)
from fleet.adapters.errors import Accepted, AdapterError, Done, MaybeExecuted, NotExecuted, Verdict
from fleet.adapters.http import Http
from fleet.adapters.oauth import AppCredential
from fleet.adapters.providers.smartcar.adapter import SmartcarAdapter
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
)
from tests.simulator.dialects.listener import listen

KEY = "smartcar-lab-management-token"
CAR = {"model": "ID.4", "year": 2023, "state": {"plugged_in": True, "soc_percent": 50}}
VERIFIER = "v" * 43


@pytest.fixture(scope="module")
def lab() -> Iterator[Simulator]:
    simulator = start_simulator(*make_client_arguments())
    yield simulator
    simulator.stop()


class Desk:
    """Our registration at the lab, one owner who has connected, and what happens to the owner's first car."""

    def __init__(self, lab: Simulator, owner: Owner) -> None:
        base = f"{lab.address}/dialects/smartcar"
        urls = {"authorize": f"{base}/oauth/authorize", "token": f"{base}/oauth2/token"}
        urls |= {"api": f"{base}/v3", "compatibility": f"{base}/v3"}
        self.app = AppCredential(urls, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, {"management_token": KEY})
        self.lab, self.owner = lab, owner
        made = self.control("connections", account_id=owner.account_id, client_id=CLIENT_ID)
        self.car = made["vehicles"][owner.car]
        self.login = Login(self.call(lambda a: a.application_token()).access_token, made["user_id"])

    def control(self, path: str, **body: Any) -> Any:
        return self.lab.request("POST", f"/dialects/smartcar/_control/{path}", json.dumps(body)).json()

    def call(self, use: Callable[[SmartcarAdapter], Awaitable[Any]], app: AppCredential | None = None) -> Any:
        async def run() -> Any:
            async with Http() as http:
                return await use(SmartcarAdapter(app or self.app, http))

        return asyncio.run(run())

    def send(self, order: Command) -> Verdict:
        access = self.login.to(self.car)
        verdict: Verdict = self.call(lambda a: a.send(access, order, permit=Permit(), request_id="request-1"))
        return verdict

    def values(self) -> dict[str, Any]:
        snapshot = self.call(lambda a: a.read(self.login.to(self.car)))
        return {name: reading.value for name, reading in snapshot.readings.items()}

    def acts(self) -> list[str]:
        return [entry["command"] for entry in self.lab.entries(self.owner.car, executed="true")]


@pytest.fixture
def desk(lab: Simulator) -> Iterator[Desk]:
    yield Desk(lab, lab.add_owner(CAR))
    lab.control("DELETE", "behaviour")


def sign_in(lab: Simulator, owner: Owner, url: str, *, decision: str, ticked: list[str]) -> dict[str, str]:
    """Go through the pages as an owner's browser would; return the query of the way back."""
    parts = urlsplit(url)
    page = lab.request("GET", f"{parts.path}?{parts.query}")
    fields = {"ticket": PageReader(page.text).ticket, "email": owner.email, "password": PASSWORD}
    page = lab.form(f"/{owner.brand}/oauth/sign-in", fields)
    consent = {"ticket": PageReader(page.text).ticket, "decision": decision, "scope": ticked}
    return lab.form(f"/{owner.brand}/oauth/consent", consent).location


def test_joining_when_the_owner_allows_a_part_then_that_part_and_the_cars_are_ours(desk: Desk) -> None:
    owner = desk.lab.add_owner(CAR, CAR)
    asked = ["read_vin", "read_odometer", "control_security"]

    async def begin(adapter: SmartcarAdapter) -> str:
        return adapter.begin_connect(brand="volkswagen", state="xyz", verifier=VERIFIER, scopes=asked, language="de")

    back = sign_in(desk.lab, owner, desk.call(begin), decision="allow", ticked=["read_vin", "control_security"])
    tokens = desk.call(lambda a: a.finish_connect(brand="volkswagen", answer=back, verifier=VERIFIER, our_id="visit-1"))
    cars = desk.call(lambda a: a.list_vehicles(Login(tokens.access_token, tokens.account_id)))

    assert (back["state"], tokens.account_id, tokens.refresh_token) == ("xyz", back["user_id"], None)
    assert tokens.scopes == {"read_vin", "control_security"}
    assert {(car.vin, car.make, car.model, car.year, car.powertrain) for car in cars} == {
        (vehicle["vin"], "Volkswagen", "ID.4", 2023, "BEV") for vehicle in owner.vehicles
    }
    desk.call(
        lambda a: a.revoke(brand="volkswagen", refresh_token="", login=Login(tokens.access_token, tokens.account_id))
    )
    assert desk.call(lambda a: a.list_vehicles(Login(tokens.access_token, tokens.account_id))) == []


def test_list_vehicles_when_there_are_many_then_each_comes_with_its_vin(desk: Desk) -> None:
    fleet = Desk(desk.lab, desk.lab.add_owner(*[CAR] * 12))

    cars = fleet.call(lambda a: a.list_vehicles(fleet.login))

    assert sorted(str(car.vin) for car in cars) == sorted(vehicle["vin"] for vehicle in fleet.owner.vehicles)


@pytest.mark.parametrize("times", ["iso", "ms", "s"])
def test_read_when_the_car_is_awake_then_it_is_what_the_car_is(desk: Desk, times: str) -> None:
    desk.lab.control("POST", f"cars/{desk.owner.car}", {"facts": {"smartcar": {"times": times}}})

    values = desk.values()

    truth = desk.owner.truth()["signals"]
    same = ["odometer_km", "soc_percent", "locked", "doors_open", "plugged_in", "charge_limit_percent", "climate_on"]
    assert {name: values[name] for name in same} == {name: truth[name] for name in same}
    assert (values["online_state"], values["charging_state"]) == ("online", "connected")
    assert set(values) <= SmartcarAdapter.manifest.signals


def test_capabilities_when_asked_then_models_and_the_car_have_been_heard(desk: Desk) -> None:
    errors = {"charge-chargelimits": {"type": "COMPATIBILITY", "code": "VEHICLE_NOT_CAPABLE"}}
    desk.lab.control("POST", f"cars/{desk.owner.car}", {"facts": {"smartcar": {"errors": errors}}})

    found = desk.call(lambda a: a.read_capabilities(desk.login.to(desk.car)))

    said = {kind: capability.answer for kind, capability in found.items()}
    assert said == dict.fromkeys(SmartcarAdapter.manifest.commands, Answer.YES) | {"set_charge_limit": Answer.NO}


def test_commands_when_sent_then_each_acts_once_and_the_next_reading_shows_it(desk: Desk) -> None:
    orders: list[tuple[Command, str, Any]] = [
        (Unlock(), "locked", False),
        (Lock(), "locked", True),
        (StartCharge(), "charging_state", "charging"),
        (StopCharge(), "charging_state", "connected"),
        (SetChargeLimit(77), "charge_limit_percent", 77),
        (CloseChargePort(), "charge_port_open", False),
        (OpenChargePort(), "charge_port_open", True),
        (SendDestination(48.1, 11.5, "Depot"), "", None),
    ]

    for order, signal, expected in orders:
        if order.kind == "close_charge_port":
            desk.owner.set(plugged_in=False, charge_port_open=True)
        verdict = desk.send(order)
        assert (order.kind, type(verdict)) == (order.kind, Done)
        assert not signal or desk.values()[signal] == expected

    words = "unlock lock charge.start charge.stop charge.set_limit charge_port.close charge_port.open navigation.send"
    assert desk.acts() == words.split()
    assert desk.send(StopCharge()) == NotExecuted("vehicle_refused", "plug_not_connected")


@pytest.mark.parametrize(
    ("behaviour", "order", "expected", "has_acted"),
    [
        ({"asleep": True}, Lock(), NotExecuted("vehicle_asleep", retry_after_s=20.0), False),
        ({"offline": True}, Lock(), NotExecuted("vehicle_unreachable", retry_after_s=10.0), False),
        ({"refuse": "door_open"}, Lock(), NotExecuted("vehicle_refused", "door_open"), False),
        ({}, StopCharge(), Done("already"), False),
        ({"token_revoked": True}, Lock(), NotExecuted("needs_reconnect"), False),
        ({"rate_limit": {"retry_after_s": 7}}, Lock(), NotExecuted("rate_limited", retry_after_s=7.0), False),
        ({"status_after": {"status": 504}}, Unlock(), MaybeExecuted(detail="UPSTREAM/NO_RESPONSE"), True),
        ({"maker_says": {"word": "BILLING/VEHICLE_LIMIT"}}, Lock(), NotExecuted("quota_exhausted"), False),
        ({"maker_says": {"word": "200 FAILURE"}}, Lock(), NotExecuted("vehicle_refused", "other"), False),
        (
            {"maker_says": {"word": "200 VEHICLE_STATE/HOOD_OPEN"}},
            Lock(),
            NotExecuted("vehicle_refused", "hood_open"),
            False,
        ),
        ({"lose_reply": 1}, Unlock(), MaybeExecuted(detail="ServerDisconnectedError"), True),
        ({"never_acts": True}, Unlock(), Accepted, False),
        ({"effect_s": 0.4, "patience_s": 0.05}, Unlock(), Done, True),
    ],
    ids=lambda value: next(iter(value), "plain") if isinstance(value, dict) else "",
)
def test_command_when_it_goes_wrong_then_no_more_is_said_than_the_ledger_knows(
    desk: Desk, behaviour: dict[str, Any], order: Command, expected: Any, has_acted: bool
) -> None:
    desk.lab.behave(desk.owner.car, **behaviour)

    verdict = desk.send(order)

    assert (type(verdict) if isinstance(expected, type) else verdict) == expected
    assert len(desk.acts()) == has_acted


def test_token_when_it_is_over_then_a_new_one_is_the_cure_and_a_wrong_secret_is_ours_to_mend(desk: Desk) -> None:
    desk.login = replace(desk.login, access_token="expired")

    verdict = desk.send(Lock())
    with pytest.raises(AdapterError, match="needs_reconnect"):
        desk.values()
    checks = desk.call(lambda a: a.check_setup(), app=replace(desk.app, client_secret="no"))

    assert verdict == NotExecuted("needs_reconnect", retry_after_s=0.0)
    assert [(check.step, check.is_ok, check.code) for check in checks] == [
        ("credentials", False, "setup_required"),
        ("api", None, ""),
        ("webhooks", True, ""),
    ]
    assert [check.is_ok for check in desk.call(lambda a: a.check_setup())] == [True, True, True]


def test_webhooks_when_they_arrive_then_only_what_is_good_is_believed_and_counts_once(desk: Desk) -> None:
    with listen() as to:

        def send(**fields: Any) -> Delivery:
            desk.control("webhooks", url=to.address, **{"car": desk.owner.car, **fields})
            got = to.received[-1]

            async def read(adapter: SmartcarAdapter) -> Delivery:
                return adapter.read_webhook(got.headers, got.body)

            delivery: Delivery = desk.call(read)
            return delivery

        verify = send(event="VERIFY", challenge="please")
        (state,) = send(event="VEHICLE_STATE").events
        sent = json.loads(to.received[-1].body)["meta"]["deliveryId"]
        (again,) = send(replay=sent).events
        (over,) = send(event="VEHICLE_ERROR").events
        (noise,) = send(event="VEHICLE_STATE", mode="TEST").events
        for tamper in ("body", "signature", "unsigned", "other_key"):
            with pytest.raises(BadSignature):
                send(event="VEHICLE_STATE", tamper=tamper)

    # What Smartcar's own documents say a receiver has to answer.
    assert verify.reply == {"challenge": _hmac(b"please")}
    assert (state.kind, state.account_id, state.provider_vehicle_id) == ("state", desk.login.account_id, desk.car)
    assert state.snapshot is not None
    assert state.snapshot.value("soc_percent") == 50
    assert again.event_id == state.event_id
    assert over.event_id != state.event_id
    assert (over.kind, over.account_id, noise.kind, noise.snapshot) == (
        "login_refused",
        desk.login.account_id,
        "test",
        None,
    )


def _hmac(content: bytes) -> str:
    return hmac.new(KEY.encode(), content, hashlib.sha256).hexdigest()
