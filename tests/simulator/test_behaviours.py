"""Each behaviour that can be set: what the client saw, and by the ledger what really happened in the car."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from tests.simulator.cloud import Owner, Simulator, send_raw_command, wait_until
from tests.simulator.conftest import CAR


def test_request_id_when_sent_then_in_the_ledger_with_its_times(owner: Owner) -> None:
    owner.send("unlock", request_id="cmd-7")

    entry = owner.entry()
    assert (entry["command"], entry["request_id"], entry["outcome"], entry["reply"]) == (
        "unlock",
        "cmd-7",
        "done",
        "sent",
    )
    assert entry["received_at"] <= entry["executed_at"] <= entry["answered_at"]


def test_lose_reply_when_set_then_the_car_acts_and_not_a_byte_comes(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, lose_reply=1)

    received, error = send_raw_command(owner, "unlock")
    second, _ = send_raw_command(owner, "horn.honk")

    first_entry, second_entry = cloud.entries(owner.car)
    assert (received, error) == (b"", None)
    assert owner.signals()["locked"] is False
    assert (first_entry["outcome"], first_entry["reply"], first_entry["answered_at"]) == ("done", "lost", None)
    assert first_entry["executed_at"] is not None
    assert second.startswith(b"HTTP/1.1 202")
    assert second_entry["reply"] == "sent"


def test_reset_after_first_byte_when_set_then_the_car_acts_and_the_client_gets_a_reset(
    cloud: Simulator, owner: Owner
) -> None:
    cloud.behave(owner.car, reset_after_first_byte=True)

    received, error = send_raw_command(owner, "unlock")

    assert (received, error) == (b"HTTP/1.1 2", ConnectionResetError)
    assert owner.signals()["locked"] is False
    assert (owner.entry()["outcome"], owner.entry()["reply"], owner.entry()["answered_at"]) == ("done", "reset", None)


def test_hang_when_set_then_the_car_acts_and_no_answer_comes(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, hang=1)

    with pytest.raises(TimeoutError):
        owner.send("unlock", timeout=1.0)

    assert owner.signals()["locked"] is False
    assert (owner.entry()["outcome"], owner.entry()["reply"], owner.entry()["answered_at"]) == ("done", "hung", None)


def test_status_before_when_set_then_the_car_does_not_act_and_afterwards_it_does(
    cloud: Simulator, owner: Owner
) -> None:
    cloud.behave(owner.car, status_before={"status": 503, "count": 2})

    statuses = [owner.send("unlock").status for _ in range(3)]

    assert statuses == [503, 503, 202]
    assert [entry["executed_at"] is not None for entry in cloud.entries(owner.car)] == [False, False, True]
    assert cloud.control("GET", f"ledger/count?car={owner.car}") == {"count": 3}
    assert cloud.control("GET", f"ledger/count?car={owner.car}&executed=true") == {"count": 1}


def test_status_after_when_set_then_the_car_acts_all_the_same(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, status_after={"status": 500, "count": 1})

    answer = owner.send("unlock")

    assert (answer.status, answer.json()["error"]["code"]) == (500, "upstream")
    assert (owner.signals()["locked"], owner.entry()["reply"]) == (False, "status_500")


def test_rate_limit_when_set_then_retry_after_in_seconds_or_as_a_date(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, rate_limit={"retry_after_s": 7, "count": 1})
    in_seconds = owner.send("unlock")
    cloud.behave(owner.car, rate_limit={"retry_after_s": 7, "count": 1, "date": True})
    as_date = owner.send("unlock")

    wait_s = (parsedate_to_datetime(as_date.headers["Retry-After"]) - datetime.now(UTC)).total_seconds()
    assert (in_seconds.status, in_seconds.headers["Retry-After"]) == (429, "7")
    assert (as_date.status, 4 < wait_s <= 7) == (429, True)
    assert owner.signals()["locked"] is True


def test_quota_when_used_up_then_429_until_the_minute_is_over(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, quota={"per_minute": 2})

    answers = [owner.send("lights.flash") for _ in range(3)]

    assert [answer.status for answer in answers] == [202, 202, 429]
    assert 55 <= int(answers[2].headers["Retry-After"]) <= 61
    assert owner.truth()["light_flashes"] == 2


@pytest.mark.parametrize(
    ("fields", "status", "code", "outcome"),
    [
        ({"refuse": "door_open"}, 409, "refused", "refused:door_open"),
        ({"refuse": "user_present"}, 409, "refused", "refused:user_present"),
        ({"refuse": "busy"}, 409, "busy", "busy"),
        ({"offline": True}, 503, "vehicle_unreachable", "vehicle_unreachable"),
        ({"asleep": True}, 408, "vehicle_asleep", "vehicle_asleep"),
        ({"token_revoked": True}, 401, "unauthorized", None),
    ],
)
def test_a_car_that_says_no_when_set_then_nothing_is_executed(
    cloud: Simulator, owner: Owner, fields: dict, status: int, code: str, outcome: str | None
) -> None:
    cloud.behave(owner.car, **fields)

    answer = owner.send("unlock")

    assert (answer.status, answer.json()["error"]["code"]) == (status, code)
    assert owner.truth()["signals"]["locked"] is True
    assert [entry["outcome"] for entry in cloud.entries(owner.car)] == ([outcome] if outcome else [])


def test_never_acts_when_set_then_accepted_and_for_ever_pending(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, never_acts=True)

    answer = owner.send("unlock")

    assert answer.status == 202
    assert owner.get(f"commands/{answer.json()['ref']}").json()["status"] == "pending"
    assert (owner.signals()["locked"], owner.entry()["executed_at"]) == (True, None)


def test_garbage_when_html_then_a_page_instead_of_json(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, garbage="html")

    answer = owner.send("unlock")

    assert (answer.status, answer.headers["Content-Type"][:9]) == (200, "text/html")
    assert owner.signals()["locked"] is False


def test_garbage_when_empty_then_no_body(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, garbage="empty")

    answer = owner.send("unlock")

    assert (answer.status, answer.body, owner.signals()["locked"]) == (202, b"", False)


def test_garbage_when_truncated_then_the_body_ends_before_its_length(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, garbage="truncated")

    with pytest.raises(http.client.IncompleteRead):
        owner.send("unlock")

    assert (owner.signals()["locked"], owner.entry()["reply"]) == (False, "truncated")


def test_slow_body_when_set_then_the_whole_answer_takes_that_long(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, slow_body_s=0.4)
    began = time.monotonic()

    answer = owner.send("unlock")

    assert answer.json()["result"] == "accepted"
    assert 0.35 < time.monotonic() - began < 3


@pytest.mark.parametrize("latency", [0.3, {"min": 0.3, "max": 0.35}, {"p50": 0.3, "p95": 0.3000001}])
def test_latency_when_set_then_the_car_acts_only_after_it(cloud: Simulator, owner: Owner, latency) -> None:
    cloud.behave(owner.car, latency_s=latency)
    began = time.monotonic()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(owner.send, "unlock")
        arrived = wait_until(lambda: bool(cloud.entries(owner.car)))
        meanwhile = owner.entry()
        answer = waiting.result()

    assert arrived
    assert (meanwhile["answered_at"], meanwhile["executed_at"], meanwhile["outcome"]) == (None, None, "received")
    assert (answer.status, 0.28 < time.monotonic() - began < 3) == (202, True)


def test_latency_when_the_client_gives_up_then_the_car_acts_all_the_same(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, latency_s=1.5)

    with pytest.raises(TimeoutError):
        owner.send("unlock", timeout=0.5)

    assert owner.truth()["signals"]["locked"] is True
    assert wait_until(lambda: owner.truth()["signals"]["locked"] is False)


def test_scope_when_commands_then_reads_are_spared_and_when_all_they_are_not(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(status_before={"status": 502})
    spared = owner.get("vehicles").status
    cloud.behave(scope="all")
    answers = [
        owner.get("vehicles"),
        owner.get(f"vehicles/{owner.car}/state"),
        owner.wake(),
        cloud.token("volkswagen", grant_type="refresh_token", refresh_token=owner.tokens["refresh_token"]),
        cloud.request("GET", "/volkswagen/oauth/authorize"),
    ]

    assert spared == 200
    assert [answer.status for answer in answers] == [502] * 5


def test_commands_when_named_then_faults_spare_the_others(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, status_before={"status": 500}, commands=["unlock"])

    assert [owner.send("unlock").status, owner.send("lights.flash").status] == [500, 202]


def test_behaviour_when_of_one_car_then_it_comes_on_top_of_that_of_all(cloud: Simulator) -> None:
    owner = cloud.add_owner(CAR)
    cloud.behave(answer="ack", refuse="busy")
    cloud.behave(owner.car, refuse=None, never_acts=True)
    cloud.behave(owner.car, refuse="low_battery")

    refused = owner.send("unlock")
    shown = cloud.control("GET", "behaviour")
    cloud.control("DELETE", f"behaviour?car={owner.car}")
    busy = owner.send("unlock")
    cloud.control("DELETE", "behaviour")
    plain = owner.send("unlock")

    assert refused.json()["error"]["reason"] == "low_battery"
    assert shown == {
        "*": {"answer": "ack", "refuse": "busy"},
        owner.car: {"never_acts": True, "refuse": "low_battery"},
    }
    assert busy.json()["error"]["code"] == "busy"
    assert plain.json()["result"] == "accepted"


@pytest.mark.parametrize(
    "fields",
    [
        {"latency_s": -1},
        {"latency_s": {"p50": 2, "p95": 1}},
        {"latency_s": {"min": 1}},
        {"answer": "perhaps"},
        {"status_before": {"status": 200}},
        {"lose_reply": "yes"},
        {"refuse": "bad_mood"},
        {"commands": ["fly"]},
        {"surprise": True},
        {"surprise": None},
    ],
)
def test_behaviour_when_malformed_then_400_and_nothing_set(cloud: Simulator, fields: dict) -> None:
    answer = cloud.request("PUT", "/_control/behaviour", json.dumps(fields))

    assert (answer.status, answer.json()["error"]["field"]) == (400, next(iter(fields)))
    assert cloud.control("GET", "behaviour") in ({}, {"*": {}})


def test_access_token_life_when_set_then_it_expires_and_a_refresh_helps(cloud: Simulator) -> None:
    cloud.behave(access_token_s=0.2)
    owner = cloud.add_owner(CAR)

    expired = wait_until(lambda: owner.get("vehicles").status == 401)
    cloud.control("DELETE", "behaviour")
    refreshed = cloud.token("volkswagen", grant_type="refresh_token", refresh_token=owner.tokens["refresh_token"])
    owner.tokens = refreshed.json()

    assert expired
    assert (refreshed.status, owner.tokens["expires_in"]) == (200, 3600)
    assert owner.get("vehicles").status == 200


def test_token_revoked_when_set_then_a_refresh_is_refused_too(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, token_revoked=True)

    answer = cloud.token("volkswagen", grant_type="refresh_token", refresh_token=owner.tokens["refresh_token"])

    assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")
