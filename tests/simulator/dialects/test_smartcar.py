"""Smartcar's dialect, asked as its adapter would and by the maker's own client for the three reads that it has."""

import hashlib
import hmac
import json
import socket
from http.client import RemoteDisconnected
from typing import Any
from urllib.parse import urlencode

import pytest
import smartcar

from tests.simulator.cloud import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    REDIRECT_URI,
    Answer,
    Owner,
    PageReader,
    Simulator,
)
from tests.simulator.dialects.listener import listen

BASE = "/dialects/smartcar"
CAR = {"model": "ID.4", "year": 2023, "state": {"plugged_in": True, "soc_percent": 50}}
GOLF = {"model": "Golf", "year": 2021, "powertrain": "ICE"}


class Caller:
    """An application with its token, and one user who has connected a car."""

    def __init__(self, lab: Simulator, owner: Owner, **options: Any) -> None:
        self.lab, self.owner = lab, owner
        made = lab.request(
            "POST",
            f"{BASE}/_control/connections",
            json.dumps({"account_id": owner.account_id, "client_id": CLIENT_ID, **options}),
        ).json()
        self.user_id, self.connections = made["user_id"], made["connections"]
        self.vehicle = made["vehicles"][owner.car]
        self.token = get_token(lab).json()["access_token"]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return self.lab.request(
            method,
            f"{BASE}/v3/{path}",
            None if body is None else json.dumps(body),
            {"Authorization": f"Bearer {self.token}", "sc-user-id": self.user_id, **headers},
        )

    def send(self, path: str, **attributes: Any) -> Answer:
        body = {"data": {"attributes": attributes}} if attributes else None
        return self.ask("POST", f"vehicles/{self.vehicle}/commands/{path}", body)

    def signals(self, **headers: str) -> dict[str, dict[str, Any]]:
        return {
            signal["id"]: signal
            for signal in self.ask("GET", f"vehicles/{self.vehicle}/signals", **headers).json()["data"]
        }


def get_token(lab: Simulator, **fields: str) -> Answer:
    asked = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **fields}
    return lab.form(f"{BASE}/oauth2/token", asked)


def name_error(answer: Answer) -> tuple[int, str, str | None, str | None]:
    (error,) = answer.json()["errors"]
    return answer.status, error["type"], error["code"], error["resolution"]["type"]


@pytest.fixture
def owner(lab: Simulator) -> Owner:
    return lab.add_owner(CAR)


@pytest.fixture
def caller(lab: Simulator, owner: Owner) -> Caller:
    return Caller(lab, owner)


def walk_through_connect(
    lab: Simulator, owner: Owner, *, decision: str = "allow", ticked: str = "control_security", **asked: str
) -> dict[str, str]:
    """Go through the pages without a browser and return what comes back to the client."""
    query = urlencode(
        {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "scope": "required:read_vin read_odometer control_security",
            "state": "xyz",
            **asked,
        }
    )
    page = lab.request("GET", f"{BASE}/oauth/authorize?{query}")
    assert "Choose your brand" in page.text
    assert "decision=cancel" in page.text
    page = lab.request("GET", f"{BASE}/oauth/authorize?{query}&make={owner.brand.upper()}")
    fields = {"ticket": PageReader(page.text).ticket, "email": owner.email, "password": PASSWORD}
    page = lab.form(f"/{owner.brand}/oauth/sign-in", fields)
    reader = PageReader(page.text)
    assert reader.scopes == ["read_vin", "read_odometer", "control_security"]
    back = lab.form(
        f"/{owner.brand}/oauth/consent",
        {"ticket": reader.ticket, "decision": decision, "scope": ticked.split()},
    )
    return back.location


def test_connect_when_the_owner_agrees_then_brings_the_user_and_what_was_ticked(lab: Simulator, owner: Owner) -> None:
    back = walk_through_connect(lab, owner, external_id="driver-7")

    token = get_token(lab).json()["access_token"]
    listed = lab.request(
        "GET",
        f"{BASE}/v3/connections?" + urlencode({"filter[userId]": back["user_id"]}),
        headers={"Authorization": f"Bearer {token}"},
    ).json()
    assert (back["state"], back["external_id"]) == ("xyz", "driver-7")
    (connection,) = listed["data"]
    # What is marked as required stays granted although its box was not sent.
    assert connection["attributes"]["permissions"] == ["read_vin", "control_security"]
    assert connection["relationships"]["user"]["data"] == {"id": back["user_id"], "type": "user"}


def test_connect_when_the_owner_refuses_then_says_so_in_smartcars_words(lab: Simulator, owner: Owner) -> None:
    back = walk_through_connect(lab, owner, decision="cancel")

    assert back == {
        "error": "access_denied",
        "error_description": "User denied access to application.",
        "state": "xyz",
    }
    asked = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI, "state": "xyz"}
    at_the_brands = lab.request("GET", f"{BASE}/oauth/authorize?{urlencode({**asked, 'decision': 'cancel'})}")
    assert at_the_brands.location == back


def test_token_when_refused_then_has_the_documented_error(lab: Simulator) -> None:
    wrong_secret = get_token(lab, client_secret="no")
    wrong_grant = get_token(lab, grant_type="password")

    assert (wrong_secret.status, wrong_secret.json()["error"]) == (401, "invalid_client")
    assert (wrong_grant.status, wrong_grant.json()["error"]) == (400, "invalid_request")


def test_connections_when_there_are_more_than_a_page_then_come_in_pages(lab: Simulator) -> None:
    fleet = Caller(lab, lab.add_owner(*[CAR] * 12))

    pages = [
        fleet.ask("GET", "connections?" + urlencode({"filter[userId]": fleet.user_id, "page[number]": number})).json()
        for number in (1, 2)
    ]

    found = [connection["id"] for page in pages for connection in page["data"]]
    assert [len(page["data"]) for page in pages] == [10, 2]
    assert sorted(found) == sorted(fleet.connections)
    assert (pages[0]["meta"]["totalCount"], pages[1]["links"]["next"]) == (12, None)
    too_large = fleet.ask("GET", "connections?" + urlencode({"page[size]": 101}))
    assert name_error(too_large)[:2] == (400, "VALIDATION")


def test_the_makers_own_client_when_pointed_here_then_reads_v3(
    lab: Simulator, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = walk_through_connect(lab, owner, ticked="read_odometer")["code"]
    monkeypatch.setattr(smartcar.config, "AUTH_ORIGIN", f"{lab.address}{BASE}/oauth/token")
    monkeypatch.setattr(smartcar.config, "VEHICLE_API_ORIGIN", f"{lab.address}{BASE}")
    client = smartcar.AuthClient(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uri=REDIRECT_URI)

    access = client.exchange_code(code)
    vehicle_id = lab.control("GET", f"cars/{owner.car}")["known_as"]["smartcar"]
    vehicle = smartcar.Vehicle(vehicle_id, access.access_token)
    described = smartcar.smartcar.get_vehicle(access.access_token, vehicle_id)
    signals = vehicle.get_signals()
    odometer = vehicle.get_signal("odometer-traveleddistance")

    assert access.expires_in == 7200
    assert (described["body"]["id"], described["body"]["attributes"]["make"]) == (vehicle_id, "VOLKSWAGEN")
    assert len(signals["body"]["data"]) == signals["body"]["meta"]["totalCount"]
    assert odometer["body"]["attributes"]["status"] == {"value": "SUCCESS"}
    assert odometer["body"]["attributes"]["body"] == {"value": 12000.0, "unit": "kilometers"}
    with pytest.raises(smartcar.SmartcarException, match="Invalid code"):
        client.exchange_code(code)


def test_signals_when_read_then_have_units_ages_errors_and_nulls(lab: Simulator) -> None:
    petrol = Caller(
        lab, lab.add_owner({**GOLF, "online": "asleep"}), permissions=["read_odometer", "read_battery", "read_tires"]
    )
    facts = {
        "times": "ms",
        "nulls": ["wheel-tires"],
        "errors": {"odometer-traveleddistance": {"type": "UPSTREAM", "code": "INVALID_DATA"}},
    }
    lab.control("POST", f"cars/{petrol.owner.car}", {"facts": {"smartcar": facts}})

    signals = petrol.signals()
    imperial = petrol.signals(**{"sc-unit-system": "imperial"})

    def error(code: str) -> tuple[str, str]:
        status = signals[code]["attributes"]["status"]
        return status["error"]["type"], status["error"]["code"]

    assert error("odometer-traveleddistance") == ("UPSTREAM", "INVALID_DATA")
    assert error("tractionbattery-stateofcharge") == ("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
    assert error("location-preciselocation") == ("CONNECTED_SERVICES_ACCOUNT", "PERMISSION")
    assert signals["wheel-tires"]["attributes"]["body"]["value"] is None
    assert imperial["wheel-tires"]["attributes"]["body"]["unit"] == "psi"
    asleep = signals["connectivitystatus-isasleep"]
    assert asleep["attributes"]["body"] == {"value": True}
    assert asleep["meta"]["oemUpdatedAt"] <= asleep["meta"]["retrievedAt"]
    assert name_error(petrol.ask("GET", f"vehicles/{petrol.vehicle}/signals/odometer-nonsense"))[:3] == (
        404,
        "RESOURCE_NOT_FOUND",
        "SIGNAL_NOT_FOUND",
    )


def test_a_command_when_done_then_is_recorded_once_and_the_ledger_has_our_word(caller: Caller) -> None:
    answers = {
        path: caller.send(path, **attributes)
        for path, attributes in {
            "security/unlock": {},
            "charge/start": {},
            "charge/set-limit": {"percent": 77},
            "navigation/set-destination": {"latitude": 48.1, "longitude": 11.5},
        }.items()
    }

    records = {path: answer.json()["data"]["attributes"] for path, answer in answers.items()}
    assert [answer.status for answer in answers.values()] == [200] * 4
    assert {record["status"]["value"] for record in records.values()} == {"SUCCESS"}
    assert records["charge/set-limit"]["commandType"] == "charge-set-limit"
    assert records["charge/set-limit"]["parameters"] == {"percent": 77}
    entries = caller.lab.entries(caller.owner.car, executed="true")
    assert [entry["command"] for entry in entries] == ["unlock", "charge.start", "charge.set_limit", "navigation.send"]
    truth = caller.owner.truth()
    assert (truth["signals"]["locked"], truth["signals"]["charge_limit_percent"]) == (False, 77)


@pytest.mark.parametrize(
    ("behaviour", "path", "expected"),
    [
        ({"asleep": True}, "security/lock", (409, "VEHICLE_STATE", "ASLEEP", None)),
        ({"offline": True}, "security/lock", (409, "VEHICLE_STATE", "UNREACHABLE", None)),
        ({"refuse": "door_open"}, "security/lock", (409, "VEHICLE_STATE", "DOOR_OPEN", None)),
        ({}, "charge/stop", (409, "VEHICLE_STATE", "NOT_CHARGING", None)),
        (
            {"token_revoked": True},
            "security/lock",
            (400, "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "REAUTHENTICATE"),
        ),
        ({"rate_limit": {"retry_after_s": 7}}, "security/lock", (429, "RATE_LIMIT", "SMARTCAR_API", "RETRY_LATER")),
        ({"status_after": {"status": 504}}, "security/unlock", (504, "UPSTREAM", "NO_RESPONSE", "RETRY_LATER")),
        ({"status_before": {"status": 502}}, "security/unlock", (502, "UPSTREAM", "KNOWN_ISSUE", "RETRY_LATER")),
        (
            {"maker_says": {"word": "BILLING/VEHICLE_REQUEST_LIMIT"}},
            "security/lock",
            (430, "BILLING", "VEHICLE_REQUEST_LIMIT", "CONTACT_SUPPORT"),
        ),
        # An error object in an answer that HTTP calls a success: the body decides.
        (
            {"maker_says": {"word": "200 VEHICLE_STATE/HOOD_OPEN"}},
            "security/lock",
            (200, "VEHICLE_STATE", "HOOD_OPEN", None),
        ),
    ],
    ids=lambda value: next(iter(value), "plain") if isinstance(value, dict) else None,
)
def test_a_command_when_it_fails_then_has_the_documented_error(
    caller: Caller, behaviour: dict[str, Any], path: str, expected: tuple[int, str, str | None, str | None]
) -> None:
    caller.lab.behave(caller.owner.car, **behaviour)

    answer = caller.send(path)

    assert name_error(answer) == expected
    acted = "status_after" in behaviour
    assert [entry["executed_at"] is not None for entry in caller.lab.entries(caller.owner.car)] in ([acted], [])


def test_a_request_when_it_is_not_allowed_then_nothing_reaches_the_car(lab: Simulator, caller: Caller) -> None:
    stranger = Caller(lab, lab.add_owner(GOLF), permissions=["read_odometer"])

    without_user = caller.ask("GET", f"vehicles/{caller.vehicle}/signals", **{"sc-user-id": ""})
    foreign = caller.ask("GET", f"vehicles/{stranger.vehicle}")
    without_permission = stranger.send("security/lock")
    wrong_percent = caller.send("charge/set-limit", percent=49)
    unknown = caller.send("climate/start")
    caller.token = "expired"
    without_token = caller.send("security/lock")

    assert name_error(without_user)[:3] == (400, "VALIDATION", "MISSING_PARAMETER")
    assert name_error(foreign)[:3] == (404, "RESOURCE_NOT_FOUND", "PATH")
    assert name_error(without_permission)[:3] == (403, "AUTHENTICATION", "ACCESS_DENIED")
    assert name_error(wrong_percent)[:3] == (400, "VALIDATION", "PARAMETER")
    assert name_error(unknown)[:3] == (404, "RESOURCE_NOT_FOUND", "PATH")
    assert name_error(without_token)[:3] == (401, "AUTHENTICATION", "INVALID_TOKEN")
    assert lab.entries(caller.owner.car, executed="true") == lab.entries(stranger.owner.car, executed="true") == []


def test_a_slow_car_when_within_the_makers_patience_then_is_waited_for_else_the_body_comes_late(caller: Caller) -> None:
    caller.lab.behave(caller.owner.car, effect_s=0.3)
    waited = caller.send("security/unlock")

    caller.lab.behave(caller.owner.car, effect_s=0.5, patience_s=0.05)
    head, late = _watch_the_answer(caller, "security/lock")

    assert (waited.status, waited.json()["data"]["attributes"]["status"]["value"]) == (200, "SUCCESS")
    assert head.startswith(b"HTTP/1.1 202")
    assert b"Content-Length" not in head
    assert b"data" not in head
    assert b'"value":"SUCCESS"' in late
    caller.lab.behave(caller.owner.car, effect_s=None, never_acts=True)
    pending = caller.send("security/unlock").json()["data"]
    assert (pending["attributes"]["status"]["value"], pending["meta"]["completedAt"]) == ("PENDING", None)


def _watch_the_answer(caller: Caller, path: str) -> tuple[bytes, bytes]:
    """Send a command over a bare socket; return what came first and what came after it."""
    request = (
        f"POST {BASE}/v3/vehicles/{caller.vehicle}/commands/{path} HTTP/1.1\r\nHost: lab\r\n"
        f"Authorization: Bearer {caller.token}\r\nsc-user-id: {caller.user_id}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(caller.lab.host, timeout=10) as connection:
        connection.sendall(request.encode())
        first = connection.recv(65536)
        rest = b""
        while chunk := connection.recv(65536):
            rest += chunk
    return first, rest


def test_a_lost_reply_when_the_car_acted_then_the_ledger_says_both(caller: Caller) -> None:
    caller.lab.behave(caller.owner.car, lose_reply=1)

    with pytest.raises(RemoteDisconnected):
        caller.send("security/unlock")

    entry = caller.owner.entry()
    assert (entry["command"], entry["outcome"], entry["reply"]) == ("unlock", "done", "lost")


def test_webhooks_when_sent_then_are_verified_signed_and_can_be_replayed_or_forged(
    lab: Simulator, caller: Caller
) -> None:
    key = "smartcar-lab-management-token"

    def send(**fields: Any) -> dict[str, Any]:
        return lab.request("POST", f"{BASE}/_control/webhooks", json.dumps({"url": to.address, **fields})).json()

    with listen() as to:
        to.answer = lambda received: (200, received.body)
        verify = send(event="VERIFY", challenge="please")
        state = send(event="VEHICLE_STATE", car=caller.owner.car, signals=["odometer-traveleddistance"])
        replayed = send(replay=json.loads(state["sent"]["body"])["meta"]["deliveryId"])
        forged = send(event="VEHICLE_ERROR", car=caller.owner.car, tamper="body")

    first, second, third, fourth = to.received
    assert json.loads(first.body)["data"] == {"challenge": "please"}
    assert "sc-signature" not in first.headers
    assert verify["answer"]["body"] == verify["sent"]["body"]
    assert second.headers["sc-signature"] == hmac.new(key.encode(), second.body, hashlib.sha256).hexdigest()
    event = json.loads(second.body)
    assert event["data"]["user"]["id"] == caller.user_id
    assert event["data"]["signals"][0]["body"] == {"value": 12000, "unit": "kilometers"}
    assert (second.body, second.headers["sc-signature"]) == (third.body, third.headers["sc-signature"])
    assert replayed["sent"]["body"] == state["sent"]["body"]
    assert fourth.headers["sc-signature"] != hmac.new(key.encode(), fourth.body, hashlib.sha256).hexdigest()
    assert forged["answer"]["status"] == 200
    elsewhere = lab.request(
        "POST", f"{BASE}/_control/webhooks", json.dumps({"url": "https://example.org/", "event": "VERIFY"})
    )
    assert elsewhere.status == 400


def test_a_connection_when_deleted_then_the_car_is_gone_for_the_application(caller: Caller) -> None:
    gone = caller.ask("DELETE", f"connections/{caller.connections[0]}")
    after = caller.send("security/unlock")
    again = caller.ask("DELETE", f"users/{caller.user_id}")

    assert (gone.status, gone.body) == (204, b"")
    assert name_error(after)[:2] == name_error(again)[:2] == (404, "RESOURCE_NOT_FOUND")


def test_compatible_cars_when_filtered_then_name_signals_and_commands(caller: Caller) -> None:
    page = caller.ask("GET", "compatible-vehicles?" + urlencode({"filter[make]": "VOLKSWAGEN", "page[size]": 100}))

    models = {item["attributes"]["model"]: item["attributes"] for item in page.json()["data"]}
    commands = [item["code"] for item in models["ID.4"]["capabilities"] if item["type"] == "command"]
    assert models["ID.4"]["powertrainType"] == "BEV"
    assert commands == [
        "security-lock",
        "security-unlock",
        "charge-start",
        "charge-stop",
        "charge-set-limit",
        "charge-port-open",
        "charge-port-close",
        "navigation-set-destination",
    ]
