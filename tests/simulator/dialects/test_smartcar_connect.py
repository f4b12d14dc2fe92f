"""Smartcar Connect, tokens, connections and compatible cars, and the maker's own client for the reads that it has."""

from urllib.parse import urlencode

import pytest
import smartcar

from tests.simulator.cloud import CLIENT_ID, CLIENT_SECRET, PASSWORD, REDIRECT_URI, Owner, PageReader, Simulator
from tests.simulator.dialects.smartcar_calls import BASE, CAR, Caller, get_token, name_error


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
