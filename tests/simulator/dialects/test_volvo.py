"""Volvo's dialect over HTTP. No client of the maker's runs here, so each form is held against its documentation."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.simulator.cloud import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    REDIRECT_URI,
    VERIFIER,
    Answer,
    Owner,
    PageReader,
    Simulator,
    make_challenge,
)

BASE = "/dialects/volvo"
CARS = "connected-vehicle/v2/vehicles"
KEY = "volvo-lab-api-key"
EX30 = {
    "model": "EX30",
    "year": 2024,
    "powertrain": "BEV",
    "state": {"plugged_in": True, "charging_state": "charging", "soc_percent": 40, "charge_limit_percent": 90},
}
XC60 = {"model": "XC60", "year": 2019, "powertrain": "ICE"}
BASIC = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()


class Driver:
    """An owner at Volvo and a client's way to that owner's first car."""

    def __init__(self, owner: Owner, token: str | None = None) -> None:
        self.lab, self.owner = owner.simulator, owner
        self.vin = owner.vehicles[0]["vin"]
        self.token = token or owner.tokens["access_token"]

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        kept = {"Authorization": f"Bearer {self.token}", "vcc-api-key": KEY, **headers}
        return self.lab.request(method, f"{BASE}/{path}", body, kept)

    def get(self, resource: str) -> Any:
        return self.ask("GET", f"{CARS}/{self.vin}/{resource}").json()["data"]

    def send(self, command: str, body: str | None = "{}") -> Answer:
        headers = {"Content-Type": "application/json"}
        return self.ask("POST", f"{CARS}/{self.vin}/commands/{command}", body, **headers)

    def invoke(self, command: str, body: str | None = "{}") -> tuple[int, str]:
        answer = self.send(command, body)
        return answer.status, answer.json()["data"]["invokeStatus"]


@pytest.fixture
def electric(lab: Simulator) -> Driver:
    return Driver(lab.add_owner(EX30, brand="volvo"))


@pytest.fixture
def petrol(lab: Simulator) -> Driver:
    return Driver(lab.add_owner(XC60, brand="volvo"))


def ask_token(lab: Simulator, authorization: str = BASIC, **fields: str) -> Answer:
    return lab.form(f"{BASE}/as/token.oauth2", fields, {"Authorization": authorization})


def exchange(lab: Simulator, code: str, verifier: str = VERIFIER) -> Answer:
    return ask_token(lab, grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, code_verifier=verifier)


def walk_to_code(lab: Simulator, owner: Owner, scope: str, ticked: list[str]) -> str:
    asked = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": scope,
        "state": "s",
        "code_challenge": make_challenge(),
        "code_challenge_method": "S256",
    }
    page = lab.request("GET", f"{BASE}/as/authorization.oauth2?{urlencode(asked)}")
    fields = {"ticket": PageReader(page.text).ticket, "email": owner.email, "password": PASSWORD}
    page = lab.form("/volvo/oauth/sign-in", fields)
    back = lab.form(
        "/volvo/oauth/consent", {"ticket": PageReader(page.text).ticket, "decision": "allow", "scope": ticked}
    )
    assert back.location["state"] == "s"
    return back.location["code"]


def test_authorization_when_the_owner_agrees_then_gives_tokens_with_what_was_ticked(lab: Simulator) -> None:
    owner = lab.add_owner(EX30, brand="volvo")
    scope = "openid conve:vehicle_relation conve:lock conve:unlock conve:odometer_status"

    tokens = exchange(lab, walk_to_code(lab, owner, scope, ["read_vin", "control_security"])).json()
    wrong = exchange(lab, walk_to_code(lab, owner, scope, ["read_vin"]), verifier="w" * 43)

    claims = json.loads(base64.urlsafe_b64decode(tokens["id_token"].split(".")[1] + "=="))
    driver = Driver(owner, tokens["access_token"])
    assert (claims["sub"], claims["aud"], tokens["expires_in"]) == (owner.account_id, CLIENT_ID, 1800)
    assert tokens["scope"] == "openid conve:vehicle_relation conve:lock conve:unlock"
    assert driver.ask("GET", CARS).json() == {"data": [{"vin": driver.vin}]}
    assert driver.invoke("unlock") == (200, "COMPLETED")
    assert driver.ask("GET", f"{CARS}/{driver.vin}/odometer").status == 403
    assert (wrong.status, wrong.json()["error"]) == (400, "invalid_grant")


def test_authorization_when_it_lacks_pkce_or_openid_then_goes_back_with_the_error(lab: Simulator) -> None:
    asked = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI, "scope": "openid"}
    pkce = {"code_challenge": make_challenge(), "code_challenge_method": "S256"}

    without_pkce = lab.request("GET", f"{BASE}/as/authorization.oauth2?{urlencode(asked)}")
    without_openid = lab.request(
        "GET", f"{BASE}/as/authorization.oauth2?{urlencode({**asked, **pkce, 'scope': 'conve:lock'})}"
    )

    assert without_pkce.location["error"] == "invalid_request"
    assert without_openid.location["error"] == "invalid_scope"


def test_refresh_when_a_token_is_stale_then_answers_400_and_the_grant_is_gone(lab: Simulator) -> None:
    owner = lab.add_owner(EX30, brand="volvo")
    first = owner.tokens["refresh_token"]

    by_form = lab.form(
        f"{BASE}/as/token.oauth2",
        {"grant_type": "refresh_token", "refresh_token": first, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
    )
    second = ask_token(lab, grant_type="refresh_token", refresh_token=first).json()
    works = Driver(owner, second["access_token"]).ask("GET", CARS).status
    stale = ask_token(lab, grant_type="refresh_token", refresh_token=first)
    after = ask_token(lab, grant_type="refresh_token", refresh_token=second["refresh_token"])

    assert (by_form.status, by_form.json()["error"]) == (401, "invalid_client")
    assert (works, stale.status, stale.json()["error"], after.status) == (200, 400, "invalid_grant", 400)


def test_a_request_when_something_is_missing_then_is_told_what(lab: Simulator, electric: Driver) -> None:
    other_brand = Driver(lab.add_owner(XC60))
    somebody = Driver(lab.add_owner(XC60, brand="volvo"))
    asked = {"account_id": electric.owner.account_id, "client_id": CLIENT_ID, "scopes": ["openid", "conve:unlock"]}
    narrow = lab.request("POST", f"{BASE}/_control/tokens", json.dumps(asked)).json()
    lock = f"{CARS}/{electric.vin}/commands/lock"

    answers = {
        "key": electric.ask("GET", CARS, **{"vcc-api-key": "no"}),
        "token": Driver(electric.owner, "no").ask("GET", CARS),
        "other brand": other_brand.ask("GET", CARS),
        "scope": Driver(electric.owner, narrow["access_token"]).send("lock"),
        "foreign": somebody.ask("GET", f"{CARS}/{electric.vin}/doors"),
        "content type": electric.ask("POST", lock, "{}", **{"Content-Type": "application/json; charset=utf-8"}),
        "no command of it": electric.send("engine-start", '{"runtimeMinutes": 5}'),
        "unknown": electric.send("open-boot"),
    }

    assert {name: (answer.status, answer.json()["error"]["message"]) for name, answer in answers.items()} == {
        "key": (401, "UNAUTHORIZED"),
        "token": (401, "UNAUTHORIZED"),
        "other brand": (401, "UNAUTHORIZED"),
        "scope": (403, "FORBIDDEN"),
        "foreign": (404, "NOT_FOUND"),
        "content type": (415, "UNSUPPORTED_MEDIA_TYPE"),
        "no command of it": (404, "NOT_FOUND"),
        "unknown": (404, "NOT_FOUND"),
    }
    assert "vcc-api-key" in answers["key"].json()["error"]["description"]
    assert lab.entries(electric.owner.car, executed="true") == []


def test_commands_when_sent_then_act_and_the_ledger_has_our_words(electric: Driver, petrol: Driver) -> None:
    done = [
        electric.invoke("unlock"),
        electric.invoke("climatization-start", None),
        electric.invoke("honk-flash"),
        petrol.invoke("engine-start", '{"runtimeMinutes": 15}'),
        petrol.invoke("lock-reduced-guard"),
    ]
    too_long = petrol.send("engine-start", '{"runtimeMinutes": 16}')

    assert done == [(200, "COMPLETED")] * 5
    assert too_long.status == 400
    entries = electric.lab.entries(electric.owner.car, executed="true")
    assert [entry["command"] for entry in entries] == ["unlock", "climate.start", "horn.honk"]
    truth = electric.owner.truth()
    assert (truth["signals"]["locked"], truth["horn_honks"], truth["light_flashes"]) == (False, 1, 1)
    assert petrol.owner.truth()["signals"]["engine_running"] is True
    # A car that was locked before is not locked again, and says the same.
    assert [entry["outcome"] for entry in electric.lab.entries(petrol.owner.car)] == [
        "done",
        "already",
        "invalid_parameter",
    ]
    offered = [command["command"] for command in electric.get("commands")]
    assert "UNLOCK" in offered
    assert "ENGINE_START" not in offered


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ({"asleep": True}, "VEHICLE_IN_SLEEP"),
        ({"offline": True}, "CONNECTION_FAILURE"),
        ({"refuse": "door_open"}, "UNABLE_TO_LOCK_DOOR_OPEN"),
        ({"refuse": "remote_access_disabled"}, "NOT_ALLOWED_PRIVACY_ENABLED"),
        ({"refuse": "user_present"}, "NOT_ALLOWED_WRONG_USAGE_MODE"),
        ({"refuse": "low_12v"}, "REJECTED"),
        ({"never_acts": True}, "DELIVERED"),
        ({"maker_says": {"word": "CAR_TIMEOUT"}}, "CAR_TIMEOUT"),
        ({"maker_says": {"word": "TIMEOUT", "acts": True}}, "TIMEOUT"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_command_when_the_car_says_otherwise_then_200_carries_the_status(
    electric: Driver, behaviour: dict[str, Any], expected: str
) -> None:
    electric.lab.behave(electric.owner.car, **behaviour)

    assert electric.invoke("unlock") == (200, expected)

    acted = behaviour.get("maker_says", {}).get("acts", False)
    assert (electric.owner.entry()["executed_at"] is not None) is acted


def test_a_command_when_http_itself_fails_then_has_the_error_object(electric: Driver) -> None:
    seen = {}
    for name, behaviour in {
        "limited": {"rate_limit": {"retry_after_s": 9}},
        "unprocessable": {"maker_says": {"word": "422", "acts": True}},
        "gone": {"status_after": {"status": 504}},
        "busy": {"refuse": "busy"},
        "withdrawn": {"token_revoked": True},
    }.items():
        electric.lab.control("DELETE", "behaviour")
        electric.lab.behave(electric.owner.car, **behaviour)
        answer = electric.send("flash")
        seen[name] = (answer.status, answer.json()["error"]["message"], answer.headers.get("Retry-After"))

    assert seen == {
        "limited": (429, "TOO_MANY_REQUESTS", "9"),
        "unprocessable": (422, "UNPROCESSABLE_ENTITY", None),
        "gone": (504, "INTERNAL_ERROR", None),
        "busy": (409, "CONFLICT", None),
        "withdrawn": (401, "UNAUTHORIZED", None),
    }
    assert electric.owner.truth()["light_flashes"] == 2


def test_unlock_when_the_car_only_makes_ready_then_says_until_when_and_stays_locked(electric: Driver) -> None:
    electric.lab.control("POST", f"cars/{electric.owner.car}", {"facts": {"volvo": {"unlock_window_s": 120}}})

    data = electric.send("unlock").json()["data"]

    assert (data["readyToUnlock"], data["readyToUnlockUntil"] is not None) == (True, True)
    assert electric.owner.truth()["signals"]["locked"] is True


def test_limits_when_set_then_the_eleventh_command_of_a_minute_waits(lab: Simulator, electric: Driver) -> None:
    lab.request("PUT", f"{BASE}/_control/settings", json.dumps({"commands_per_minute": 10}))
    try:
        statuses = [electric.send("flash").status for _ in range(11)]
        reads = electric.ask("GET", CARS).status
    finally:
        lab.request("PUT", f"{BASE}/_control/settings", json.dumps({"commands_per_minute": None}))

    assert statuses == [200] * 10 + [429]
    assert reads == 200
    assert len(lab.entries(electric.owner.car)) == 10


def test_readings_when_asked_then_have_volvos_forms(electric: Driver, petrol: Driver) -> None:
    electric.owner.set(
        doors_open=True, locked=False, location={"latitude": 57.7, "longitude": 11.9}, tyre_pressure_kpa={"fl": 180}
    )
    facts = {"miles": True, "errors": {"chargingCurrentLimit": "NOT_SUPPORTED"}}
    electric.lab.control("POST", f"cars/{electric.owner.car}", {"facts": {"volvo": facts}})

    energy = electric.ask("GET", f"energy/v2/vehicles/{electric.vin}/state").json()
    able = electric.ask("GET", f"energy/v2/vehicles/{electric.vin}/capabilities").json()
    place = electric.ask("GET", f"location/v1/vehicles/{electric.vin}/location").json()["data"]
    doors, fuel = electric.get("doors"), petrol.get("fuel")

    assert {name: energy["batteryChargeLevel"][name] for name in ("status", "value", "unit")} == {
        "status": "OK",
        "value": 40,
        "unit": "percentage",
    }
    assert (energy["electricRange"]["unit"], energy["chargingStatus"]["value"]) == ("mi", "CHARGING")
    assert (energy["chargingCurrentLimit"]["status"], "value" in energy["chargingCurrentLimit"]) == ("ERROR", False)
    assert able["chargingCurrentLimit"] == {"isSupported": False}
    assert place["geometry"] == {"type": "Point", "coordinates": [11.9, 57.7, 0.0]}
    assert (doors["centralLock"]["value"], doors["frontLeftDoor"]["value"]) == ("UNLOCKED", "OPEN")
    assert electric.get("tyres")["frontLeft"]["value"] == "LOW_PRESSURE"
    assert (fuel["fuelAmount"]["unit"], fuel["batteryChargeLevel"]) == ("l", None)
    assert petrol.get("odometer")["odometer"]["value"] == 12000
    assert petrol.get("engine-status")["engineStatus"]["value"] == "STOPPED"
    assert petrol.ask("GET", f"{CARS}/{petrol.vin}").json()["data"]["fuelType"] == "PETROL"
    assert petrol.ask("GET", f"energy/v2/vehicles/{petrol.vin}/state").status == 404


def test_accessibility_when_a_car_does_not_answer_then_gives_the_reason(electric: Driver) -> None:
    def ask() -> tuple[str, str | None]:
        status = electric.get("command-accessibility")["availabilityStatus"]
        return status["value"], status["unavailableReason"]

    seen = [ask()]
    for online, signals in (("asleep", {}), ("offline", {}), ("online", {"in_motion": True})):
        electric.owner.set(online=online, **signals)
        seen.append(ask())

    assert seen == [
        ("AVAILABLE", None),
        ("UNAVAILABLE", "POWER_SAVING_MODE"),
        ("UNAVAILABLE", "NO_INTERNET"),
        ("UNAVAILABLE", "CAR_IN_USE"),
    ]
