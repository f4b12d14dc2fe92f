"""Every wire command over real HTTP: what it changes, what it needs, when a car refuses."""

import pytest

from tests.simulator.cloud import Owner, Simulator, wait_until
from tests.simulator.conftest import CAR

EFFECTS = [
    ("lock", {}, {"locked": False}, {"locked": True}),
    ("unlock", {}, {}, {"locked": False}),
    ("charge.start", {}, {"plugged_in": True}, {"charging_state": "charging"}),
    ("charge.stop", {}, {"charging_state": "charging"}, {"charging_state": "stopped", "charge_power_kw": 0.0}),
    ("charge.set_limit", {"percent": 90}, {}, {"charge_limit_percent": 90}),
    ("charge_port.open", {}, {}, {"charge_port_open": True}),
    ("charge_port.close", {}, {"charge_port_open": True}, {"charge_port_open": False}),
    ("climate.start", {"temperature_c": 22.5}, {}, {"climate_on": True, "target_temperature_c": 22.5}),
    ("climate.start", {}, {"target_temperature_c": 19.5}, {"climate_on": True, "target_temperature_c": 19.5}),
    ("climate.stop", {}, {"climate_on": True}, {"climate_on": False}),
    ("climate.set_temperature", {"temperature_c": 18}, {}, {"target_temperature_c": 18.0, "climate_on": False}),
    ("trunk.open", {}, {}, {"trunk_open": True}),
    ("trunk.close", {}, {"trunk_open": True}, {"trunk_open": False}),
    ("frunk.open", {}, {}, {"frunk_open": True}),
    ("frunk.close", {}, {"frunk_open": True}, {"frunk_open": False}),
    ("pin_to_drive.set", {"pin": "0417"}, {}, {"pin_to_drive": True}),
    ("pin_to_drive.reset", {}, {"pin_to_drive": True}, {"pin_to_drive": False}),
    ("valet.enable", {"pin": "0417"}, {}, {"valet_mode": True}),
    ("valet.disable", {}, {"valet_mode": True}, {"valet_mode": False}),
    ("engine.start", {"duration_min": 5}, {}, {"engine_running": True}),
    ("engine.stop", {}, {"engine_running": True}, {"engine_running": False}),
]


@pytest.mark.parametrize(("command", "parameters", "before", "after"), EFFECTS)
def test_command_when_sent_then_the_car_shows_it(
    hybrid_owner: Owner, command: str, parameters: dict, before: dict, after: dict
) -> None:
    hybrid_owner.set(**before)

    answer = hybrid_owner.send(command, **parameters)

    assert answer.status == 202
    assert {name: hybrid_owner.signals()[name] for name in after} == after
    assert hybrid_owner.entry()["outcome"] == "done"


def test_horn_lights_and_destination_when_sent_then_the_car_did_each_once(owner: Owner) -> None:
    place = {"latitude": 52.52, "longitude": 13.405, "label": "Berlin"}

    answers = [owner.send("horn.honk"), owner.send("lights.flash"), owner.send("navigation.send", **place)]

    truth = owner.truth()
    assert [answer.status for answer in answers] == [202, 202, 202]
    assert (truth["horn_honks"], truth["light_flashes"], truth["destination"]) == (1, 1, place)


def test_command_when_acknowledged_then_done_and_a_second_time_already(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, answer="ack")

    first, second = owner.send("unlock"), owner.send("unlock")

    assert (first.status, first.json()["result"]) == (200, "done")
    assert (second.status, second.json()) == (200, {"result": "already"})
    assert [entry["outcome"] for entry in cloud.entries(owner.car)] == ["done", "already"]


def test_command_when_accepted_with_delay_then_pending_then_done(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, effect_s=1.0)
    owner.set(plugged_in=True)

    ref = owner.send("charge.start").json()["ref"]
    pending = owner.get(f"commands/{ref}").json()
    state_meanwhile = owner.signals()["charging_state"]
    became_done = wait_until(lambda: owner.get(f"commands/{ref}").json()["status"] == "done")

    assert pending == {"ref": ref, "status": "pending", "reason": None}
    assert state_meanwhile == "starting"
    assert became_done
    assert owner.signals()["charging_state"] == "charging"
    assert owner.entry()["executed_at"] > owner.entry()["answered_at"]


def test_command_when_the_car_can_no_longer_act_then_failed_with_reason(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, effect_s=1.0)

    ref = owner.send("unlock").json()["ref"]
    owner.set(in_motion=True)
    wait_until(lambda: owner.get(f"commands/{ref}").json()["status"] != "pending")

    assert owner.get(f"commands/{ref}").json() == {"ref": ref, "status": "failed", "reason": "in_motion"}
    assert owner.entry()["executed_at"] is None


def test_command_status_when_of_another_account_then_404(cloud: Simulator, owner: Owner) -> None:
    ref = owner.send("lock").json()["ref"]
    stranger = cloud.add_owner(CAR)

    assert stranger.get(f"commands/{ref}").status == 404


BAD_PARAMETERS = [
    ("charge.set_limit", {"percent": 49}, "percent"),
    ("charge.set_limit", {"percent": 101}, "percent"),
    ("charge.set_limit", {"percent": 77}, "percent"),
    ("charge.set_limit", {"percent": "80"}, "percent"),
    ("charge.set_limit", {"percent": True}, "percent"),
    ("charge.set_limit", {"percent": float("nan")}, "percent"),
    ("charge.set_limit", {}, "percent"),
    ("climate.start", {"temperature_c": 28.5}, "temperature_c"),
    ("climate.start", {"temperature_c": 20.3}, "temperature_c"),
    ("climate.set_temperature", {}, "temperature_c"),
    ("navigation.send", {"latitude": 91, "longitude": 0}, "latitude"),
    ("navigation.send", {"latitude": 1, "longitude": 0, "label": "x" * 201}, "label"),
    ("pin_to_drive.set", {"pin": "12345"}, "pin"),
    ("pin_to_drive.set", {"pin": "12a4"}, "pin"),
    ("pin_to_drive.set", {"pin": "１２３４"}, "pin"),  # noqa: RUF001 - digits, but not 0 to 9
    ("pin_to_drive.set", {"pin": 1234}, "pin"),
    ("valet.enable", {}, "pin"),
    ("engine.start", {"duration_min": 16}, "duration_min"),
    ("lock", {"percent": 80}, "percent"),
]


@pytest.mark.parametrize(("command", "parameters", "field"), BAD_PARAMETERS)
def test_command_when_a_parameter_is_bad_then_400_names_it_and_nothing_happens(
    hybrid_owner: Owner, command: str, parameters: dict, field: str
) -> None:
    answer = hybrid_owner.send(command, **parameters)

    assert (answer.status, answer.json()["error"]["code"], answer.json()["error"]["field"]) == (
        400,
        "invalid_parameter",
        field,
    )
    assert hybrid_owner.entry()["executed_at"] is None


@pytest.mark.parametrize("body", ["", "[]", "nonsense", '{"command": 3}', '{"command": "fly"}', "[" * 50_000])
def test_command_when_the_body_is_no_command_then_400_and_not_in_the_ledger(owner: Owner, body: str) -> None:
    answer = owner.simulator.request("POST", f"/api/v1/vehicles/{owner.car}/commands", body, owner.headers)

    assert (answer.status, answer.json()["error"]["code"]) == (400, "invalid_parameter")
    assert owner.simulator.entries(owner.car) == []


def test_command_when_the_scope_is_missing_then_403_and_nothing_happens(cloud: Simulator) -> None:
    owner = cloud.add_owner(CAR, scopes=["control_charge", "read_lock_state"])

    answer = owner.send("unlock")

    assert (answer.status, answer.json()["error"]["code"]) == (403, "insufficient_scope")
    assert (owner.signals()["locked"], owner.entry()["outcome"]) == (True, "insufficient_scope")


def test_command_when_the_car_lacks_it_then_501(cloud: Simulator) -> None:
    owner = cloud.add_owner({**CAR, "not_capable": ["trunk.open"]})

    answers = [owner.send("trunk.open"), owner.send("engine.start")]

    assert [(answer.status, answer.json()["error"]["code"]) for answer in answers] == [(501, "not_capable")] * 2


REFUSALS = [
    ("lock", {}, {"locked": False, "doors_open": True}, "door_open"),
    ("lock", {}, {"locked": False, "trunk_open": True}, "trunk_open"),
    ("unlock", {}, {"in_motion": True}, "in_motion"),
    ("trunk.open", {}, {"in_motion": True}, "in_motion"),
    ("charge.start", {}, {}, "plug_not_connected"),
    ("charge.start", {}, {"plugged_in": True, "soc_percent": 80}, "fully_charged"),
    ("charge_port.open", {}, {"in_motion": True}, "not_parked"),
    ("pin_to_drive.set", {"pin": "1234"}, {"in_motion": True}, "not_parked"),
    ("climate.start", {}, {"soc_percent": 6}, "low_battery"),
    ("horn.honk", {}, {"battery_12v_v": 10.9}, "low_12v"),
    ("trunk.open", {}, {"valet_mode": True}, "valet_mode"),
]


@pytest.mark.parametrize(("command", "parameters", "before", "reason"), REFUSALS)
def test_command_when_the_car_cannot_then_409_with_its_reason(
    owner: Owner, command: str, parameters: dict, before: dict, reason: str
) -> None:
    owner.set(**before)

    answer = owner.send(command, **parameters)

    assert (answer.status, answer.json()["error"]["code"], answer.json()["error"]["reason"]) == (409, "refused", reason)
    assert (owner.entry()["outcome"], owner.entry()["executed_at"]) == (f"refused:{reason}", None)


def test_pins_when_set_then_the_car_has_them_and_the_ledger_does_not(owner: Owner) -> None:
    owner.send("pin_to_drive.set", pin="0417")
    owner.send("valet.enable", pin="2580")

    wrong = owner.send("valet.disable", pin="1111")
    right = owner.send("valet.disable", pin="2580")

    assert (owner.truth()["drive_pin"], owner.truth()["valet_pin"]) == ("0417", None)
    assert (wrong.json()["error"]["reason"], right.status) == ("wrong_pin", 202)
    assert {entry["parameters"]["pin"] for entry in owner.simulator.entries(owner.car)} == {"****"}


def test_charge_limit_when_below_the_level_then_charging_completes_and_above_it_resumes(owner: Owner) -> None:
    owner.set(charging_state="charging", soc_percent=70)

    owner.send("charge.set_limit", percent=60)
    lowered = owner.signals()["charging_state"]
    owner.send("charge.set_limit", percent=95)

    assert (lowered, owner.signals()["charging_state"]) == ("complete", "charging")
