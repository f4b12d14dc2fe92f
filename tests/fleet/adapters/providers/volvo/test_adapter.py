"""Volvo's adapter against its contract, and what is its own: two scopes for one, three interfaces in one reading."""

import base64
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from fleet.adapters.capabilities import Answer
from fleet.adapters.commands import StartClimate, StartEngine, Unlock
from fleet.adapters.errors import AdapterError, GrantRefused
from fleet.adapters.oauth import AppCredential, challenge_of
from fleet.adapters.providers.volvo.adapter import RESOURCES, VolvoAdapter
from fleet.adapters.providers.volvo.scopes import from_volvo, to_volvo
from fleet.adapters.setup import SetupCheck
from tests.fleet.adapters.contract import ACCESS, LOGIN, AdapterContract
from tests.fleet.adapters.faults import twisted
from tests.fleet.adapters.providers.volvo.verdicts import ERRORS, IMPOSSIBLE, VERDICTS
from tests.fleet.adapters.raw_server import RawServer, say
from tests.fleet.adapters.rig import Permit

HERE = Path(__file__).parent
ADDRESSES = {
    "lock": "lock",
    "unlock": "unlock",
    "start_climate": "climatization-start",
    "stop_climate": "climatization-stop",
    "flash_lights": "flash",
    "honk_horn": "honk",
    "start_engine": "engine-start",
    "stop_engine": "engine-stop",
}
WHOLE = {"state_in_full", "state_with_errors_and_oddities"}


class TestVolvoAdapter(AdapterContract):
    adapter = VolvoAdapter
    folder = HERE
    verdicts = VERDICTS
    errors = ERRORS
    impossible = IMPOSSIBLE
    vehicle_pages = ("vehicles_page_1",)
    orders = {"start_climate": StartClimate()}

    def credential(self, url):
        return AppCredential(
            {"api": url, "authorize": f"{url}/as/authorization.oauth2", "token": f"{url}/as/token.oauth2"},
            "client-1",
            "s3cret/+",
            "https://fleet.example/connect/callback/",
            {"api_key": "k3y"},
        )

    def prelude(self, request, call, case):
        what = request.path.rpartition("/")[2]
        if call == "send" and what == "command-accessibility":
            return "available"
        if call == "list_vehicles" and what != "vehicles":
            return "vehicle_electric"
        if call == "read" and case in WHOLE:
            return {"status": 200, "body": self.answer(case)["parts"][what]}
        if call == "read" and case == "wrong_types":
            return {"status": 200, "body": twisted(self.answer("state_in_full")["parts"][what])}
        return None

    def check_request(self, request, order):
        assert request.method == "POST"
        assert request.path == f"/connected-vehicle/v2/vehicles/car%201%2F2/commands/{ADDRESSES[order.kind]}"
        assert request.headers["authorization"] == "Bearer access-token"
        assert request.headers["vcc-api-key"] == "k3y"
        assert request.headers["content-type"] == "application/json"
        assert request.body == (b'{"runtimeMinutes": 10}' if order.kind == "start_engine" else b"")

    # Before a command -----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("case", "code", "detail"),
        [
            ("unavailable_without_internet", "vehicle_unreachable", "NO_INTERNET"),
            ("unavailable_for_no_reason", "vehicle_unreachable", ""),
            ("unavailable_to_save_power", "vehicle_asleep", "POWER_SAVING_MODE"),
            ("key_refused", "setup_required", "HTTP 401"),
        ],
    )
    def test_send_when_the_car_cannot_be_reached_then_the_reason_is_kept_and_nothing_is_sent(self, case, code, detail):
        permit = Permit()
        given = self.answer(case)

        with (
            RawServer(lambda connection, _: say(connection, given["status"], given["body"])) as server,
            pytest.raises(AdapterError) as failure,
        ):
            self.send(server.url, Unlock(), permit)

        assert (failure.value.code, failure.value.detail, permit.asked) == (code, detail, 0)
        assert [request.path.rpartition("/")[2] for request in server.requests] == ["command-accessibility"]

    def test_send_when_a_temperature_is_asked_for_then_it_is_not_dropped_in_silence(self):
        permit = Permit()

        with self.server("accepted") as server, pytest.raises(AdapterError, match="invalid_request"):
            self.send(server.url, StartClimate(21.5), permit)

        assert (permit.asked, server.connections) == (0, [])

    def test_send_when_the_engine_is_started_without_a_time_then_the_longest_is_named(self):
        with self.server("accepted") as server:
            self.send(server.url, StartEngine())

        assert server.requests[0].json() == {"runtimeMinutes": 15}

    # Knowing --------------------------------------------------------------------------------------------------------

    def test_read_when_everything_is_given_then_three_interfaces_are_one_reading(self):
        with self.server("state_in_full", call="read") as server:
            snapshot = self.ask(server.url, "read")

        assert {name: reading.value for name, reading in snapshot.readings.items()} == {
            "odometer_km": 30_000,
            "soc_percent": 38,
            "range_km": 90,
            "charging_state": "disconnected",
            "plugged_in": False,
            "charge_limit_percent": 90,
            "charge_power_kw": 1.386,
            "location": {"latitude": 57.72537482589284, "longitude": 11.849843629550225, "heading": 90},
            "locked": True,
            "doors_open": False,
            "trunk_open": False,
            "frunk_open": False,
            "engine_running": False,
            "online_state": "online",
        }
        assert snapshot.readings["soc_percent"].observed_at.isoformat() == "2026-03-01T09:58:00+00:00"

    def test_read_when_values_are_errors_or_odd_then_they_are_absent_and_never_zero_or_shut(self):
        with self.server("state_with_errors_and_oddities", call="read") as server:
            snapshot = self.ask(server.url, "read")

        values = {name: reading.value for name, reading in snapshot.readings.items()}
        assert round(values.pop("odometer_km")) == 30_000
        assert values == {"charge_limit_percent": 80, "trunk_open": True, "online_state": "unknown"}

    @pytest.mark.parametrize(
        ("plug", "charging", "state"),
        [
            ("CONNECTED", "CHARGING", "charging"),
            ("CONNECTED", "DONE", "complete"),
            ("CONNECTED", "IDLE", "connected"),
            ("CONNECTED", "SCHEDULED", "connected"),
            ("DISCONNECTED", "IDLE", "disconnected"),
            ("CONNECTED", "ERROR", "fault"),
            ("CONNECTED", "SOMETHING_NEW", None),
        ],
    )
    def test_read_when_the_plug_and_the_charging_are_told_apart_then_they_are_one_state(self, plug, charging, state):
        at = {"status": "OK", "updatedAt": "2026-03-01T10:00:00Z"}
        body = {"chargerConnectionStatus": at | {"value": plug}, "chargingStatus": at | {"value": charging}}

        def react(connection, request):
            return say(connection, 200, body) if request.path.endswith("/state") else say(connection, 404, {})

        with RawServer(react) as server:
            snapshot = self.ask(server.url, "read")

        assert snapshot.value("charging_state") == state
        assert snapshot.value("plugged_in") == (plug == "CONNECTED")

    def test_read_when_one_interface_is_down_then_the_others_are_read_and_what_a_car_lacks_is_asked_once(self):
        def react(connection, request):
            what = request.path.rpartition("/")[2]
            if what == "odometer":
                return say(connection, 503, b"<h1>Down</h1>")
            if what in ("state", "location"):
                return say(connection, 404 if what == "state" else 403, {"error": {"message": "no"}})
            return say(connection, 200, self.answer("state_in_full")["parts"][what])

        async def read_twice(adapter):
            return await adapter.read(ACCESS), await adapter.read(ACCESS)

        with RawServer(react) as server:
            first, second = self.call(server.url, read_twice)

        assert set(first.readings) == set(second.readings) == set(first.readings) - {"odometer_km", "soc_percent"}
        assert first.value("locked") is True
        asked = sorted(request.path.rpartition("/")[2] for request in server.requests)
        assert asked == sorted([*RESOURCES, *(set(RESOURCES) - {"state", "location"})])

    def test_list_vehicles_when_details_tell_then_the_powertrain_is_read_and_what_is_odd_is_unknown(self):
        details = iter(["vehicle_electric", "vehicle_plug_in_hybrid", "vehicle_diesel", "vehicle_odd"])
        body = {"data": [{"vin": f"YV1ABCDEFG000000{i}"} for i in range(5)]}

        def react(connection, request):
            if request.path.endswith("/vehicles"):
                return say(connection, 200, body)
            name = next(details, None)
            return say(connection, 404, {}) if name is None else say(connection, 200, self.answer(name)["body"])

        with RawServer(react) as server:
            cars = self.call(server.url, lambda adapter: adapter.list_vehicles(LOGIN))

        assert [(car.make, car.model, car.year, car.powertrain) for car in cars] == [
            ("Volvo", "EX30", 2024, "BEV"),
            ("Volvo", "XC60", 2020, "PHEV"),
            ("Volvo", "S90", 2018, "ICE"),
            ("Volvo", "", None, None),
            ("Volvo", "", None, None),
        ]
        assert [car.vin for car in cars] == [raw["vin"] for raw in body["data"]]

    def test_read_capabilities_when_the_car_lists_its_commands_then_what_is_missing_it_cannot(self):
        with self.server("capabilities", call="read_capabilities") as server:
            found = self.ask(server.url, "read_capabilities")

        assert {kind: (capability.answer, capability.why) for kind, capability in found.items()} == {
            **dict.fromkeys(set(ADDRESSES) - {"stop_engine"}, (Answer.YES, "")),
            "stop_engine": (Answer.NO, "not_offered"),
        }
        assert found["start_engine"].ranges["duration_min"].maximum == 15

    # Joining --------------------------------------------------------------------------------------------------------

    def test_scopes_when_translated_there_and_back_then_they_are_the_same(self):
        ours = VolvoAdapter.manifest.scopes

        assert from_volvo(to_volvo(ours)) == ours
        assert from_volvo(to_volvo({"control_security"}) - {"conve:unlock"}) == {"read_vin"}
        assert from_volvo(to_volvo({"control_security"}) - {"conve:honk_flash"}) == {"read_vin", "control_security"}

    def test_begin_connect_when_begun_then_volvos_scopes_are_asked_for_with_pkce(self):
        async def begin(adapter):
            return adapter.begin_connect(
                brand="volvo", state="s", verifier="v" * 43, scopes={"control_climate"}, language="de"
            )

        query = parse_qs(urlsplit(self.call("https://id.example", begin)).query)

        assert query["scope"] == [
            "conve:climatization_start_stop conve:command_accessibility conve:commands conve:vehicle_relation openid"
        ]
        assert (query["code_challenge"], query["code_challenge_method"]) == ([challenge_of("v" * 43)], ["S256"])

    @pytest.mark.parametrize("call", ["finish_connect", "refresh"])
    def test_tokens_when_given_then_the_login_is_the_subject_and_the_scopes_are_ours(self, call):
        claims = base64.urlsafe_b64encode(json.dumps({"sub": "owner-77"}).encode()).rstrip(b"=").decode()
        body = self.answer("tokens")["body"] | {"id_token": f"e30.{claims}.c2ln"}

        with RawServer(lambda connection, _: say(connection, 200, body)) as server:
            tokens = self.call(server.url, lambda adapter: getattr(adapter, call)(**ASKED[call]))

        assert (tokens.access_token, tokens.refresh_token, tokens.expires_in_s) == ("new-access", "new-refresh", 1799)
        assert tokens.account_id == "owner-77"
        assert tokens.scopes == {"read_vin", "read_odometer", "read_battery", "read_charge", "control_security"}
        [request] = server.requests
        pair = base64.b64encode(b"client-1:s3cret%2F%2B").decode()
        assert (request.path, request.headers["authorization"]) == ("/as/token.oauth2", f"Basic {pair}")
        form = parse_qs(request.body.decode())
        assert "client_secret" not in form
        assert form == FORM[call]

    @pytest.mark.parametrize("id_token", [None, "", "a.b", "a.!.c", "e30.W10.x", "e30.eyJzdWIiOjd9.x"], ids=repr)
    def test_tokens_when_nobody_is_named_then_the_login_is_unknown(self, id_token):
        body = self.answer("tokens")["body"] | {"id_token": id_token}

        with RawServer(lambda connection, _: say(connection, 200, body)) as server:
            tokens = self.call(server.url, lambda adapter: adapter.refresh(**ASKED["refresh"]))

        assert tokens.account_id is None

    def test_refresh_when_the_grant_is_over_then_it_is_a_definite_no(self):
        given = self.answer("grant_refused")

        with (
            RawServer(lambda connection, _: say(connection, given["status"], given["body"])) as server,
            pytest.raises(GrantRefused),
        ):
            self.call(server.url, lambda adapter: adapter.refresh(**ASKED["refresh"]))

    # Set-up ---------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("token", "api", "found"),
        [
            ("grant_refused", "unauthorized", [SetupCheck("credentials", True), SetupCheck("api", True)]),
            (
                "client_refused",
                "key_refused",
                [
                    SetupCheck("credentials", False, "setup_required", "invalid_client"),
                    SetupCheck("api", False, "setup_required", "HTTP 401"),
                ],
            ),
            (
                "server_error",
                "gateway_timeout",
                [
                    SetupCheck("credentials", None, "upstream_down", "HTTP 500"),
                    SetupCheck("api", None, "upstream_down", "HTTP 504"),
                ],
            ),
        ],
    )
    def test_check_setup_when_tried_then_each_step_says_what_works(self, token, api, found):
        def react(connection, request):
            given = self.answer(token if "/as/" in request.path else api)
            return say(connection, given["status"], given["body"])

        with RawServer(react) as server:
            assert self.call(server.url, lambda adapter: adapter.check_setup()) == found

    def test_revoke_when_the_maker_offers_no_way_then_it_is_not_said_to_be_over(self):
        with pytest.raises(AdapterError, match="no way"):
            self.call(
                "http://127.0.0.1:1",
                lambda adapter: adapter.revoke(brand="volvo", refresh_token="r", login=LOGIN),
            )


ASKED = {
    "finish_connect": {"brand": "volvo", "answer": {"code": "c0de"}, "verifier": "v" * 43, "our_id": "o"},
    "refresh": {"brand": "volvo", "refresh_token": "old"},
}
FORM = {
    "finish_connect": {
        "grant_type": ["authorization_code"],
        "code": ["c0de"],
        "redirect_uri": ["https://fleet.example/connect/callback/"],
        "code_verifier": ["v" * 43],
    },
    "refresh": {"grant_type": ["refresh_token"], "refresh_token": ["old"]},
}
