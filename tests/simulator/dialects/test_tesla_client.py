"""A client that others wrote, `tesla-fleet-api`: if it cannot talk to Tesla's dialect, the dialect is wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tesla_fleet_api import TeslaFleetApi
from tesla_fleet_api.const import Trunk
from tesla_fleet_api.exceptions import Forbidden, NotOnWhitelistFault, VehicleOffline

from tests.simulator.cloud import Simulator
from tests.simulator.dialects.tesla_wire import BASE, MODEL_3, OLD_MODEL_S, TeslaApp

DONE = {"response": {"result": True, "reason": ""}}


def run(app: TeslaApp, ask: Callable[[TeslaFleetApi], Awaitable[Any]]) -> Any:
    """Run one conversation of the independent client, with a key that the first car knows."""

    async def converse() -> Any:
        async with aiohttp.ClientSession() as session:
            api = TeslaFleetApi(
                session, access_token=app.tokens["access_token"], server=f"{app.lab.address}{BASE}/{app.region}"
            )
            # The client would write a key into a file for all to read; it takes one all the same.
            api.private_key = ec.generate_private_key(ec.SECP256R1())
            app.control("POST", f"cars/{app.owner.car}", {"pair": api.public_pem})
            return await ask(api)

    return asyncio.run(converse())


def test_client_when_it_lists_wakes_reads_and_commands_plainly_then_it_is_understood(lab: Simulator) -> None:
    app = TeslaApp(lab, OLD_MODEL_S, MODEL_3)
    app.owner.set(online="asleep")
    lab.behave(app.owner.car, wake_s=0.05)

    async def ask(api: TeslaFleetApi) -> list[Any]:
        car = api.vehicles.createFleet(app.vins[0])
        said: list[Any] = [await api.status(), (await api.user.region())["response"]["region"]]
        said.append([vehicle["vin"] for vehicle in (await car.list(page=1, per_page=10))["response"]])
        # Its errors are no Exception: this is what catches them.
        with pytest.raises(VehicleOffline):
            await car.door_unlock()
        await car.wake_up()
        async with asyncio.timeout(10):
            while (await car.vehicle())["response"]["state"] != "online":
                pass
        said += [await car.door_unlock(), await car.set_charge_limit(85), await car.actuate_trunk(Trunk.REAR)]
        said += [await car.set_pin_to_drive(on=True, password="1234"), await car.charge_start()]
        said.append((await car.vehicle_data(["charge_state"]))["response"]["charge_state"]["charge_limit_soc"])
        with pytest.raises(Forbidden):
            await api.vehicles.createFleet(app.vins[1]).door_unlock()
        said.append((await car.fleet_status(app.vins))["response"]["vehicle_info"])
        return said

    *said, pairing = run(app, ask)

    assert said == [
        "ok",
        "eu",
        app.vins,
        *[DONE] * 4,
        {"response": {"result": False, "reason": "disconnected"}},
        85,
    ]
    assert [pairing[vin]["vehicle_command_protocol_required"] for vin in app.vins] == [False, True]
    assert app.did() == [
        ("unlock", "vehicle_asleep", False),
        ("unlock", "done", True),
        ("charge.set_limit", "done", True),
        ("trunk.open", "done", True),
        ("pin_to_drive.set", "done", True),
        ("charge.start", "refused:plug_not_connected", False),
    ]


def test_client_when_it_signs_then_the_car_acts_on_every_command_once(lab: Simulator) -> None:
    app = TeslaApp(lab, MODEL_3)
    app.owner.set(charging_state="connected", soc_percent=40)

    async def ask(api: TeslaFleetApi) -> list[Any]:
        car = api.vehicles.createSigned(app.vins[0])
        said = [await car.door_unlock(), await car.door_lock(), await car.auto_conditioning_start()]
        said += [await car.set_temps(20, 22), await car.set_charge_limit(90), await car.charge_start()]
        said += [await car.charge_port_door_open(), await car.actuate_trunk(Trunk.FRONT)]
        # After a boot the client is told the new epoch with the fault and tries again by itself.
        app.control("POST", f"cars/{app.owner.car}", {"reboot": "infotainment"})
        said += [await car.honk_horn(), await car.set_valet_mode(on=True, password="1234"), await car.charge_start()]
        return said

    said = run(app, ask)

    assert said == [*[DONE] * 10, {"response": {"result": False, "reason": "is_charging"}}]
    assert [(command, outcome) for command, outcome, _ in app.did()] == [
        ("unlock", "done"),
        ("lock", "done"),
        ("climate.start", "done"),
        ("climate.set_temperature", "done"),
        ("charge.set_limit", "done"),
        ("charge.start", "done"),
        ("charge_port.open", "already"),
        ("frunk.open", "done"),
        ("horn.honk", "fault_15"),
        ("horn.honk", "done"),
        ("valet.enable", "done"),
        ("charge.start", "already"),
    ]
    assert app.owner.truth()["horn_honks"] == 1


def test_client_when_the_car_does_not_know_its_key_then_it_says_so(lab: Simulator) -> None:
    app = TeslaApp(lab, MODEL_3)

    async def ask(api: TeslaFleetApi) -> None:
        api.private_key = ec.generate_private_key(ec.SECP256R1())
        with pytest.raises(NotOnWhitelistFault):
            await api.vehicles.createSigned(app.vins[0]).door_unlock()

    run(app, ask)

    assert app.did() == []
