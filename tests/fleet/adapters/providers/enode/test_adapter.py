"""Enode's adapter against its contract, and what is its own: link sessions, cars, interventions, set-up."""

import base64
import socket
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from compatibility.facts_of_providers import vocabulary
from fleet.adapters.base import Login, RemoteVehicle
from fleet.adapters.capabilities import Answer
from fleet.adapters.commands import StartCharge
from fleet.adapters.errors import AdapterError, GrantRefused
from fleet.adapters.oauth import AppCredential, TokenSet
from fleet.adapters.providers.enode.actions import ORDERS
from fleet.adapters.providers.enode.adapter import EnodeAdapter
from fleet.adapters.providers.enode.webhooks import sign
from fleet.adapters.setup import SetupCheck
from fleet.adapters.webhooks import Delivery
from tests.fleet.adapters.contract import ACCESS, LOGIN, AdapterContract
from tests.fleet.adapters.providers.enode.verdicts import ERRORS, IMPOSSIBLE, POLLS, VERDICTS
from tests.fleet.adapters.raw_server import RawServer, Request, say

HERE = Path(__file__).parent
TOKEN = {"access_token": "app-token", "token_type": "bearer", "expires_in": 3600, "scope": ""}
SECRET = "0123456789abcdef"


class TestEnodeAdapter(AdapterContract):
    adapter = EnodeAdapter
    folder = HERE
    verdicts = VERDICTS
    errors = ERRORS
    polls = POLLS
    impossible = IMPOSSIBLE
    order = StartCharge()

    def credential(self, url):
        urls = {"token": f"{url}/oauth2/token", "api": url}
        return AppCredential(urls, "client id", "s3:cret", "https://fleet.example/back", {"webhook_secret": SECRET})

    def happy_case(self, order):
        return "accepted_stop" if order.kind == "stop_charge" else "accepted"

    def check_request(self, request, order):
        assert (request.method, request.path) == ("POST", "/vehicles/car%201%2F2/charging")
        assert request.headers["authorization"] == "Bearer access-token"
        assert request.headers["enode-version"] == "2024-10-01"
        assert request.json() == {"action": ORDERS[order.kind]}

    # Knowing --------------------------------------------------------------------------------------------------------

    def read(self, case):
        with self.server(case, call="read") as server:
            snapshot = self.ask(server.url, "read")
        return snapshot, {name: reading.value for name, reading in snapshot.readings.items()}

    def test_read_when_everything_is_given_then_each_part_has_the_age_of_its_own(self):
        snapshot, values = self.read("state_in_full")

        assert values == {
            "soc_percent": 68,
            "range_km": 250.5,
            "plugged_in": True,
            "charging_state": "charging",
            "charge_limit_percent": 80,
            "charge_power_kw": 11,
            "odometer_km": 12345.6,
            "location": {"latitude": 52.52, "longitude": 13.405},
            "online_state": "online",
        }
        ages = {name: reading.observed_at for name, reading in snapshot.readings.items()}
        assert (ages["soc_percent"], ages["odometer_km"], ages["location"]) == (
            datetime(2026, 11, 20, 9, 59, tzinfo=UTC),
            datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
            datetime(2026, 11, 20, 9, 58, tzinfo=UTC),
        )

    def test_read_when_the_car_does_not_charge_then_its_power_is_none_whatever_it_was_before(self):
        _, values = self.read("state_of_a_stopped_charge")

        assert (values["charging_state"], values["charge_power_kw"]) == ("stopped", 0)

    def test_read_when_the_make_gives_nulls_then_nothing_is_said(self):
        snapshot, values = self.read("state_of_nulls")

        assert (snapshot.online_state, values) == ("unknown", {"charging_state": "unknown"})

    def test_read_when_values_have_no_time_then_they_are_absent(self):
        snapshot, values = self.read("state_without_times")

        assert (snapshot.online_state, values) == ("offline", {"online_state": "offline"})

    def test_read_when_the_car_is_linked_by_somebody_else_then_our_owner_has_to_sign_in_again(self):
        with self.server("state_of_another_owner") as server, pytest.raises(AdapterError, match="needs_reconnect"):
            self.ask(server.url, "read")

    def test_read_capabilities_when_an_owner_can_change_them_then_that_is_why(self):
        def said(case):
            with self.server(case) as server:
                found = self.ask(server.url, "read_capabilities")
            return {kind: (capability.answer, capability.why) for kind, capability in found.items()}

        assert said("capabilities") == {
            "start_charge": (Answer.NO, "account_action"),
            "stop_charge": (Answer.YES, ""),
        }
        assert said("capabilities_of_a_lesser_car") == {"start_charge": (Answer.NO, "not_offered")}

    def test_list_vehicles_when_facts_are_missing_or_nonsense_then_they_are_unknown(self):
        with self.server("vehicles_page_1", "vehicles_page_2", call="list_vehicles") as server:
            vehicles = self.ask(server.url, "list_vehicles")

        assert vehicles[9:] == [
            RemoteVehicle("car-10", None, "Mercedes-Benz", "", None, None),
            RemoteVehicle("car-11", None, "Zukunft", "One", 2024, None),
        ]
        paths = [urlsplit(request.path) for request in server.requests]
        assert [path.path for path in paths] == ["/users/owner-1/vehicles"] * 2
        assert [parse_qs(path.query) for path in paths] == [
            {"pageSize": ["50"]},
            {"pageSize": ["50"], "after": ["cursor/2"]},
        ]

    # Joining --------------------------------------------------------------------------------------------------------

    def enode(self, **answers):
        """A server with the token, a link and a user as given; each (status, body)."""
        given = {
            "/oauth2/token": (200, TOKEN),
            "/users/visit%2F1/link": (200, self.answer("link")["body"]),
            "/users/visit%2F1": (200, self.answer("user_linked")["body"]),
            "/users/visit%2F1/vehicles?pageSize=50": (200, self.answer("vehicles_page_2")["body"]),
            "/health/vehicles": (200, []),
        } | {f"/{path}": answer for path, answer in answers.items()}

        def react(connection: socket.socket, request: Request) -> bool:
            return say(connection, *given[request.path])

        return RawServer(react)

    def open(self, server, scopes=("read_vin",), language="de", brand="landrover"):
        return self.call(
            server.url,
            lambda a: a.open_sign_in(brand=brand, state="s/1", scopes=scopes, language=language, our_id="visit/1"),
        )

    def test_open_sign_in_when_asked_then_enode_gives_an_address_that_leads_back_with_our_state(self):
        with self.enode() as server:
            link = self.open(server, scopes=["read_vin", "read_location", "control_charge", "control_security"])

        assert link == "https://link.enode.com/abc"
        token, asked = server.requests
        pair = base64.b64encode(b"client%20id:s3%3Acret").decode()
        assert (token.headers["authorization"], token.body) == (f"Basic {pair}", b"grant_type=client_credentials")
        assert asked.headers["authorization"] == "Bearer app-token"
        assert asked.json() == {
            "vendorType": "vehicle",
            "vendor": "LANDROVER",
            "scopes": ["vehicle:read:data", "vehicle:read:location", "vehicle:control:charging"],
            "language": "de-DE",
            "redirectUri": "https://fleet.example/back?state=s%2F1",
        }

    def test_open_sign_in_when_enode_knows_neither_make_nor_language_then_the_owner_chooses(self):
        with self.enode() as server:
            self.open(server, language="uk", brand="zukunft")

        asked = server.requests[1].json()
        assert (asked["language"], "vendor" in asked, asked["scopes"]) == ("browser", False, ["vehicle:read:data"])

    @pytest.mark.parametrize("answer", [(200, {"linkUrl": "javascript:alert(1)"}), (200, {}), (200, b""), (500, {})])
    def test_open_sign_in_when_no_address_comes_then_no_browser_is_sent_anywhere(self, answer):
        with self.enode(**{"users/visit%2F1/link": answer}) as server, pytest.raises(AdapterError, match="upstream"):
            self.open(server)

    def finish(self, server, brand="tesla"):
        return self.call(
            server.url, lambda a: a.finish_connect(brand=brand, answer={}, verifier="v" * 43, our_id="visit/1")
        )

    def test_finish_connect_when_the_make_is_linked_then_the_account_is_the_one_that_we_named(self):
        with self.enode() as server:
            found = self.finish(server)

        scopes = {"read_vin", "read_odometer", "read_battery", "read_charge", "read_location", "control_charge"}
        assert found == TokenSet("app-token", None, 3600, frozenset(scopes), "visit/1")

    def test_finish_connect_when_enode_has_not_found_the_cars_yet_then_what_was_granted_is_not_said(self):
        none = self.answer("vehicles_none")["body"]
        with self.enode(**{"users/visit%2F1/vehicles?pageSize=50": (200, none)}) as server:
            assert self.finish(server).scopes is None

    @pytest.mark.parametrize(
        ("brand", "user"),
        [("bmw", None), ("audi", None), ("volvo", None), ("tesla", (404, {})), ("tesla", (200, {"linkedVendors": {}}))],
        ids=["login invalid", "only a charger", "not linked", "no such user", "nonsense"],
    )
    def test_finish_connect_when_nothing_good_is_linked_then_the_owner_did_not_finish(self, brand, user):
        with self.enode(**({"users/visit%2F1": user} if user else {})) as server, pytest.raises(GrantRefused):
            self.finish(server, brand)

    @pytest.mark.parametrize("status", [204, 404])
    def test_revoke_when_enode_forgot_the_user_then_that_is_the_end(self, status):
        with RawServer(lambda connection, _: say(connection, status, b"")) as server:
            self.call(server.url, lambda a: a.revoke(brand="tesla", refresh_token="", login=LOGIN))

        assert [(request.method, request.path) for request in server.requests] == [("DELETE", "/users/owner-1")]

    def test_revoke_when_enode_does_not_confirm_it_then_that_is_told(self):
        with RawServer(lambda connection, _: say(connection, 500, b"")) as server, pytest.raises(AdapterError):
            self.call(server.url, lambda a: a.revoke(brand="tesla", refresh_token="", login=LOGIN))

        with pytest.raises(AdapterError, match="invalid_request"):
            self.call("http://127.0.0.1:1", lambda a: a.revoke(brand="", refresh_token="", login=Login("token")))

    def test_list_brands_when_asked_then_their_names_are_those_of_our_data(self):
        brands = self.call("http://127.0.0.1:1", lambda a: a.list_brands())

        assert {brand.name for brand in brands} <= set(vocabulary().makes)
        assert len({brand.key for brand in brands}) == len(brands) == 48

    # Being set up ---------------------------------------------------------------------------------------------------

    def test_check_setup_when_something_is_wrong_then_the_step_says_what(self):
        def check(**answers):
            with self.enode(**answers) as server:
                return self.call(server.url, lambda a: a.check_setup())

        good, hooks = SetupCheck("credentials", True), SetupCheck("webhooks", True)
        assert check() == [good, SetupCheck("api", True), hooks]
        assert check(**{"oauth2/token": (401, {"error": "invalid_client"})}) == [
            SetupCheck("credentials", False, "setup_required", "invalid_client"),
            SetupCheck("api", None),
            hooks,
        ]
        assert check(**{"health/vehicles": (403, {})}) == [
            good,
            SetupCheck("api", False, "needs_consent", "HTTP 403"),
            hooks,
        ]
        assert check(**{"health/vehicles": (503, b"")})[1] == SetupCheck("api", None, "upstream_down", "HTTP 503")

    def test_wake_when_asked_then_there_is_no_such_call(self):
        assert self.call("http://127.0.0.1:1", lambda a: a.wake(ACCESS, budget_s=1.0)) is False

    def test_read_webhook_when_it_is_signed_with_the_secret_of_the_registration_then_it_is_read(self):
        async def read(adapter):
            return adapter.read_webhook({"x-enode-signature": sign(SECRET, b"[]")}, b"[]")

        assert self.call("http://127.0.0.1:1", read) == Delivery(())
