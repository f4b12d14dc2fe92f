"""What a restart keeps, how the process stops, and what the command line refuses."""

import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.accounts import DEMO_EMAIL, DEMO_PASSWORD
from simulator.brands import BRANDS
from tests.simulator.cloud import (
    CLIENT_ID,
    CLIENT_SECRET,
    REPOSITORY,
    Owner,
    Simulator,
    make_client_arguments,
    start_simulator,
    wait_until,
)
from tests.simulator.conftest import CAR


def test_state_when_restarted_then_accounts_tokens_cars_and_references_are_back(tmp_path: Path) -> None:
    first = start_simulator("--state-dir", str(tmp_path), *make_client_arguments())
    owner = first.add_owner({**CAR, "state": {"odometer_km": 777}})
    ref = owner.send("unlock").json()["ref"]
    owner.send("pin_to_drive.set", pin="0417")
    first.control("POST", f"cars/{owner.car}", {"facts": {"smartcar": {"times": "ms"}}})
    asked = json.dumps({"account_id": owner.account_id, "client_id": CLIENT_ID})
    connected = first.request("POST", "/dialects/smartcar/_control/connections", asked).json()
    application = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    token = first.form("/dialects/smartcar/oauth2/token", application).json()["access_token"]
    code = first.stop()

    second = start_simulator("--state-dir", str(tmp_path))
    try:
        returned = Owner(second, owner.account_id, owner.brand, owner.email, owner.cars, owner.vehicles, owner.tokens)
        signals, truth = returned.signals(), returned.truth()
        refreshed = second.token("volkswagen", grant_type="refresh_token", refresh_token=owner.tokens["refresh_token"])
        reference = returned.get(f"commands/{ref}").json()
        vehicle = second.request(
            "GET",
            f"/dialects/smartcar/v3/vehicles/{connected['vehicles'][owner.car]}",
            headers={"Authorization": f"Bearer {token}", "sc-user-id": connected["user_id"]},
        ).status
    finally:
        second.stop()

    assert code == 0
    assert (signals["locked"], signals["odometer_km"], truth["drive_pin"]) == (False, 777, "0417")
    assert truth["vin"] == owner.vehicles[0]["vin"]
    assert (refreshed.status, vehicle) == (200, 200)
    assert truth["facts"] == {"smartcar": {"times": "ms"}}
    assert reference == {"ref": ref, "status": "done", "reason": None}


def test_effects_when_the_process_stops_before_they_are_due_then_they_happen_after_the_restart(tmp_path: Path) -> None:
    first = start_simulator("--state-dir", str(tmp_path), *make_client_arguments())
    owner = first.add_owner(CAR)
    first.behave(effect_s=1.0)
    ref = owner.send("unlock").json()["ref"]
    first.stop()

    second = start_simulator("--state-dir", str(tmp_path))
    try:
        returned = Owner(second, owner.account_id, owner.brand, owner.email, owner.cars, owner.vehicles, owner.tokens)
        became_done = wait_until(lambda: returned.get(f"commands/{ref}").json()["status"] == "done")
        locked = returned.signals()["locked"]
    finally:
        second.stop()

    assert (became_done, locked) == (True, False)


def test_snapshot_when_written_regularly_then_a_kill_loses_little_and_only_we_may_read_it(tmp_path: Path) -> None:
    simulator = start_simulator("--state-dir", str(tmp_path), *make_client_arguments())
    owner = simulator.add_owner(CAR)
    snapshot = tmp_path / "simulator.json"

    appeared = wait_until(lambda: snapshot.exists() and owner.car in snapshot.read_text())
    mode = stat.S_IMODE(snapshot.stat().st_mode)
    simulator.process.kill()
    simulator.stop()

    assert (appeared, mode) == (True, 0o600)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_when_requests_are_held_open_then_they_are_dropped_and_the_exit_code_is_zero(
    number: signal.Signals,
) -> None:
    simulator = start_simulator(*make_client_arguments())
    owner = simulator.add_owner(CAR)
    simulator.behave(hang=True)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD.format(host=simulator.host, car=owner.car, token=owner.tokens["access_token"])]
    ) as holder:
        wait_until(lambda: len(simulator.entries(owner.car)) == 1)

        simulator.process.send_signal(number)
        code = simulator.process.wait(timeout=3)
        holder.wait(timeout=5)
    simulator.stop()

    assert code == 0


_HOLD = """
import socket
held = socket.create_connection({host!r})
body = b'{{"command": "unlock"}}'
held.sendall(b"POST /api/v1/vehicles/{car}/commands HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: Bearer {token}\\r\\n"
             b"Content-Length: " + str(len(body)).encode() + b"\\r\\n\\r\\n" + body)
held.recv(1)
"""


def test_snapshot_when_damaged_then_one_clear_sentence_and_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "simulator.json").write_text("{")

    ended = run_simulator("--port", "0", "--state-dir", str(tmp_path))

    assert ended.returncode == 1
    assert "is damaged" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "simulator.json").read_text() == "{"


def test_port_when_taken_then_one_clear_sentence(cloud: Simulator) -> None:
    ended = run_simulator("--port", str(cloud.host[1]))

    assert (ended.returncode, ended.stderr) == (
        1,
        f"simulator: cannot use 127.0.0.1:{cloud.host[1]}: Address already in use\n",
    )


@pytest.mark.parametrize("arguments", [["--speed", "0"], ["--client-id", "x"], ["--redirect-uri", "http://x/"]])
def test_arguments_when_they_do_not_go_together_then_usage(arguments: list[str]) -> None:
    assert run_simulator(*arguments).returncode == 2


def run_simulator(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=20
    )


def test_demo_when_empty_then_one_owner_has_cars_in_many_situations_and_a_restart_adds_none(tmp_path: Path) -> None:
    arguments = ["--demo", "--state-dir", str(tmp_path), *make_client_arguments()]
    first = start_simulator(*arguments)
    first.stop()
    second = start_simulator(*arguments)
    try:
        cars = [car["id"] for car in json.loads((tmp_path / "simulator.json").read_text())["cars"]]
        truths = [second.control("GET", f"cars/{car}") for car in cars]
        login = second.control("POST", "accounts", {"brand": "kia", "email": DEMO_EMAIL, "password": DEMO_PASSWORD})
        tokens = second.control(
            "POST", "tokens", {"account_id": login["account_id"], "client_id": CLIENT_ID, "scopes": ["read_battery"]}
        )
    finally:
        second.stop()

    signals = [truth["signals"] for truth in truths]
    assert {truth["state"] for truth in truths} == {"online", "asleep", "offline"}
    assert {truth["powertrain"] for truth in truths} == {"BEV", "PHEV", "ICE"}
    assert {truth["account_id"] for truth in truths} >= {login["account_id"]}
    assert len({truth["account_id"] for truth in truths}) == len(BRANDS)
    assert any(signal.get("charging_state") == "charging" for signal in signals)
    assert any(signal["in_motion"] for signal in signals)
    assert any(signal["doors_open"] for signal in signals)
    assert any(signal.get("soc_percent", 100) < 10 for signal in signals)
    assert tokens["scope"] == "read_battery"
