"""The simulator's adapter against its contract, and what is its own: readings, capabilities, waking, following up."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fleet.adapters.capabilities import Answer
from fleet.adapters.commands import KINDS
from fleet.adapters.errors import AdapterError
from fleet.adapters.oauth import AppCredential
from fleet.adapters.providers.simulator import payloads
from fleet.adapters.providers.simulator.adapter import SimulatorAdapter
from tests.fleet.adapters.contract import ACCESS, LOGIN, AdapterContract
from tests.fleet.adapters.providers.simulator.verdicts import ERRORS, IMPOSSIBLE, POLLS, VERDICTS
from tests.fleet.adapters.raw_server import RawServer, say

HERE = Path(__file__).parent
REQUESTS = json.loads((HERE / "requests.json").read_text(encoding="utf-8"))


class TestSimulatorAdapter(AdapterContract):
    adapter = SimulatorAdapter
    folder = HERE
    verdicts = VERDICTS
    errors = ERRORS
    polls = POLLS
    impossible = IMPOSSIBLE

    def credential(self, url):
        return AppCredential(
            {"api": f"{url}/api/v1", "brands": url, "authorize": f"{url}/authorize", "token": f"{url}/token"},
            "id",
            "s3cret",
        )

    def check_request(self, request, order):
        assert (request.method, request.path) == ("POST", "/api/v1/vehicles/car%201%2F2/commands")
        assert request.headers["authorization"] == "Bearer access-token"
        assert request.headers["x-request-id"] == "request-1"
        assert request.json() == REQUESTS[order.kind]

    def test_words_when_compared_then_every_command_has_one_of_its_own(self):
        assert set(payloads.WORDS) == set(KINDS) == set(REQUESTS)
        assert len(set(payloads.WORDS.values())) == len(KINDS)

    def test_read_when_everything_is_given_then_it_is_taken_over_with_the_cars_time(self):
        with self.server("state") as server:
            snapshot = self.call(server.url, lambda adapter: adapter.read(ACCESS))

        values = {name: reading.value for name, reading in snapshot.readings.items()}
        assert values == {
            "odometer_km": 12345.6,
            "soc_percent": 68,
            "locked": True,
            "charging_state": "charging",
            "location": {"latitude": 52.52, "longitude": 13.405, "heading": 90},
            "cabin_temperature_c": -3.5,
            "online_state": "online",
        }

    def test_read_when_values_are_impossible_then_they_are_absent_and_never_zero_or_off(self):
        with self.server("state_with_impossible_values") as server:
            snapshot = self.call(server.url, lambda adapter: adapter.read(ACCESS))

        values = {name: reading.value for name, reading in snapshot.readings.items()}
        assert values == {"fuel_percent": 0, "online_state": "unknown"}
        assert snapshot.online_state == "unknown"

    def test_read_when_the_car_sleeps_then_its_old_values_keep_their_age(self):
        with self.server("state_of_a_sleeping_car") as server:
            snapshot = self.call(server.url, lambda adapter: adapter.read(ACCESS))

        age = datetime.now(UTC) - snapshot.readings["locked"].observed_at
        # The maker's clock stands at March; the car's last word was twelve hours before that.
        assert (snapshot.online_state, round(age.total_seconds() / 3600)) == ("asleep", 12)

    def test_list_vehicles_when_facts_are_missing_or_nonsense_then_they_are_unknown(self):
        with self.server("vehicles_page_1", "vehicles_page_2") as server:
            vehicles = self.call(server.url, lambda adapter: adapter.list_vehicles(LOGIN))

        bare, odd = vehicles[10:]
        assert (bare.vin, bare.model, bare.year, bare.powertrain, bare.license_plate) == (
            None,
            "",
            None,
            None,
            "B-FW 1",
        )
        assert (odd.year, odd.powertrain, odd.make) == (None, None, "")

    def test_read_capabilities_when_given_then_yes_no_and_unknown_are_told_apart(self):
        with self.server("capabilities") as server:
            found = self.call(server.url, lambda adapter: adapter.read_capabilities(ACCESS))

        answers = {kind: (capability.answer, capability.why) for kind, capability in found.items()}
        assert answers == {
            "lock": (Answer.YES, ""),
            "open_trunk": (Answer.NO, "not_equipped"),
            "set_charge_limit": (Answer.YES, ""),
            "set_temperature": (Answer.YES, ""),
            "start_engine": (Answer.YES, ""),
            "start_climate": (Answer.YES, ""),
        }
        ranges = {
            kind: {name: (r.minimum, r.maximum, r.step) for name, r in capability.ranges.items()}
            for kind, capability in found.items()
            if capability.ranges
        }
        assert ranges == {
            "set_charge_limit": {"limit_percent": (50, 90, 5)},
            "set_temperature": {"temperature_c": (15, 28, 0.5)},
        }


def wake(states, *, first=(202, {"state": "waking"}), budget_s=5.0):
    """Wake a car whose states come one after the other; what came of it, and how often it was asked to wake."""
    rest = list(states)

    def react(connection, request):
        if request.path.endswith("/wake"):
            return say(connection, *first)
        return say(connection, 200, {"state": rest.pop(0) if len(rest) > 1 else rest[0]})

    with RawServer(react) as server:
        contract = TestSimulatorAdapter()
        awake = contract.call(server.url, lambda adapter: adapter.wake(ACCESS, budget_s=budget_s))
    return awake, [request.path.rpartition("/")[2] for request in server.requests].count("wake")


def test_wake_when_the_car_takes_a_while_then_it_is_asked_once_and_waited_for():
    assert wake(["asleep", "asleep", "online"]) == (True, 1)


def test_wake_when_the_car_is_awake_then_nothing_is_waited_for():
    assert wake(["asleep"], first=(200, {"state": "online"})) == (True, 1)


def test_wake_when_the_car_stays_asleep_then_the_budget_ends_it():
    assert wake(["asleep"], budget_s=0.6) == (False, 1)


def test_wake_when_the_car_is_out_of_reach_then_it_is_an_error_that_may_pass():
    with pytest.raises(AdapterError, match="upstream_down"):
        wake(["offline"], first=(503, {"error": {"code": "vehicle_unreachable"}}))
