"""Smartcar's adapter against its contract, and what is its own: the late body, joining, pages, signals, set-up."""

import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from compatibility.facts_of_providers import vocabulary
from fleet.adapters.base import Login, RemoteVehicle
from fleet.adapters.capabilities import Answer
from fleet.adapters.commands import Unlock
from fleet.adapters.errors import AdapterError, Done, GrantRefused, MaybeExecuted
from fleet.adapters.oauth import AppCredential, TokenSet
from fleet.adapters.providers.smartcar import payloads
from fleet.adapters.providers.smartcar.adapter import SmartcarAdapter
from fleet.adapters.setup import SetupCheck
from tests.fleet.adapters.contract import ACCESS, LOGIN, AdapterContract
from tests.fleet.adapters.providers.smartcar.verdicts import ERRORS, IMPOSSIBLE, VERDICTS
from tests.fleet.adapters.raw_server import RawServer, Request, say

HERE = Path(__file__).parent
REQUESTS = json.loads((HERE / "requests.json").read_text(encoding="utf-8"))
TOLD_AT = datetime(2026, 11, 20, 10, tzinfo=UTC)
TOKEN = {"access_token": "app-token", "token_type": "Bearer", "expires_in": 3600}


class TestSmartcarAdapter(AdapterContract):
    adapter = SmartcarAdapter
    folder = HERE
    verdicts = VERDICTS
    errors = ERRORS
    impossible = IMPOSSIBLE

    def credential(self, url):
        urls = {"authorize": f"{url}/authorize", "token": f"{url}/token", "api": f"{url}/v3", "compatibility": url}
        return AppCredential(
            urls, "client_1", "s3cret", "https://fleet.example/back", {"management_token": "amt-key"}, {"mode": "live"}
        )

    def happy_case(self, order):  # noqa: ARG002
        return "done"

    def prelude(self, request, call, case):  # noqa: ARG002
        if request.path.endswith("/signals/vehicleidentification-vin"):
            return "vin_unknown" if "/car-11/" in request.path else "vin"
        return "compatible_none" if request.path.startswith("/compatible-vehicles") else None

    def check_request(self, request, order):
        path, body = REQUESTS[order.kind]
        assert (request.method, request.path) == ("POST", f"/v3/vehicles/car%201%2F2/commands/{path}")
        assert request.headers["authorization"] == "Bearer access-token"
        assert request.headers["sc-user-id"] == "owner-1"
        assert (json.loads(request.body) if request.body else None) == body

    # Acting ---------------------------------------------------------------------------------------------------------

    def test_words_when_compared_then_every_command_of_the_card_has_a_path_of_its_own(self):
        assert set(payloads.PATHS) == set(payloads.NAMES) == set(REQUESTS) == set(self.adapter.manifest.commands)
        assert len(set(payloads.PATHS.values())) == len(REQUESTS)

    @pytest.mark.parametrize(
        ("ending", "expected"),
        [
            ("done", Done("provider", "exec_1")),
            ("refused_door_open", VERDICTS["refused_door_open"]),
            (None, MaybeExecuted(detail="HTTP 202")),
        ],
    )
    def test_send_when_202_comes_first_then_only_the_body_that_follows_counts(self, ending, expected):
        def react(connection: socket.socket, request: Request) -> bool:
            connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n\r\n")
            if ending is not None:
                connection.sendall(json.dumps(self.answer(ending)["body"]).encode())
            return False

        with RawServer(react) as server:
            verdict = self.send(server.url, Unlock())

        assert (verdict, len(server.requests)) == (expected, 1)

    # Knowing --------------------------------------------------------------------------------------------------------

    def read(self, case):
        with self.server(case, call="read") as server:
            snapshot = self.ask(server.url, "read")
        return snapshot, {name: reading.value for name, reading in snapshot.readings.items()}

    def test_read_when_everything_is_given_then_it_is_in_our_units_with_the_cars_time(self):
        snapshot, values = self.read("state_in_full")

        assert values == {
            "odometer_km": 12345.6,
            "soc_percent": 68,
            "range_km": 250.5,
            "fuel_percent": 40,
            "location": {"latitude": 52.52, "longitude": 13.405, "heading": 90},
            "locked": True,
            "doors_open": False,
            "trunk_open": True,
            "frunk_open": False,
            "charging_state": "charging",
            "plugged_in": True,
            "charge_limit_percent": 80,
            "charge_power_kw": 11.0,
            "charge_port_open": True,
            "cabin_temperature_c": 21.5,
            "outside_temperature_c": -3.5,
            "climate_on": False,
            "target_temperature_c": 20,
            "online_state": "online",
        }
        assert {reading.observed_at for reading in snapshot.readings.values()} == {TOLD_AT}

    def test_read_when_the_units_are_american_then_they_are_ours_afterwards(self):
        snapshot, values = self.read("state_in_american_units")

        assert values == {
            "odometer_km": 160.934,
            "range_km": 160.934,
            "cabin_temperature_c": 20.0,
            "charge_power_kw": 7.2,
            "soc_percent": 77.0,
        }
        assert snapshot.readings["odometer_km"].observed_at == TOLD_AT

    def test_read_when_signals_are_errors_or_nonsense_then_they_are_absent_and_never_zero_or_off(self):
        snapshot, values = self.read("state_with_errors_and_nonsense")

        assert (snapshot.online_state, values) == ("unknown", {"frunk_open": False})

    def test_read_when_the_car_sleeps_then_it_says_so_and_its_values_keep_their_age(self):
        snapshot, values = self.read("state_of_a_sleeping_car")

        assert (snapshot.online_state, values) == ("asleep", {"online_state": "asleep", "locked": True})
        assert snapshot.readings["locked"].observed_at == datetime(2026, 11, 19, 22, tzinfo=UTC)

    def test_read_when_nothing_is_stored_then_nothing_is_said(self):
        snapshot, values = self.read("state_of_a_car_that_says_nothing")

        assert (snapshot.online_state, values) == ("unknown", {})

    def test_read_capabilities_when_models_are_listed_then_all_regions_must_agree_and_the_car_knows_better(self):
        def react(connection: socket.socket, request: Request) -> bool:
            case = "compatible" if request.path.startswith("/compatible-vehicles") else "capabilities"
            return say(connection, 200, self.answer(case)["body"])

        with RawServer(react) as server:
            found = self.ask(server.url, "read_capabilities")

        said = {kind: (capability.answer, capability.why, capability.source) for kind, capability in found.items()}
        models, signals = "smartcar compatible vehicles", "smartcar signals"
        assert said == {
            "lock": (Answer.NO, "not_equipped", signals),
            "unlock": (Answer.NO, "not_equipped", signals),
            "set_charge_limit": (Answer.NO, "not_offered", signals),
            "start_charge": (Answer.YES, "", models),
            "stop_charge": (Answer.YES, "", models),
            "send_destination": (Answer.YES, "", models),
            "open_charge_port": (Answer.YES, "", models),
            # Offered in the United States and not in Europe: nobody knows where this car is.
        }
        (asked,) = (request for request in server.requests if request.path.startswith("/compatible"))
        assert parse_qs(urlsplit(asked.path).query)["filter[make]"] == ["TESLA"]
        assert "authorization" not in asked.headers

    def test_list_vehicles_when_facts_are_missing_or_nonsense_then_they_are_unknown(self):
        with self.server("vehicles_page_1", "vehicles_page_2", call="list_vehicles") as server:
            vehicles = self.ask(server.url, "list_vehicles")

        vin = "WVWZZZE1ZMP000001"
        assert vehicles[8:] == [
            RemoteVehicle("car-9", vin, "Volkswagen", "ID.4", 2022, "BEV"),
            RemoteVehicle("car-10", vin, "Mercedes-Benz", "", None, None),
            RemoteVehicle("car-11", None, "Land Rover", "Defender", 2021, "PHEV"),
            RemoteVehicle("car-12", vin, "Zukunft", "ID.4", 2022, "BEV"),
        ]
        first = parse_qs(urlsplit(server.requests[0].path).query)
        assert first == {
            "filter[userId]": ["owner-1"],
            "filter[vehicle.mode]": ["live"],
            "page[number]": ["1"],
            "page[size]": ["100"],
        }

    # Joining --------------------------------------------------------------------------------------------------------

    def test_begin_connect_when_a_make_was_chosen_then_smartcar_skips_its_own_choice(self):
        async def begin(adapter):
            scopes = ["read_vin", "read_lock_state", "control_security", "control_engine"]
            return adapter.begin_connect(
                brand="mercedesbenz", state="s", verifier="v" * 43, scopes=scopes, language="de"
            )

        url = self.call("http://127.0.0.1:1", begin)

        assert url.partition("?")[0] == "http://127.0.0.1:1/authorize"
        assert parse_qs(urlsplit(url).query) == {
            "response_type": ["code"],
            "client_id": ["client_1"],
            "redirect_uri": ["https://fleet.example/back"],
            "scope": ["control_security read_security read_vehicle_info read_vin"],
            "state": ["s"],
            "approval_prompt": ["force"],
            "mode": ["live"],
            "single_select": ["false"],
            "make": ["MERCEDES_BENZ"],
        }

    def finish(self, page, answer):
        def react(connection: socket.socket, request: Request) -> bool:
            if request.path == "/token":
                return say(connection, 200, TOKEN)
            return say(connection, 200, self.answer(page)["body"])

        with RawServer(react) as server:
            found = self.call(
                server.url,
                lambda a: a.finish_connect(brand="tesla", answer=answer, verifier="v" * 43, our_id="visit-1"),
            )
        return found, server.requests

    def test_finish_connect_when_the_user_has_connections_then_their_permissions_are_what_was_granted(self):
        found, requests = self.finish("vehicles_page_2", {"code": "unused", "user_id": "owner-1"})

        scopes = frozenset({"read_vin", "read_odometer", "control_security"})
        assert found == TokenSet("app-token", None, 3600, scopes, "owner-1")
        assert parse_qs(requests[0].body.decode()) == {
            "grant_type": ["client_credentials"],
            "client_id": ["client_1"],
            "client_secret": ["s3cret"],
        }
        assert requests[1].headers["authorization"] == "Bearer app-token"

    @pytest.mark.parametrize(
        ("page", "answer"), [("vehicles_none", {"user_id": "made-up"}), ("vehicles_page_2", {"code": "unused"})]
    )
    def test_finish_connect_when_smartcar_knows_no_such_user_then_nothing_is_believed(self, page, answer):
        with pytest.raises(GrantRefused):
            self.finish(page, answer)

    @pytest.mark.parametrize("status", [204, 404])
    def test_revoke_when_smartcar_forgot_the_user_then_that_is_the_end(self, status):
        with RawServer(lambda connection, _: say(connection, status, b"")) as server:
            self.call(server.url, lambda a: a.revoke(brand="tesla", refresh_token="", login=LOGIN))

        assert [(request.method, request.path) for request in server.requests] == [("DELETE", "/v3/users/owner-1")]

    def test_revoke_when_smartcar_does_not_confirm_it_then_that_is_told(self):
        with RawServer(lambda connection, _: say(connection, 500, b"")) as server, pytest.raises(AdapterError):
            self.call(server.url, lambda a: a.revoke(brand="tesla", refresh_token="", login=LOGIN))

        with pytest.raises(AdapterError, match="invalid_request"):
            self.call("http://127.0.0.1:1", lambda a: a.revoke(brand="tesla", refresh_token="", login=Login("token")))

    def test_list_brands_when_asked_then_their_names_are_those_of_our_data(self):
        brands = self.call("http://127.0.0.1:1", lambda a: a.list_brands())

        assert {brand.name for brand in brands} <= set(vocabulary().makes)
        assert len({brand.key for brand in brands}) == len(brands) == 36
        assert next(brand for brand in brands if brand.key == "rivian").countries == ("US",)

    # Being set up ---------------------------------------------------------------------------------------------------

    def test_check_setup_when_something_is_wrong_then_the_step_says_what(self):
        refused = {"error": "invalid_client", "error_description": "No."}

        def check(token, api):
            def react(connection: socket.socket, request: Request) -> bool:
                given = token if request.path == "/token" else api
                return say(connection, *given)

            with RawServer(react) as server:
                return self.call(server.url, lambda a: a.check_setup())

        good, hooks = self.answer("vehicles_none")["body"], SetupCheck("webhooks", True)
        assert check((200, TOKEN), (200, good)) == [SetupCheck("credentials", True), SetupCheck("api", True), hooks]
        assert check((401, refused), (200, good)) == [
            SetupCheck("credentials", False, "setup_required", "invalid_client"),
            SetupCheck("api", None),
            hooks,
        ]
        assert check((200, TOKEN), (430, self.answer("plan_used_up")["body"])) == [
            SetupCheck("credentials", True),
            SetupCheck("api", False, "quota_exhausted", "BILLING/VEHICLE_REQUEST_LIMIT"),
            hooks,
        ]
        assert check((502, b"<h1>502</h1>"), (200, good))[0] == SetupCheck(
            "credentials", None, "upstream_down", "HTTP 502"
        )

    def test_wake_when_asked_then_there_is_no_such_call(self):
        assert self.call("http://127.0.0.1:1", lambda a: a.wake(ACCESS, budget_s=1.0)) is False
