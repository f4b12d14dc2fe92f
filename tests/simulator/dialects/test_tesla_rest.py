"""Plain REST at Tesla's dialect: reading and waking, commands by name and their traps, limits and what is billed."""

from typing import Any

import pytest

from tests.simulator.cloud import CLIENT_ID, Simulator, wait_until
from tests.simulator.dialects.tesla_wire import MODEL_3, OLD_MODEL_S, TeslaApp

ASLEEP = (408, "vehicle unavailable: vehicle is offline or asleep")


@pytest.fixture
def app(lab: Simulator) -> TeslaApp:
    return TeslaApp(lab, OLD_MODEL_S)


def test_vehicles_when_there_are_many_then_they_come_in_pages(lab: Simulator) -> None:
    app = TeslaApp(lab, *[MODEL_3] * 12)

    pages = [app.ask("GET", f"vehicles?page={page}&per_page=5").json() for page in (1, 2, 3)]

    assert [car["vin"] for page in pages for car in page["response"]] == app.vins
    assert pages[1]["pagination"] == {
        "previous": 1,
        "next": 3,
        "current": 2,
        "per_page": 5,
        "count": 12,
        "pages": 3,
    }
    assert pages[2]["pagination"]["next"] is None
    assert app.refuse_of(app.ask("GET", "vehicles?page=0")) == (400, "invalid_request")


def test_vehicle_data_when_read_then_units_are_the_makers_and_the_place_is_told_only_by_name(lab: Simulator) -> None:
    app = TeslaApp(lab, MODEL_3)
    app.owner.set(odometer_km=16093.44, soc_percent=71, charging_state="connected", locked=False, trunk_open=True)
    path = f"vehicles/{app.vins[0]}/vehicle_data"

    some = app.ask("GET", f"{path}?endpoints=charge_state;vehicle_state").json()["response"]
    everything = app.ask("GET", path).json()["response"]
    placed = app.ask("GET", f"{path}?endpoints=location_data").json()["response"]

    assert {name for name in some if name.endswith(("_state", "_config"))} == {"charge_state", "vehicle_state"}
    charge, vehicle = some["charge_state"], some["vehicle_state"]
    assert (charge["battery_level"], charge["charging_state"], charge["charge_limit_soc"]) == (71, "Stopped", 80)
    assert charge["battery_range"] == pytest.approx(app.owner.truth()["signals"]["range_km"] / 1.609344, abs=0.01)
    assert {name: vehicle[name] for name in ("odometer", "locked", "rt", "ft", "tpms_pressure_fl")} == {
        "odometer": 10000.0,
        "locked": False,
        "rt": 1,
        "ft": 0,
        "tpms_pressure_fl": 2.5,
    }
    assert "latitude" not in everything["drive_state"]
    assert (placed["drive_state"]["latitude"], placed["drive_state"]["shift_state"]) == (
        app.owner.truth()["signals"]["location"]["latitude"],
        None,
    )


def test_vehicle_data_when_a_scope_is_missing_then_403(lab: Simulator) -> None:
    app = TeslaApp(lab, OLD_MODEL_S, scopes=["vehicle_device_data"])
    path = f"vehicles/{app.vins[0]}/vehicle_data?endpoints=location_data"

    missing = (403, "Unauthorized missing scopes")
    assert app.refuse_of(app.ask("GET", path)) == missing
    assert app.refuse_of(app.command("door_unlock")) == missing
    assert app.refuse_of(app.command("charge_stop")) == missing
    assert app.did() == [("unlock", "insufficient_scope", False), ("charge.stop", "insufficient_scope", False)]


def test_car_when_asleep_then_408_until_it_was_woken(app: TeslaApp) -> None:
    app.owner.set(online="asleep")
    path = f"vehicles/{app.vins[0]}"
    refused = [app.refuse_of(app.command("door_unlock")), app.refuse_of(app.ask("GET", f"{path}/vehicle_data"))]
    app.lab.behave(app.owner.car, wake_s=0.05)
    waking = app.ask("POST", f"{path}/wake_up").json()["response"]["state"]

    assert (refused, waking) == ([ASLEEP, ASLEEP], "asleep")
    assert wait_until(lambda: app.ask("GET", path).json()["response"]["state"] == "online")
    assert app.result_of("door_unlock") == (True, "")
    assert app.did() == [("unlock", "vehicle_asleep", False), ("unlock", "done", True)]

    app.control("POST", f"cars/{app.owner.car}", {"sleeps_as_offline": True})
    app.owner.set(online="asleep")
    assert app.ask("GET", path).json()["response"]["state"] == "offline"


def test_plain_commands_when_the_car_takes_them_then_each_does_what_its_name_says(app: TeslaApp) -> None:
    app.owner.set(charging_state="connected", soc_percent=40)
    text = {"value": {"android.intent.extra.TEXT": "Harbour 1, Hamburg"}, "locale": "de-DE", "timestamp_ms": "1"}
    wanted: list[tuple[str, dict[str, Any]]] = [
        ("door_unlock", {}),
        ("charge_start", {}),
        ("charge_start", {}),
        ("charge_stop", {}),
        ("charge_stop", {}),
        ("set_charge_limit", {"percent": 93}),
        ("auto_conditioning_start", {}),
        ("set_temps", {"driver_temp": 19.5, "passenger_temp": 22}),
        ("navigation_gps_request", {"lat": 48.1, "lon": 11.5, "order": 1}),
        ("navigation_request", text),
        ("honk_horn", {}),
        ("flash_lights", {}),
        ("remote_start_drive", {}),
        ("actuate_trunk", {"which_trunk": "front"}),
        ("actuate_trunk", {"which_trunk": "rear"}),
    ]

    said = [app.result_of(name, **body) for name, body in wanted]
    app.owner.set(in_motion=True)
    said.append(app.result_of("honk_horn"))

    assert said == [
        (True, ""),
        (True, ""),
        (False, "is_charging"),
        (True, ""),
        (False, "not_charging"),
        *[(True, "")] * 10,
        (False, "vehicle_not_in_park"),
    ]
    truth = app.owner.truth()
    assert truth["destination"] == {"label": "Harbour 1, Hamburg"}
    expected = {"locked": False, "charge_limit_percent": 93, "climate_on": True, "target_temperature_c": 19.5}
    expected |= {"frunk_open": True, "trunk_open": True}
    assert {name: truth["signals"][name] for name in expected} == expected
    data = app.ask("GET", f"vehicles/{app.vins[0]}/vehicle_data").json()["response"]
    assert data["climate_state"]["passenger_temp_setting"] == 22.0
    assert data["vehicle_state"]["remote_start"] is True


def test_trunk_when_moved_twice_then_it_is_closed_again_and_only_the_front_stays_open(app: TeslaApp) -> None:
    for which in ("rear", "rear", "front", "front"):
        assert app.result_of("actuate_trunk", which_trunk=which) == (True, "")

    signals = app.owner.truth()["signals"]
    assert (signals["trunk_open"], signals["frunk_open"]) == (False, True)
    assert [command for command, _, _ in app.did()] == ["trunk.open", "trunk.close", "frunk.open", "frunk.open"]


def test_pin_to_drive_when_one_is_stored_then_a_new_one_is_taken_silently_for_nothing(app: TeslaApp) -> None:
    def pin() -> tuple[bool, str | None]:
        truth = app.owner.truth()
        return truth["signals"]["pin_to_drive"], truth["drive_pin"]

    seen = []
    for name, body in (
        ("set_pin_to_drive", {"on": True, "password": "12345"}),
        ("set_pin_to_drive", {"on": True, "password": "1234"}),
        ("set_pin_to_drive", {"on": False, "password": ""}),
        ("set_pin_to_drive", {"on": True, "password": "5678"}),
        ("reset_pin_to_drive_pin", {}),
        ("clear_pin_to_drive_admin", {}),
        ("set_pin_to_drive", {"on": True, "password": "5678"}),
        ("set_valet_mode", {"on": True, "password": "9876"}),
        ("set_valet_mode", {"on": False}),
        ("clear_pin_to_drive_admin", {}),
    ):
        seen.append((app.result_of(name, **body), pin()))

    yes = (True, "")
    assert seen == [
        ((False, "invalid_pin"), (False, None)),
        (yes, (True, "1234")),
        (yes, (False, "1234")),
        (yes, (True, "1234")),  # the trap: the answer is yes and the PIN is the old one
        ((False, "pin_to_drive_enabled"), (True, "1234")),
        (yes, (False, None)),
        (yes, (True, "5678")),
        (yes, (False, "5678")),  # valet mode turns it off
        (yes, (False, "5678")),
        (yes, (False, None)),
    ]
    assert {entry["parameters"].get("pin", "****") for entry in app.lab.entries(app.owner.car)} <= {"****"}


def test_plain_command_when_the_cloud_stops_it_then_its_status_and_words_are_the_makers(lab: Simulator) -> None:
    app = TeslaApp(lab, MODEL_3, OLD_MODEL_S)
    new, old = app.owner.cars

    refused = [app.refuse_of(app.command("door_unlock"))]
    refused.append(app.refuse_of(app.command("open_sesame", 1)))
    refused.append(app.refuse_of(app.command("set_charge_limit", 1, percent="many")))
    lab.behave(old, refuse="remote_access_disabled")
    refused.append(app.refuse_of(app.command("door_unlock", 1)))
    lab.behave(old, refuse=None, maker_says={"word": "451"})
    refused.append(app.refuse_of(app.command("door_unlock", 1)))
    lab.behave(old, maker_says=None, never_acts=True, patience_s=0.05)
    refused.append(app.refuse_of(app.command("door_unlock", 1)))
    lab.control("DELETE", "behaviour")
    app.control("PUT", "settings", {"billing_limit_reached": True})
    refused.append(app.refuse_of(app.command("door_unlock", 1)))
    app.control("PUT", "settings", {"billing_limit_reached": False, "registration_required": True})
    refused.append(app.refuse_of(app.ask("GET", "vehicles")))
    app.control("DELETE", "settings")

    assert [(status, words.split(",")[0]) for status, words in refused] == [
        (403, "Tesla Vehicle Command Protocol required"),
        (400, "invalid_command"),
        (400, "invalid_request"),
        (401, "mobile_access_disabled"),
        (451, "unavailable for legal reasons"),
        (504, "context deadline exceeded"),
        (402, "Payment is required in order to use the API (non-free account only)."),
        (412, f"Account {CLIENT_ID} must be registered in the current region"),
    ]
    assert app.command("navigation_gps_request", lat=1, lon=2).json()["response"]["result"] is True
    assert {entry["executed_at"] for entry in lab.entries(old)} == {None}
    assert {entry["car"] for entry in lab.entries(new) if entry["executed_at"]} == {new}


def test_limits_when_wakes_are_used_up_then_429_says_when_and_all_was_billed(app: TeslaApp) -> None:
    app.control("DELETE", "settings")
    path = f"vehicles/{app.vins[0]}/wake_up"

    answers = [app.ask("POST", path) for _ in range(4)]
    app.control("PUT", "settings", {"limits": None})
    free = app.ask("POST", path)
    bill = app.control("GET", "bill")
    app.control("DELETE", "settings")

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Wakes-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert 50 <= int(answers[3].headers["Retry-After"]) <= 60
    assert (free.status, "RateLimit-Wakes-Limit" in free.headers) == (200, False)
    assert bill == {"requests": {"data": 0, "commands": 0, "wakes": 5}, "usd": 0.1}
