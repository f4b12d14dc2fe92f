"""Tesla's adapter against its contract, over plain commands, and what is its own: regions, scopes, readings, waking."""

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fleet.adapters.base import Access, Login
from fleet.adapters.capabilities import Answer
from fleet.adapters.commands import CloseTrunk, Lock, OpenTrunk, SetPin, StartClimate, StartEngine, Unlock
from fleet.adapters.errors import AdapterError, NotExecuted
from fleet.adapters.oauth import AppCredential
from fleet.adapters.providers.tesla import adapter as module
from fleet.adapters.providers.tesla.adapter import TeslaAdapter
from fleet.adapters.providers.tesla.sending import LIFETIME_S
from fleet.adapters.providers.tesla.signing.keys import make_signing_key
from tests.fleet.adapters.contract import AdapterContract
from tests.fleet.adapters.providers.tesla.tokens import TOKEN, make_token
from tests.fleet.adapters.providers.tesla.verdicts import ERRORS, IMPOSSIBLE, VERDICTS
from tests.fleet.adapters.raw_server import RawServer, say
from tests.fleet.adapters.rig import Permit

HERE = Path(__file__).parent
REQUESTS = json.loads((HERE / "requests.json").read_text(encoding="utf-8"))
VIN = "5YJSA1E26HF000001"
KEY = make_signing_key()
CLOSE_TRUNK = "accepted_with_the_trunk_open"


class TestTeslaAdapter(AdapterContract):
    adapter = TeslaAdapter
    folder = HERE
    verdicts = VERDICTS
    errors = ERRORS
    impossible = IMPOSSIBLE
    orders = {"start_climate": StartClimate(), "start_engine": StartEngine()}
    login = Login(TOKEN, "owner-1", "eu")
    access = login.to(VIN)

    # What comes before a command, where a test wants something else than usual.
    before: dict[str, str] = {}

    def credential(self, url):
        return AppCredential(
            {
                "authorize": f"{url}/oauth2/v3/authorize",
                "token": f"{url}/oauth2/v3/token",
                "api_na": f"{url}/na",
                "api_eu": f"{url}/eu",
                "pairing": "https://tesla.com/_ak",
            },
            "client-1",
            "s3cret/+",
            "https://fleet.example/connect/callback/",
            {"signing_key": KEY},
            {"domain": "fleet.example"},
        )

    def prelude(self, request, call, case):
        what = urlsplit(request.path).path.rpartition("/")[2]
        if call == "send" and what == "fleet_status":
            return self.before.get(what, "capabilities")
        if call == "send" and what == "vehicle_data":
            return self.before.get(what, "trunk_open" if case == CLOSE_TRUNK else "trunk_closed")
        if call == "read" and what == VIN:
            return "vehicle_online"
        if call == "read_capabilities" and what == "vehicle_data":
            return "vehicle_config"
        return None

    def happy_case(self, order):
        return {"set_pin": "accepted_by_a_car_that_may_store_a_pin", "close_trunk": CLOSE_TRUNK}.get(
            order.kind, "accepted"
        )

    def check_request(self, request, order):
        expected = REQUESTS[order.kind]
        assert (request.method, request.path) == ("POST", f"/eu/api/1/vehicles/{VIN}/command/{expected['name']}")
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.json() == expected["body"]

    # Before a command -----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("order", "before", "verdict"),
        [
            (OpenTrunk(), {"vehicle_data": "trunk_open"}, NotExecuted("vehicle_refused", "trunk_open", written=False)),
            (OpenTrunk(), {"vehicle_data": "trunk_unknown"}, NotExecuted("upstream_error", written=False)),
            (CloseTrunk(), {"vehicle_data": "trunk_closed"}, NotExecuted("vehicle_refused", "other", written=False)),
            (CloseTrunk(), {"vehicle_data": "trunk_open_by_hand"}, NotExecuted("not_capable", written=False)),
            (Unlock(), {"fleet_status": "must_sign_and_unpaired"}, NotExecuted("needs_pairing", written=False)),
        ],
    )
    def test_send_when_the_car_would_do_something_else_then_nothing_leaves(self, order, before, verdict):
        self.before = before
        permit = Permit()

        with self.server("accepted") as server:
            found = self.send(server.url, order, permit)

        assert (found, permit.asked, server.requests) == (verdict, 0, [])

    @pytest.mark.parametrize("order", [StartClimate(21.5), StartEngine(10)], ids=lambda order: order.kind)
    def test_send_when_it_asks_for_more_than_one_request_can_tell_then_nothing_leaves(self, order):
        with self.server("accepted") as server, pytest.raises(AdapterError, match="invalid_request"):
            self.send(server.url, order)

        assert server.connections == []

    def test_send_when_there_is_no_signing_key_then_a_car_that_wants_signatures_is_not_asked(self):
        self.before = {"fleet_status": "must_sign_and_paired"}
        adapter = _without_key(self.credential)

        with self.server("accepted") as server:
            found = self.call_as(adapter, server.url, Lock())

        assert (found, server.requests) == (NotExecuted("setup_required", written=False), [])

    def call_as(self, credential, url, order):
        self.credential = credential
        return self.send(url, order)

    def test_send_when_sent_twice_then_the_car_is_asked_once_how_it_takes_commands(self):
        async def twice(adapter):
            return [await adapter.send(self.access, Lock(), permit=Permit(), request_id="r") for _ in range(2)]

        def react(connection, request):
            name = "capabilities" if request.path.endswith("fleet_status") else "accepted"
            return say(connection, 200, self.answer(name)["body"])

        with RawServer(react) as server:
            self.call(server.url, twice)

        asked = [request.path.rpartition("/")[2] for request in server.requests]
        assert asked == ["fleet_status", "door_lock", "door_lock"]

    def test_send_when_the_pin_is_set_then_it_is_in_no_address_and_no_verdict(self):
        with self.server("accepted_by_a_car_that_may_store_a_pin") as server:
            verdict = self.send(server.url, SetPin("7391"))

        assert "7391" not in server.requests[0].path + repr(verdict) + str(server.requests[0].headers)

    def test_lifetime_when_compared_then_a_signed_command_is_dead_before_we_give_up(self):
        assert TeslaAdapter.manifest.answer_within_s > LIFETIME_S

    # Knowing --------------------------------------------------------------------------------------------------------

    def test_list_vehicles_when_read_then_model_and_year_are_those_of_the_vin(self):
        with self.server("vehicles_page_1", "vehicles_page_2", call="list_vehicles") as server:
            found = self.ask(server.url, "list_vehicles")

        told = {car.vin: (car.model, car.year, car.display_name) for car in found[9:]}
        assert told == {
            "5YJSA1E26HF000010": ("Model S", 2017, "Pool 10"),
            "LRW3E7FS2RC000001": ("Model 3", 2024, None),
            "7G2CEHED9PA000001": ("Cybertruck", 2023, None),
            "ZZZ3E7FS2RC000001": ("", None, "odd"),
        }

    def test_read_when_all_is_given_then_miles_are_kilometres_and_the_time_is_the_cars(self):
        with self.server("state_in_full", call="read") as server:
            snapshot = self.ask(server.url, "read")

        values = {name: reading.value for name, reading in snapshot.readings.items()}
        assert values == {
            "odometer_km": 12345.4,
            "soc_percent": 68,
            "range_km": 321.9,
            "charging_state": "charging",
            "plugged_in": True,
            "charge_limit_percent": 80,
            "charge_power_kw": 11,
            "charge_port_open": True,
            "location": {"latitude": 52.52, "longitude": 13.405, "heading": 90},
            "in_motion": False,
            "locked": True,
            "doors_open": False,
            "trunk_open": True,
            "frunk_open": False,
            "valet_mode": False,
            "climate_on": False,
            "cabin_temperature_c": -3.5,
            "outside_temperature_c": -7,
            "target_temperature_c": 21.5,
            "online_state": "online",
        }
        assert snapshot.readings["locked"].observed_at == datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
        assert snapshot.readings["location"].observed_at == datetime(2026, 3, 1, 9, 56, 40, tzinfo=UTC)

    def test_read_when_values_are_missing_then_they_are_absent_and_never_zero_or_off(self):
        with self.server("state_with_gaps", call="read") as server:
            snapshot = self.ask(server.url, "read")

        values = {name: reading.value for name, reading in snapshot.readings.items()}
        # A door is open, whatever the silent fourth one is; no time, no climate; 0 miles left is said, and possible.
        assert values == {"range_km": 0.0, "doors_open": True, "online_state": "online"}

    def test_read_when_the_place_was_not_granted_then_it_is_not_asked_for(self):
        self.access = Access(VIN, make_token(sub="owner-1", scp=["vehicle_device_data"], ou_code="EU"), "owner-1", "eu")

        with self.server("state_in_full", call="read") as server:
            snapshot = self.ask(server.url, "read")

        assert {"location", "in_motion"} & set(snapshot.readings) == set()
        assert "location_data" not in server.requests[0].path

    @pytest.mark.parametrize("case", ["vehicle_asleep", "vehicle_offline"])
    def test_read_when_the_car_sleeps_then_it_is_left_asleep(self, case):
        with RawServer(lambda connection, _: say(connection, 200, self.answer(case)["body"])) as server:
            snapshot = self.ask(server.url, "read")

        assert (snapshot.online_state, set(snapshot.readings)) == ("asleep", {"online_state"})
        assert [request.path for request in server.requests] == [f"/eu/api/1/vehicles/{VIN}"]

    def test_read_capabilities_when_the_car_tells_then_yes_no_and_unknown_are_told_apart(self):
        with self.server("capabilities", call="read_capabilities") as server:
            found = self.ask(server.url, "read_capabilities")

        said = {kind: (capability.answer, capability.why) for kind, capability in found.items()}
        assert said == dict.fromkeys(set(REQUESTS) - {"close_trunk", "start_engine"}, (Answer.YES, "")) | {
            "close_trunk": (Answer.NO, "not_equipped")
        }

    def test_read_capabilities_when_the_key_is_missing_then_only_navigation_works(self):
        def react(connection, request):
            name = "must_sign_and_unpaired" if request.path.endswith("fleet_status") else "asleep"
            return say(connection, self.answer(name)["status"], self.answer(name)["body"])

        with RawServer(react) as server:
            found = self.ask(server.url, "read_capabilities")

        assert {capability.why for kind, capability in found.items()} == {"needs_pairing"}
        assert set(found) == set(REQUESTS) - {"send_destination"}


def _without_key(credential):
    def make(url):
        app = credential(url)
        return AppCredential(app.urls, app.client_id, app.client_secret, options=app.options)

    return make


def wake(states, monkeypatch, *, budget_s=5.0, first=None):
    """Wake a car whose states come one after the other; what came of it, and how often it was asked to wake."""
    monkeypatch.setattr(module, "WAKE_LOOKS_S", (0.01, 0.01))
    rest = list(states)

    def react(connection, request):
        if first is not None and request.path.endswith("/wake_up"):
            return say(connection, *first)
        return say(connection, 200, {"response": {"state": rest.pop(0) if len(rest) > 1 else rest[0]}})

    with RawServer(react) as server:
        contract = TestTeslaAdapter()
        awake = contract.call(server.url, lambda adapter: adapter.wake(contract.access, budget_s=budget_s))
    return awake, [request.path.rpartition("/")[2] for request in server.requests]


def test_wake_when_the_car_takes_a_while_then_it_is_asked_once_and_looked_at(monkeypatch):
    assert wake(["offline", "asleep", "online"], monkeypatch) == (True, ["wake_up", VIN, VIN])


def test_wake_when_the_car_is_awake_then_nothing_is_waited_for(monkeypatch):
    assert wake(["online"], monkeypatch) == (True, ["wake_up"])


def test_wake_when_the_car_stays_asleep_then_the_budget_ends_it(monkeypatch):
    assert wake(["asleep"], monkeypatch, budget_s=0.3) == (False, ["wake_up", VIN, VIN])
