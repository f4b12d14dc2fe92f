"""Vehicles, state, scopes, paging, sleep and wake over real HTTP."""

import pytest

from tests.simulator.cloud import SCOPES, Owner, Simulator, wait_until
from tests.simulator.conftest import CAR


def test_brands_when_asked_then_twelve_makers_answer(cloud: Simulator) -> None:
    answer = cloud.request("GET", "/brands")

    assert " ".join(brand["key"] for brand in answer.json()["brands"]) == (
        "volkswagen tesla renault hyundai kia bmw volvo polestar ford skoda opel peugeot"
    )


def test_health_when_running_then_ok(cloud: Simulator) -> None:
    answer = cloud.request("GET", "/healthz")

    assert (answer.status, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nonsense", "Basic nonsense"])
def test_vehicles_when_token_is_missing_or_unknown_then_401(cloud: Simulator, authorization: str) -> None:
    answer = cloud.request("GET", "/api/v1/vehicles", headers={"Authorization": authorization})

    assert (answer.status, answer.json()["error"]["code"]) == (401, "unauthorized")


def test_vehicles_when_thirteen_then_two_pages_hold_each_once(cloud: Simulator) -> None:
    owner = cloud.add_owner(*[CAR] * 13)

    first = owner.get("vehicles").json()
    second = owner.get(f"vehicles?cursor={first['next_cursor']}").json()

    assert len(first["vehicles"]) == 10
    assert [vehicle["id"] for vehicle in first["vehicles"] + second["vehicles"]] == owner.cars
    assert second["next_cursor"] is None


def test_vehicles_when_ten_then_no_second_page(cloud: Simulator) -> None:
    owner = cloud.add_owner(*[CAR] * 10)

    assert owner.get("vehicles").json()["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["x", "p", "p-1", "p1x", "p99999999999", "p%C2%B2"])
def test_vehicles_when_cursor_is_forged_then_400(owner: Owner, cursor: str) -> None:
    answer = owner.get(f"vehicles?cursor={cursor}")

    assert (answer.status, answer.json()["error"]["field"]) == (400, "cursor")


def test_vehicle_when_asked_then_facts_and_state(cloud: Simulator) -> None:
    owner = cloud.add_owner(
        {"make": "Tesla", "model": "Model Y", "year": 2023, "license_plate": "B-X 1E"}, brand="tesla"
    )

    answer = owner.get(f"vehicles/{owner.car}")

    assert answer.json() == {
        "id": owner.car,
        "vin": owner.vehicles[0]["vin"],
        "make": "Tesla",
        "model": "Model Y",
        "year": 2023,
        "powertrain": "BEV",
        "display_name": "Tesla Model Y",
        "license_plate": "B-X 1E",
        "state": "online",
    }


def test_vehicle_when_of_another_account_then_404_everywhere(cloud: Simulator, owner: Owner) -> None:
    stranger = cloud.add_owner(CAR)
    stranger.cars = owner.cars

    answers = [
        stranger.get(f"vehicles/{owner.car}"),
        stranger.get(f"vehicles/{owner.car}/state"),
        stranger.get(f"vehicles/{owner.car}/capabilities"),
        stranger.wake(),
        stranger.send("lock"),
    ]

    assert [(answer.status, answer.json()["error"]["code"]) for answer in answers] == [(404, "not_found")] * 5
    assert cloud.entries(owner.car) == []


def test_state_when_electric_then_no_fuel_and_when_combustion_then_no_charging(cloud: Simulator) -> None:
    electric = cloud.add_owner(CAR).signals()
    combustion = cloud.add_owner({"model": "Golf", "year": 2021}).signals()
    both = cloud.add_owner({"make": "Kia", "model": "Niro PHEV", "year": 2021}, brand="kia").signals()

    assert {"fuel_percent", "engine_running"} & electric.keys() == set()
    assert {"soc_percent", "charging_state", "plugged_in", "charge_power_kw"} & combustion.keys() == set()
    assert {"fuel_percent", "engine_running", "soc_percent", "charging_state"} <= both.keys()


def test_state_when_scopes_are_few_then_only_their_signals(cloud: Simulator) -> None:
    owner = cloud.add_owner(CAR, scopes=["read_odometer", "read_tires"])

    assert owner.signals().keys() == {"odometer_km", "tyre_pressure_kpa"}


def test_state_when_all_scopes_then_units_and_times(owner: Owner) -> None:
    state = owner.get(f"vehicles/{owner.car}/state").json()

    assert state["signals"]["soc_percent"] == {"value": 60.0, "unit": "%", "observed_at": state["server_time"]}
    assert state["signals"]["locked"] == {"value": True, "observed_at": state["server_time"]}


def test_state_when_the_car_sleeps_then_last_known_values_with_their_old_time(owner: Owner) -> None:
    owner.set(soc_percent=55, online="asleep")
    owner.set(soc_percent=44)

    first = owner.get(f"vehicles/{owner.car}/state").json()
    second = owner.get(f"vehicles/{owner.car}/state").json()

    assert first["state"] == second["state"] == "asleep"
    assert first["signals"] == second["signals"]
    assert first["signals"]["soc_percent"]["value"] == 55
    assert first["signals"]["soc_percent"]["observed_at"] < first["server_time"]
    assert owner.truth()["wakes"] == 0


def test_state_when_the_cars_clock_is_wrong_then_observed_at_is_too(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, clock_offset_s=-86_400)

    state = owner.get(f"vehicles/{owner.car}/state").json()

    assert state["signals"]["locked"]["observed_at"][:10] < state["server_time"][:10]


def test_wake_when_asleep_then_online_after_a_while_and_woken_once(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, wake_s=1.0)
    owner.set(online="asleep")

    answers = [owner.wake(), owner.wake()]
    state_meanwhile = owner.get(f"vehicles/{owner.car}").json()["state"]
    became_online = wait_until(lambda: owner.get(f"vehicles/{owner.car}").json()["state"] == "online")
    afterwards = owner.wake()

    assert [(answer.status, answer.json()) for answer in answers] == [(202, {"state": "waking"})] * 2
    assert state_meanwhile == "asleep"
    assert became_online
    assert (afterwards.status, afterwards.json()) == (200, {"state": "online"})
    assert owner.truth()["wakes"] == 1


def test_wake_when_behaviour_says_asleep_then_a_wake_lifts_it_until_set_again(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(asleep=True, wake_s=0)
    before = owner.send("lock")
    owner.wake()
    woken = owner.send("lock")
    cloud.behave(asleep=True)
    again = owner.send("lock")

    assert [before.status, woken.status, again.status] == [408, 202, 408]


def test_wake_when_it_fails_then_it_stays_asleep(cloud: Simulator, owner: Owner) -> None:
    cloud.behave(owner.car, wake_fails=True, wake_s=0)
    owner.set(online="asleep")

    answer = owner.wake()

    assert (answer.status, owner.get(f"vehicles/{owner.car}").json()["state"]) == (202, "asleep")


def test_wake_when_offline_then_503(owner: Owner) -> None:
    owner.set(online="offline")

    answer = owner.wake()

    assert (answer.status, answer.json()["error"]["code"]) == (503, "vehicle_unreachable")


def test_capabilities_when_electric_then_ranges_and_what_is_missing(cloud: Simulator) -> None:
    owner = cloud.add_owner({**CAR, "not_capable": ["trunk.open"]})

    capabilities = owner.get(f"vehicles/{owner.car}/capabilities").json()["commands"]

    assert len(capabilities) == 23
    assert capabilities["lock"] == {"capable": True}
    assert capabilities["charge.set_limit"] == {"capable": True, "percent": {"min": 50, "max": 100, "step": 5}}
    assert capabilities["climate.start"] == {"capable": True, "temperature_c": {"min": 15, "max": 28, "step": 0.5}}
    assert capabilities["trunk.open"] == {"capable": False, "reason": "not_equipped"}
    assert capabilities["engine.start"] == {"capable": False, "reason": "not_equipped"}


def test_car_when_it_needs_pairing_then_it_takes_commands_only_after_the_owner_agreed(cloud: Simulator) -> None:
    owner = cloud.add_owner({**CAR, "needs_pairing": True})
    page = f"/volkswagen/pair/{owner.car}"

    def states() -> tuple[object, int, object]:
        capabilities = owner.get(f"vehicles/{owner.car}/capabilities").json()["commands"]
        answer = owner.send("lights.flash")
        return capabilities["lights.flash"], answer.status, answer.json().get("error", {}).get("code")

    before = states()
    looked = cloud.request("GET", page)
    after_looking = states()
    agreed = cloud.request("POST", page)

    assert before == after_looking == ({"capable": False, "reason": "needs_pairing"}, 403, "needs_pairing")
    assert (looked.status, agreed.status) == (200, 200)
    assert states() == ({"capable": True}, 202, None)
    assert (
        owner.get(f"vehicles/{owner.car}/capabilities").json()["commands"]["engine.start"]["reason"] == "not_equipped"
    )
    assert cloud.request("POST", "/tesla/pair/" + owner.car).status == 400


def test_unknown_paths_and_methods_when_asked_then_errors_in_the_one_form(cloud: Simulator) -> None:
    missing = cloud.request("GET", "/api/v2/vehicles")
    wrong = cloud.request("DELETE", "/api/v1/vehicles")

    assert (missing.status, missing.json()["error"]["code"]) == (404, "not_found")
    assert (wrong.status, wrong.json()["error"]["code"], wrong.headers["Allow"]) == (405, "method_not_allowed", "GET")


def test_scopes_when_listed_then_sixteen(cloud: Simulator) -> None:
    owner = cloud.add_owner(scopes=SCOPES)

    assert owner.tokens["scope"].split() == SCOPES
