"""The control API: who may use it, what it checks, and what the ledger's filters pick."""

import json
import subprocess
import sys

import pytest

from tests.simulator.cloud import CLIENT_ID, Owner, Simulator, make_client_arguments, start_simulator
from tests.simulator.conftest import CAR


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Origin"])
def test_control_when_relayed_or_from_a_page_then_403(cloud: Simulator, header: str) -> None:
    answers = [
        cloud.request(method, f"/_control/{path}", "{}", {header: "127.0.0.1"})
        for method, path in [
            ("POST", "clients"),
            ("POST", "accounts"),
            ("POST", "tokens"),
            ("POST", "cars/x"),
            ("GET", "cars/x"),
            ("GET", "behaviour"),
            ("PUT", "behaviour"),
            ("DELETE", "behaviour"),
            ("GET", "quota"),
            ("PUT", "quota"),
            ("GET", "ledger"),
            ("GET", "ledger/count"),
            ("DELETE", "ledger"),
            ("GET", "secrets"),
            ("POST", "reset"),
        ]
    ]

    assert [(answer.status, answer.json()["error"]["code"]) for answer in answers] == [(403, "forbidden")] * 15


def test_control_when_the_peer_is_another_host_then_403_and_the_api_still_answers() -> None:
    own = start_simulator("--host", "0.0.0.0")  # noqa: S104 - the point of the test
    try:
        # A process of its own, without the guard that keeps tests on loopback: it asks another address of this machine.
        asked = subprocess.run(
            [sys.executable, "-I", "-c", ASK_FROM_OUTSIDE, str(own.host[1])], capture_output=True, text=True, check=True
        )
    finally:
        own.stop()
    if not asked.stdout:
        pytest.skip("this machine has no address but loopback")

    assert json.loads(asked.stdout) == [[403, "forbidden"], [200, None]]


# Nothing is sent to the address in it: connecting UDP only picks the interface.
ASK_FROM_OUTSIDE = """
import json, socket, sys
from http.client import HTTPConnection

probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    probe.connect(("192.0.2.1", 9))
except OSError:
    sys.exit()
address = probe.getsockname()[0]
if address.startswith("127."):
    sys.exit()
answers = []
for path in ("/_control/behaviour", "/healthz"):
    connection = HTTPConnection(address, int(sys.argv[1]), timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    answers.append([answer.status, json.loads(answer.read()).get("error", {}).get("code")])
print(json.dumps(answers))
"""


@pytest.mark.parametrize(
    ("vehicle", "field"),
    [
        ({"year": 2020}, "model"),
        ({"model": "Golf"}, "year"),
        ({"model": "Golf", "year": 1900}, "year"),
        ({"model": "Golf", "year": 2020, "powertrain": "STEAM"}, "powertrain"),
        ({"model": "Golf", "year": 2020, "vin": "WVWZZZ1KZAW000001"}, "vin"),
        ({"model": "Golf", "year": 2020, "not_capable": ["fly"]}, "not_capable"),
        ({"model": "Golf", "year": 2020, "online": "perhaps"}, "online"),
        ({"model": "Golf", "year": 2020, "state": {"soc_percent": 120}}, "soc_percent"),
        ({"model": "Golf", "year": 2020, "state": {"colour": "red"}}, "colour"),
    ],
)
def test_accounts_when_a_vehicle_is_malformed_then_400_names_the_field(
    cloud: Simulator, vehicle: dict, field: str
) -> None:
    body = {"brand": "volkswagen", "email": "x@y.example", "password": "x", "vehicles": [vehicle]}

    answer = cloud.request("POST", "/_control/accounts", json.dumps(body))

    assert (answer.status, answer.json()["error"]["field"]) == (400, field)


def test_cars_when_of_different_models_then_their_facts_are_known(cloud: Simulator) -> None:
    owner = cloud.add_owner(
        {"make": "Škoda", "model": "Enyaq iV 80", "year": 2022},
        {"make": "Skoda", "model": "Octavia iV", "year": 2021},
        {"model": "Nobody knows this", "year": 2024},
        {"model": "Nobody knows this", "year": 2024, "powertrain": "ICE"},
        brand="skoda",
    )

    facts = [cloud.control("GET", f"cars/{car}") for car in owner.cars]

    assert [(fact["powertrain"], fact["battery_kwh"], fact["max_ac_kw"], fact["max_dc_kw"]) for fact in facts] == [
        ("BEV", 77.0, 11.0, 125.0),
        ("PHEV", 13.0, 3.6, 0.0),
        ("BEV", 60.0, 11.0, 120.0),
        ("ICE", 0.0, 0.0, 0.0),
    ]
    assert len({fact["vin"] for fact in facts}) == 4
    assert all(fact["vin"].startswith("TMB") for fact in facts)


def test_secrets_when_tokens_were_given_out_and_a_pin_came_in_then_all_are_listed(owner: Owner) -> None:
    owner.send("pin_to_drive.set", pin="7391")

    seen = owner.simulator.control("GET", "secrets")["secrets"]

    assert {owner.tokens["access_token"], owner.tokens["refresh_token"], "7391"} <= set(seen)


def test_set_car_when_values_belong_together_then_related_ones_follow(owner: Owner) -> None:
    charging = owner.set(charging_state="charging")["signals"]
    driving = owner.set(in_motion=True)["signals"]

    assert (charging["plugged_in"], charging["charge_port_open"]) == (True, True)
    assert (driving["plugged_in"], driving["charging_state"], driving["in_motion"]) == (False, "disconnected", True)


def test_set_car_when_values_contradict_then_400(owner: Owner) -> None:
    body = json.dumps({"signals": {"plugged_in": False, "charging_state": "charging"}})

    answer = owner.simulator.request("POST", f"/_control/cars/{owner.car}", body)

    assert (answer.status, answer.json()["error"]["field"]) == (400, "charging_state")


def test_ledger_when_filtered_then_by_car_command_time_and_execution(cloud: Simulator, owner: Owner) -> None:
    other = cloud.add_owner(CAR)
    owner.send("lock")
    other.send("lock")
    owner.send("charge.start")
    middle = owner.simulator.entries(owner.car)[1]["received_at"]

    count = lambda query: cloud.control("GET", f"ledger/count?{query}")["count"]  # noqa: E731
    assert count(f"car={owner.car}") == 2
    assert count(f"car={owner.car}&command=lock") == 1
    assert count(f"car={owner.car}&executed=false") == 1
    assert [entry["command"] for entry in cloud.entries(owner.car, since=middle)] == ["charge.start"]


def test_ledger_when_a_wake_was_asked_for_then_only_by_its_name(cloud: Simulator, owner: Owner) -> None:
    owner.wake()
    owner.send("lock")

    assert [entry["command"] for entry in cloud.entries(owner.car)] == ["lock"]
    assert [entry["command"] for entry in cloud.entries(owner.car, command="wake")] == ["wake"]


def test_tokens_when_account_client_or_scope_is_unknown_then_400(cloud: Simulator, owner: Owner) -> None:
    right = {"account_id": owner.account_id, "client_id": CLIENT_ID, "scopes": ["read_vin"]}
    wrong = [right | {"account_id": "x"}, right | {"client_id": "x"}, right | {"scopes": ["x"]}, right | {"scopes": []}]

    answers = [cloud.request("POST", "/_control/tokens", json.dumps(body)) for body in wrong]

    assert [(answer.status, answer.json()["error"]["field"]) for answer in answers] == [
        (400, "account_id"),
        (400, "client_id"),
        (400, "scopes"),
        (400, "scopes"),
    ]


def test_reset_when_everything_then_nothing_is_left() -> None:
    own = start_simulator(*make_client_arguments())
    try:
        owner = own.add_owner(CAR)
        owner.send("lock")
        own.behave(answer="ack")
        own.control("POST", "reset", {})
        kept = owner.get("vehicles").status
        after_reset = (own.control("GET", "behaviour"), own.entries(owner.car))
        own.control("POST", "reset", {"everything": True})
        gone = owner.get("vehicles").status
    finally:
        own.stop()

    assert (kept, after_reset, gone) == (200, ({}, []), 401)
