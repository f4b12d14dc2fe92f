"""Volvo's adapter against the lab's Volvo: from the sign-in page to the last command, over HTTP, by the ledger."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from fleet.adapters.base import Login
from fleet.adapters.capabilities import Answer
from fleet.adapters.commands import FlashLights, HonkHorn, Lock, StartClimate, StartEngine, StopClimate, Unlock
from fleet.adapters.errors import Accepted, AdapterError, Done, GrantRefused, NotExecuted
from fleet.adapters.http import Http
from fleet.adapters.oauth import AppCredential
from fleet.adapters.providers.volvo.adapter import VolvoAdapter
from fleet.adapters.setup import SetupCheck
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

VERIFIER = "v" * 43
EX30 = {"model": "EX30", "year": 2024, "state": {"plugged_in": True, "charging_state": "charging", "soc_percent": 40}}
XC60 = {"model": "XC60", "year": 2019, "powertrain": "ICE", "state": {"locked": False}}


@pytest.fixture(scope="module")
def lab() -> Iterator[Simulator]:
    simulator = start_simulator(*make_client_arguments())
    yield simulator
    simulator.stop()


@pytest.fixture(scope="module")
def app(lab):
    base = f"{lab.address}/dialects/volvo"
    urls = {"authorize": f"{base}/as/authorization.oauth2", "token": f"{base}/as/token.oauth2", "api": base}
    return AppCredential(urls, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, {"api_key": "volvo-lab-api-key"})


def call(app, use):
    async def run():
        async with Http() as http:
            return await use(VolvoAdapter(app, http))

    return asyncio.run(run())


def sign_in(lab, app, owner: Owner, ticked):
    """Go through the maker's pages as the owner does, and trade the code that comes back."""

    async def begin(adapter):
        scopes = adapter.manifest.scopes
        return adapter.begin_connect(brand="volvo", state="s", verifier=VERIFIER, scopes=scopes, language="en")

    parts = urlsplit(call(app, begin))
    page = lab.request("GET", f"{parts.path}?{parts.query}")
    fields = {"ticket": PageReader(page.text).ticket, "email": owner.email, "password": PASSWORD}
    page = lab.form("/volvo/oauth/sign-in", fields)
    ticket = PageReader(page.text).ticket
    back = lab.form("/volvo/oauth/consent", {"ticket": ticket, "decision": "allow", "scope": ticked})
    return call(
        app,
        lambda a: a.finish_connect(brand="volvo", answer=back.location, verifier=VERIFIER, our_id="we-call-them-so"),
    )


def test_owner_when_signed_in_then_cars_are_listed_read_and_obey_within_what_was_ticked(lab, app):
    owner = lab.add_owner(EX30, XC60, brand="volvo")

    tokens = sign_in(lab, app, owner, ["read_vin", "read_battery", "read_charge", "control_security"])
    login = Login(tokens.access_token, tokens.account_id or "")
    electric, petrol = call(app, lambda a: a.list_vehicles(login))
    snapshot = call(app, lambda a: a.read(login.to(electric.vin)))

    assert tokens.account_id == owner.account_id
    assert tokens.scopes == {"read_vin", "read_battery", "read_charge", "control_security"}
    assert (electric.model, electric.powertrain, electric.year) == ("EX30", "BEV", 2024)
    assert (petrol.model, petrol.powertrain, petrol.year) == ("XC60", "ICE", 2019)
    assert (snapshot.value("soc_percent"), snapshot.value("charging_state")) == (40, "charging")
    assert (snapshot.value("odometer_km"), snapshot.value("location")) == (None, None)
    found = call(app, lambda a: a.read_capabilities(login.to(electric.vin)))
    assert {kind for kind, capability in found.items() if capability.answer is Answer.NO} == {
        "start_engine",
        "stop_engine",
    }
    assert send(app, login, petrol, Lock()) == Done("provider")
    assert send(app, login, petrol, StartClimate()) == NotExecuted("needs_consent")
    assert [entry["command"] for entry in lab.entries(owner.cars[1], executed="true")] == ["lock"]


def send(app, login, car, order):
    return call(app, lambda a: a.send(login.to(car.vin), order, permit=Permit(), request_id="1"))


def test_orders_when_everything_is_allowed_then_each_moves_the_car_once(lab, app):
    owner = lab.add_owner(XC60, brand="volvo")
    scopes = [name for name in owner_scopes() if name != "read_fuel"]
    tokens = sign_in(lab, app, owner, scopes)
    login = Login(tokens.access_token, tokens.account_id or "")
    [car] = call(app, lambda a: a.list_vehicles(login))
    orders = [Lock(), Unlock(), FlashLights(), HonkHorn(), StartClimate(), StopClimate(), StartEngine(5)]

    verdicts = [send(app, login, car, order) for order in orders]

    assert tokens.scopes == VolvoAdapter.manifest.scopes
    assert all(isinstance(verdict, Done | Accepted) for verdict in verdicts)
    assert [entry["command"] for entry in lab.entries(owner.cars[0], executed="true")] == [
        "lock",
        "unlock",
        "lights.flash",
        "horn.honk",
        "climate.start",
        "climate.stop",
        "engine.start",
    ]


def owner_scopes():
    return sorted(VolvoAdapter.manifest.scopes)


@pytest.mark.parametrize(
    ("behaviour", "code"), [({"offline": True}, "vehicle_unreachable"), ({"asleep": True}, "vehicle_asleep")]
)
def test_unlock_when_the_car_is_not_accessible_then_nothing_is_sent(lab, app, behaviour, code):
    owner = lab.add_owner(EX30, brand="volvo")
    tokens = sign_in(lab, app, owner, owner_scopes())
    login = Login(tokens.access_token, tokens.account_id or "")
    [car] = call(app, lambda a: a.list_vehicles(login))
    lab.behave(owner.cars[0], **behaviour)

    with pytest.raises(AdapterError, match=code):
        send(app, login, car, Unlock())

    assert lab.entries(owner.cars[0]) == []


def test_refresh_when_a_token_was_spent_then_only_the_new_one_counts(lab, app):
    owner = lab.add_owner(EX30, brand="volvo")
    first = sign_in(lab, app, owner, owner_scopes())

    second = call(app, lambda a: a.refresh(brand="volvo", refresh_token=first.refresh_token))

    assert second.account_id == owner.account_id
    assert second.refresh_token != first.refresh_token
    with pytest.raises(GrantRefused):
        call(app, lambda a: a.refresh(brand="volvo", refresh_token=first.refresh_token))


def test_set_up_when_tried_then_each_wrong_part_is_named(lab, app):
    wrong_key = replace(app, secrets={"api_key": "another"})
    wrong_secret = replace(app, client_secret="another")

    good, bad_key, bad_secret = (call(one, lambda a: a.check_setup()) for one in (app, wrong_key, wrong_secret))

    assert good == [SetupCheck("credentials", True), SetupCheck("api", True)]
    assert bad_key == [SetupCheck("credentials", True), SetupCheck("api", False, "setup_required", "HTTP 401")]
    assert [check.is_ok for check in bad_secret] == [False, True]
