"""Enode's dialect, driven by the maker's own client; what that client hides is asked for plainly."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import enode
import pytest
from enode import errors, models

from tests.simulator.cloud import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    REDIRECT_URI,
    Owner,
    PageReader,
    Simulator,
    wait_until,
)
from tests.simulator.dialects.listener import listen

BASE = "/dialects/enode"
PLUGGED = {"model": "ID.4", "year": 2023, "state": {"plugged_in": True, "soc_percent": 50}}
SCOPES = [
    models.Scopes.VEHICLE_READ_DATA,
    models.Scopes.VEHICLE_READ_LOCATION,
    models.Scopes.VEHICLE_CONTROL_CHARGING,
]
START, STOP = models.ChargingAction.START, models.ChargingAction.STOP


@pytest.fixture(scope="module")
def sdk(running_lab: Simulator) -> Iterator[enode.Enode]:
    address = f"{running_lab.address}{BASE}"
    security = models.Security(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, token_url=f"{address}/oauth2/token")
    with enode.Enode(security=security, server_url=address) as client:
        yield client


@pytest.fixture
def owner(lab: Simulator) -> Owner:
    return lab.add_owner(PLUGGED)


def link(lab: Simulator, owner: Owner, user: str, **fields: Any) -> dict[str, str]:
    """Link without a browser; return Enode's ids of the cars by ours."""
    body = {"account_id": owner.account_id, "client_id": CLIENT_ID, "user_id": user, **fields}
    return lab.request("POST", f"{BASE}/_control/links", json.dumps(body)).json()["vehicles"]


@pytest.fixture
def vehicle(lab: Simulator, owner: Owner) -> str:
    return link(lab, owner, owner.account_id)[owner.car]


def settle(sdk: enode.Enode, action: models.ChargeAction) -> tuple[str, str | None]:
    """Wait until an action has ended; return its state and why."""
    assert wait_until(lambda: sdk.vehicles.get_action(action_id=action.id).state != "PENDING")
    ended = sdk.vehicles.get_action(action_id=action.id)
    assert ended.completed_at is not None
    return ended.state.value, ended.failure_reason and ended.failure_reason.type.value


def test_link_when_walked_through_then_the_users_vehicles_are_listed(
    lab: Simulator, sdk: enode.Enode, owner: Owner
) -> None:
    session = sdk.user_management.post_users_userid_link(
        user_id="user-link",
        scopes=SCOPES,
        language=models.LinkUserPayloadLanguage.DE_DE,
        redirect_uri=REDIRECT_URI,
        vendor_type=models.VendorType.VEHICLE,
    )
    path = urlsplit(session.link_url).path
    assert "Marke wählen" in lab.request("GET", path, headers={"Accept-Language": "de"}).text
    page = lab.request("GET", f"{path}?vendor={owner.brand.upper()}")
    assert PageReader(page.text).language == "de"
    page = lab.form(
        f"/{owner.brand}/oauth/sign-in",
        {"ticket": PageReader(page.text).ticket, "email": owner.email, "password": PASSWORD},
    )
    back = lab.form(
        f"/{owner.brand}/oauth/consent",
        {"ticket": PageReader(page.text).ticket, "decision": "allow", "scope": ["control_charge"]},
    )

    (vehicle,) = sdk.vehicles.list_for_user(user_id="user-link").data
    user = sdk.user_management.get(user_id="user-link")

    assert back.headers["Location"] == REDIRECT_URI
    assert lab.request("GET", path).status == 400, "a link works once"
    assert vehicle.vendor == models.VehicleVendor.VOLKSWAGEN
    # Reading the car's data is needed and stays; the place was unticked.
    assert vehicle.scopes == ["vehicle:read:data", "vehicle:control:charging"]
    assert (vehicle.location.latitude, vehicle.charge_state.battery_level) == (None, 50)
    assert vehicle.charge_state.power_delivery_state.value == "PLUGGED_IN:STOPPED"
    assert (vehicle.odometer.distance, vehicle.information.vin) == (12000, owner.vehicles[0]["vin"])
    assert user.linked_vendors == [
        models.LinkedVendor(vendor="VOLKSWAGEN", vendor_type=models.VendorType.VEHICLE, is_valid=True)
    ]
    lab.behave(owner.car, token_revoked=True)
    assert sdk.user_management.get(user_id="user-link").linked_vendors[0].is_valid is False


def test_vehicles_when_there_are_more_than_a_page_then_come_by_cursor(lab: Simulator, sdk: enode.Enode) -> None:
    combustion = {"model": "Golf", "year": 2021, "powertrain": "ICE"}
    fleet = lab.add_owner(*[PLUGGED] * 5, combustion)
    known = link(lab, fleet, "user-pages")

    first = sdk.vehicles.list_for_user(user_id="user-pages", page_size=3)
    second = sdk.vehicles.list_for_user(user_id="user-pages", page_size=3, after=first.pagination.after)

    found = [vehicle.id for vehicle in [*first.data, *second.data]]
    assert (len(first.data), len(second.data), second.pagination.after) == (3, 2, None)
    assert found == list(known.values()), "a car without a plug is none of Enode's"


def test_charging_when_the_car_obeys_then_the_action_is_confirmed_and_counted_once(
    lab: Simulator, sdk: enode.Enode, owner: Owner, vehicle: str
) -> None:
    lab.behave(owner.car, effect_s=0.3)
    asked = sdk.vehicles.control_charging(vehicle_id=vehicle, action=START)
    again = sdk.vehicles.control_charging(vehicle_id=vehicle, action=START)

    assert (asked.state.value, asked.completed_at, again.id) == ("PENDING", None, asked.id)
    assert settle(sdk, asked) == ("CONFIRMED", None)
    assert [entry["outcome"] for entry in lab.entries(owner.car)] == ["done", "reused"]
    assert len(lab.entries(owner.car, executed="true")) == 1
    lab.behave(owner.car, effect_s=None)
    assert settle(sdk, sdk.vehicles.control_charging(vehicle_id=vehicle, action=START)) == ("CANCELLED", "UNNECESSARY")


def test_charging_when_another_action_comes_then_the_first_is_cancelled(
    lab: Simulator, sdk: enode.Enode, owner: Owner, vehicle: str
) -> None:
    lab.behave(owner.car, never_acts=True)
    first = sdk.vehicles.control_charging(vehicle_id=vehicle, action=START)
    second = sdk.vehicles.control_charging(vehicle_id=vehicle, action=STOP)
    gone = lab.add_owner(PLUGGED)
    lab.behave(gone.car, never_acts=True)
    third = sdk.vehicles.control_charging(vehicle_id=link(lab, gone, "user-gone")[gone.car], action=START)
    sdk.user_management.unlink_user(user_id="user-gone")

    assert settle(sdk, first) == ("CANCELLED", "CONFLICT")
    assert settle(sdk, third) == ("CANCELLED", "NOT_FOUND")
    cancelled = sdk.vehicles.cancel_action(action_id=second.id)
    assert (cancelled.state.value, cancelled.failure_reason.type.value) == ("CANCELLED", "REQUESTED_CANCELLATION")
    with pytest.raises(errors.ChargeActionError) as refused:
        sdk.vehicles.cancel_action(action_id=second.id)
    assert (refused.value.status_code, refused.value.data.state.value) == (409, "CANCELLED")


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ({"never_acts": True, "patience_s": 0.2}, ("FAILED", "NO_RESPONSE")),
        ({"offline": True, "patience_s": 0.2}, ("FAILED", "NO_RESPONSE")),
        ({"refuse": "plug_not_connected"}, ("CANCELLED", "FAILED_PRECONDITION")),
        ({"token_revoked": True}, ("FAILED", "NO_RESPONSE")),
        ({"maker_says": {"word": "NOT_FOUND"}}, ("CANCELLED", "NOT_FOUND")),
        # It is woken and tried again until it is awake.
        ({"asleep": True, "wake_s": 0.1}, ("CONFIRMED", None)),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_charging_when_the_car_does_not_follow_then_the_action_says_why(
    lab: Simulator, sdk: enode.Enode, owner: Owner, vehicle: str, behaviour: dict[str, Any], expected: Any
) -> None:
    lab.behave(owner.car, **behaviour)

    assert settle(sdk, sdk.vehicles.control_charging(vehicle_id=vehicle, action=START)) == expected

    assert (owner.entry()["executed_at"] is not None) is (expected[0] == "CONFIRMED")


def test_charging_when_it_is_not_offered_then_a_problem_says_so(
    lab: Simulator, sdk: enode.Enode, owner: Owner, vehicle: str
) -> None:
    lab.control("POST", f"cars/{owner.car}", {"facts": {"enode": {"smart_charging": True}}})
    with pytest.raises(errors.ProblemError) as smart:
        sdk.vehicles.control_charging(vehicle_id=vehicle, action=START)

    link(lab, owner, owner.account_id, scopes=["vehicle:read:data"])
    lab.control("POST", f"cars/{owner.car}", {"facts": {"enode": {"smart_charging": None}}})
    with pytest.raises(errors.EnodeDefaultError) as unasked:
        sdk.vehicles.control_charging(vehicle_id=vehicle, action=START)
    lab.behave(owner.car, rate_limit={"retry_after_s": 3})
    link(lab, owner, owner.account_id)
    with pytest.raises(errors.EnodeDefaultError) as limited:
        sdk.vehicles.control_charging(vehicle_id=vehicle, action=START)

    assert (smart.value.status_code, smart.value.data.title) == (422, "Controlled by smart charging")
    assert (unasked.value.status_code, limited.value.status_code) == (403, 429)
    assert limited.value.headers["Retry-After"] == "3"
    assert lab.entries(owner.car, executed="true") == []


def test_capabilities_when_a_car_lacks_one_or_needs_its_owner_then_say_so(lab: Simulator, sdk: enode.Enode) -> None:
    owner = lab.add_owner({**PLUGGED, "not_capable": ["charge.stop"]})
    vehicle = link(lab, owner, "user-capable")[owner.car]
    facts = {"interventions": {"startCharging": ["accept-terms"]}, "nulls": ["chargeState.range"]}
    lab.control("POST", f"cars/{owner.car}", {"facts": {"enode": facts}, "online": "asleep"})

    seen = sdk.vehicles.get(vehicle_id=vehicle)

    assert seen.capabilities.start_charging == models.Capability(is_capable=False, intervention_ids=["accept-terms"])
    assert seen.capabilities.stop_charging == models.Capability(is_capable=False, intervention_ids=[])
    assert seen.capabilities.charge_state == models.Capability(is_capable=True, intervention_ids=[])
    assert (seen.is_reachable, seen.charge_state.range) == (False, None)


def test_vendors_when_asked_then_are_those_of_the_lab(sdk: enode.Enode, vehicle: str) -> None:
    healthy = {vendor.vendor.value for vendor in sdk.service_health.get_vehicle_vendors()}
    integrations = {str(item.vendor.value) for item in sdk.service_health.list_integrations()}
    sdk.vehicles.refresh_hint(vehicle_id=vehicle)

    assert healthy == integrations
    assert {"TESLA", "VOLVO", "VOLKSWAGEN"} <= healthy


def test_webhooks_when_registered_then_get_signed_arrays_of_what_happens(
    lab: Simulator, sdk: enode.Enode, owner: Owner, vehicle: str
) -> None:
    secret = "s" * 32

    def check(raw: bytes, signature: str) -> bool:
        return signature == "sha1=" + hmac.new(secret.encode(), raw, hashlib.sha1).hexdigest()

    with listen() as to:
        webhook = sdk.webhooks.create(url=to.address, secret=secret)
        tested = sdk.webhooks.test(webhook_id=webhook.id)
        settle(sdk, sdk.vehicles.control_charging(vehicle_id=vehicle, action=START))
        sdk.user_management.unlink_user(user_id=owner.account_id)
        assert wait_until(lambda: len(to.received) == 3)
        link(lab, owner, "user-hooks", scopes=["vehicle:read:data"])
        many = {"webhook": webhook.id, "event": "user:vehicle:updated", "car": owner.car, "copies": 100}
        for tamper in (None, "body"):
            lab.request("POST", f"{BASE}/_control/events", json.dumps({**many, "tamper": tamper}))
        assert wait_until(lambda: len(to.received) == 6)
        sdk.webhooks.delete(webhook_id=webhook.id)

    deliveries = [json.loads(received.body) for received in to.received]
    names = sorted(delivery[0]["event"] for delivery in deliveries)
    good = [check(received.body, received.headers["x-enode-signature"]) for received in to.received]
    assert (webhook.is_active, tested.status.value) == (True, "SUCCESS")
    assert names == [
        "enode:webhook:test",
        "user:vehicle:deleted",
        "user:vehicle:discovered",
        "user:vehicle:updated",
        "user:vehicle:updated",
        "user:vendor-action:updated",
    ]
    assert sorted(len(delivery) for delivery in deliveries) == [1, 1, 1, 1, 100, 100]
    assert good.count(False) == 1
    action = next(delivery[0] for delivery in deliveries if delivery[0]["event"] == "user:vendor-action:updated")
    assert (action["vendorAction"]["state"], action["user"]) == ("CONFIRMED", {"id": owner.account_id})
    with pytest.raises(errors.EnodeDefaultError):
        sdk.vehicles.get(vehicle_id="nobody's")


def test_token_when_the_secret_is_wrong_then_none_is_issued(lab: Simulator) -> None:
    fields = {"grant_type": "client_credentials"}

    without = lab.form(f"{BASE}/oauth2/token", {**fields, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
    asked = lab.request("GET", f"{BASE}/vehicles", headers={"Authorization": "Bearer none"})

    assert (without.status, without.json()["error"]) == (401, "invalid_client")
    assert (asked.status, asked.json()["title"]) == (401, "Unauthorized")
