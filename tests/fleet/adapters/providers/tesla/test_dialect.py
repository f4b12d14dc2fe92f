"""Tesla's adapter against the lab's dialect, whose end of the signed-command protocol was written by others."""

import asyncio
import base64
import json
from dataclasses import replace

import pytest
from tesla_protocol.command.universal_message_pb2 import RoutableMessage

from fleet.adapters.commands import (
    CloseTrunk,
    DisableValet,
    EnableValet,
    FlashLights,
    HonkHorn,
    Lock,
    OpenChargePort,
    OpenFrunk,
    OpenTrunk,
    ResetPin,
    SendDestination,
    SetChargeLimit,
    SetPin,
    SetTemperature,
    StartCharge,
    StartClimate,
    StartEngine,
    StopClimate,
    Unlock,
)
from fleet.adapters.errors import Accepted, Done, MaybeExecuted, NotExecuted
from fleet.adapters.providers.tesla.adapter import TeslaAdapter
from fleet.adapters.providers.tesla.signing.keys import public_key_pem
from tests.fleet.adapters.providers.tesla.bench import DOMAIN, KEY, Bench, Watched
from tests.fleet.adapters.rig import Permit
from tests.simulator.cloud import make_client_arguments, start_simulator
from tests.simulator.dialects.tesla_wire import OLD_MODEL_S, fault_of

HEALS = NotExecuted("upstream_error", retry_after_s=0.0)


NEW_DOMAIN = "new.example"


@pytest.fixture(scope="module")
def running_lab():
    """A lab in which our domain was named to Tesla, so that cars know whose key ours is."""
    simulator = start_simulator(*make_client_arguments())
    bench = Bench(simulator)
    bench.tesla.control("PUT", "settings", {"domain_keys": dict.fromkeys((DOMAIN, NEW_DOMAIN), public_key_pem(KEY))})
    registered, _ = bench.work(lambda adapter: adapter.register())
    assert {check.is_ok for check in registered} == {True}
    yield simulator
    simulator.stop()


@pytest.fixture
def lab(running_lab):
    yield running_lab
    running_lab.control("DELETE", "behaviour")


def test_commands_when_the_car_wants_signatures_then_each_is_obeyed_once(lab):
    bench = Bench(lab)
    bench.tesla.owner.set(charging_state="connected", plugged_in=True, charge_port_open=True)

    verdicts, http = bench.send(
        Unlock(),
        Lock(),
        SetChargeLimit(70),
        SetChargeLimit(70),
        StartCharge(),
        StartCharge(),
        StartClimate(),
        SetTemperature(19.0),
        StopClimate(),
        OpenTrunk(),
        CloseTrunk(),
        OpenFrunk(),
        SendDestination(52.52, 13.405, "Depot"),
        SetPin("0123"),
        ResetPin(),
        EnableValet("0123"),
        DisableValet("0123"),
        FlashLights(),
        HonkHorn(),
        StartEngine(),
    )

    so, already, taken = Done("vehicle_ack"), Done("already"), Accepted()
    assert verdicts == [so] * 3 + [already, so, already] + [so] * 7 + [taken] + [so] * 6
    assert bench.acted() == [
        "unlock",
        "lock",
        "charge.set_limit",
        "charge.start",
        "climate.start",
        "climate.set_temperature",
        "climate.stop",
        "trunk.open",
        "trunk.close",
        "frunk.open",
        "navigation.send",
        "pin_to_drive.set",
        "pin_to_drive.reset",
        "valet.enable",
        "valet.disable",
        "lights.flash",
        "horn.honk",
        "engine.start",
    ]
    # Asked once how the car takes commands, and one handshake with each of its two computers.
    assert [path for path in http.paths if path != "signed_command"] == ["fleet_status", "navigation_gps_request"]
    assert len(http.paths) - len(http.acted) == 3


def test_commands_when_the_car_is_an_old_one_then_they_are_plain_and_a_trunk_is_never_turned_round(lab):
    bench = Bench(lab, OLD_MODEL_S, is_paired=False)

    verdicts, http = bench.send(Unlock(), OpenTrunk(), OpenTrunk(), CloseTrunk(), CloseTrunk(), OpenChargePort())

    assert verdicts == [
        Done("vehicle_ack"),
        Done("vehicle_ack"),
        NotExecuted("vehicle_refused", "trunk_open", written=False),
        Done("vehicle_ack"),
        NotExecuted("vehicle_refused", "other", written=False),
        Done("vehicle_ack"),
    ]
    assert bench.acted() == ["unlock", "trunk.open", "trunk.close", "charge_port.open"]
    assert "signed_command" not in http.paths


def test_command_when_its_bytes_are_sent_again_then_the_car_does_not_obey_again(lab):
    bench = Bench(lab)
    _, http = bench.send(Unlock())

    again = bench.tesla.ask("POST", f"vehicles/{bench.tesla.vins[0]}/signed_command", http.acted[0])

    reply = RoutableMessage.FromString(base64.b64decode(again.json()["response"]))
    assert (again.status, fault_of(reply)) == (200, 6)
    assert bench.acted() == ["unlock"]


def test_command_when_its_deadline_passes_on_the_way_then_the_car_itself_lets_it_die(lab):
    bench = Bench(lab)
    bench.send(Lock())
    bench.set_car(clock_offset_s=4)

    late, _ = bench.send(Lock(), left_s=3.0)
    bench.set_car(clock_offset_s=0)
    bench.send(Lock())
    in_time, http = bench.send(Lock(), left_s=20.0)

    message = RoutableMessage.FromString(base64.b64decode(http.acted[0]["routable_message"]))
    life_s = message.signature_data.HMAC_Personalized_data.expires_at - bench.store_clock_s()
    assert (late, in_time) == ([HEALS], [Done("vehicle_ack")])
    assert 15 < life_s <= 20


@pytest.mark.parametrize(
    "facts", [{"reboot": "vcsec"}, {"clock_offset_s": 3600}], ids=["new epoch", "clock has jumped"]
)
def test_session_when_the_car_has_another_then_the_next_try_fits_without_a_handshake(lab, facts):
    bench = Bench(lab)
    bench.send(Unlock())
    bench.set_car(**facts)

    first, _ = bench.send(Lock())
    second, http = bench.send(Lock())

    assert (first, second) == ([HEALS], [Done("vehicle_ack")])
    assert http.paths == ["fleet_status", "signed_command"]
    assert bench.acted() == ["unlock", "lock"]


def test_session_when_an_order_has_one_try_then_a_car_not_heard_of_is_asked_first(lab):
    bench = Bench(lab)
    bench.send(Lock())
    bench.set_car(reboot="vcsec")

    verdicts, http = bench.send(Unlock(), StartEngine())

    assert verdicts == [Done("vehicle_ack")] * 2
    assert (http.paths, len(http.acted)) == (["fleet_status", *["signed_command"] * 3], 2)


def test_session_when_a_worker_starts_anew_then_it_goes_on_where_the_other_ended(lab):
    bench = Bench(lab)

    bodies = [bench.send(order)[1] for order in (Unlock(), Lock())]

    counters = [RoutableMessage.FromString(base64.b64decode(http.acted[0]["routable_message"])) for http in bodies]
    used = [message.signature_data.HMAC_Personalized_data.counter for message in counters]
    assert used == [1, 2]
    assert bodies[1].paths == ["fleet_status", "signed_command"]
    assert bench.acted() == ["unlock", "lock"]


def test_session_when_two_workers_send_at_once_then_no_counter_is_used_twice(lab):
    bench = Bench(lab)
    limits = range(60, 76)

    async def work(http):
        first, second = (TeslaAdapter(bench.app, http, bench.store) for _ in range(2))
        orders = [(first if limit % 2 else second, SetChargeLimit(limit)) for limit in limits]
        sending = [one.send(bench.access, order, permit=Permit(), request_id="r") for one, order in orders]
        return await asyncio.gather(*sending)

    async def run():
        async with Watched() as http:
            return await work(http), http

    verdicts, http = asyncio.run(run())

    messages = [RoutableMessage.FromString(base64.b64decode(body["routable_message"])) for body in http.acted]
    counters = [message.signature_data.HMAC_Personalized_data.counter for message in messages]
    assert sorted(counters) == list(range(1, len(limits) + 1))
    assert verdicts == [Done("vehicle_ack")] * len(limits)
    # Neither of them shook hands twice with the same part of the car.
    assert http.paths.count("signed_command") <= len(limits) + 2
    assert bench.acted() == ["charge.set_limit"] * len(limits)


def test_pairing_when_the_key_is_let_in_then_the_next_command_is_obeyed(lab):
    bench = Bench(lab, is_paired=False)

    async def send_twice(adapter):
        before = await adapter.send(bench.access, Unlock(), permit=Permit(), request_id="r")
        bench.pair()
        return before, await adapter.send(bench.access, Unlock(), permit=Permit(), request_id="r")

    verdicts, _ = bench.work(send_twice)

    assert verdicts == (NotExecuted("needs_pairing", written=False), Done("vehicle_ack"))
    assert bench.acted() == ["unlock"]


def test_pairing_when_the_key_was_thrown_out_then_it_is_said_and_not_believed_any_longer(lab):
    bench = Bench(lab)

    async def send_twice(adapter):
        first = await adapter.send(bench.access, Lock(), permit=Permit(), request_id="r")
        bench.set_car(unpair=public_key_pem(KEY))
        refused = [await adapter.send(bench.access, Lock(), permit=Permit(), request_id="r") for _ in range(2)]
        return first, *refused

    verdicts, http = bench.work(send_twice)

    assert verdicts == (Done("vehicle_ack"), NotExecuted("needs_pairing"), NotExecuted("needs_pairing", written=False))
    assert len(http.acted) == 2


@pytest.mark.parametrize(
    ("behaviour", "verdict"),
    [
        ({"refuse": "busy"}, NotExecuted("busy", retry_after_s=5.0)),
        ({"refuse": "door_open"}, NotExecuted("vehicle_refused", "door_open")),
        ({"refuse": "remote_access_disabled"}, NotExecuted("vehicle_refused", "remote_access_disabled")),
        ({"maker_says": {"word": "wait"}}, NotExecuted("busy", retry_after_s=5.0)),
        ({"maker_says": {"word": "fault_11"}}, NotExecuted("upstream_error", retry_after_s=5.0)),
        ({"maker_says": {"word": "503"}}, NotExecuted("upstream_down", retry_after_s=5.0)),
        ({"maker_says": {"word": "540", "acts": True}}, MaybeExecuted(detail="HTTP 540")),
        ({"never_acts": True, "patience_s": 0.1}, MaybeExecuted(detail="fault 2")),
    ],
    ids=str,
)
def test_command_when_the_car_or_the_cloud_says_no_then_this_is_known(lab, behaviour, verdict):
    bench = Bench(lab)
    bench.send(Lock())
    lab.behave(bench.tesla.owner.car, **behaviour)

    found, http = bench.send(Unlock())

    assert (found, len(http.acted)) == ([verdict], 1)


@pytest.mark.parametrize("sleeps_as_offline", [False, True])
def test_car_when_it_sleeps_then_it_is_read_asleep_and_obeys_once_it_is_awake(lab, sleeps_as_offline):
    bench = Bench(lab)
    bench.send(Lock())
    bench.set_car(sleeps_as_offline=sleeps_as_offline)
    bench.tesla.owner.set(online="asleep")

    async def go_on(adapter):
        snapshot = await adapter.read(bench.access)
        refused = await adapter.send(bench.access, Lock(), permit=Permit(), request_id="r")
        lab.behave(bench.tesla.owner.car, wake_s=0.1)
        is_awake = await adapter.wake(bench.access, budget_s=10)
        return snapshot.online_state, refused, is_awake

    found, _ = bench.work(go_on)

    assert found == ("asleep", NotExecuted("vehicle_asleep", retry_after_s=1.0), True)
    assert bench.send(Unlock())[0] == [Done("vehicle_ack")]


def test_reading_when_the_car_is_awake_then_it_is_what_the_car_is_in_our_units(lab):
    bench = Bench(lab)
    true = bench.tesla.owner.signals()

    snapshot, _ = bench.work(lambda adapter: adapter.read(bench.access))

    told = {name: reading.value for name, reading in snapshot.readings.items()}
    exact = {name for name in told if name not in {"odometer_km", "range_km", "soc_percent", "online_state"}}
    assert {name: told[name] for name in exact} == {name: true[name] for name in exact}
    assert told["odometer_km"] == pytest.approx(true["odometer_km"], abs=0.1)
    assert told["range_km"] == pytest.approx(true["range_km"], abs=0.1)
    assert {"location", "locked", "climate_on", "charging_state"} <= exact


def test_region_when_the_login_lives_elsewhere_then_it_is_found_before_anything_acts(lab):
    bench = Bench(lab, lives_in="na", thought_in="eu")

    (cars, verdict), _ = bench.work(lambda adapter: _list_and_unlock(adapter, bench))

    assert [car.vin for car in cars] == bench.tesla.vins
    assert (verdict, bench.acted()) == (Done("vehicle_ack"), ["unlock"])


async def _list_and_unlock(adapter, bench):
    verdict = await adapter.send(bench.access, Unlock(), permit=Permit(), request_id="r")
    return await adapter.list_vehicles(bench.login), verdict


def test_refresh_when_asked_then_the_token_rotates_and_says_what_is_granted(lab):
    bench = Bench(lab)

    async def renew(adapter):
        return await adapter.refresh(brand="tesla", refresh_token=bench.tesla.tokens["refresh_token"])

    tokens, _ = bench.work(renew)

    assert tokens.refresh_token not in {None, bench.tesla.tokens["refresh_token"]}
    assert (tokens.account_id, tokens.region) == (bench.tesla.owner.account_id, "eu")
    assert tokens.scopes == TeslaAdapter.manifest.scopes


def test_set_up_when_it_is_registered_then_tesla_knows_our_key_in_every_region(lab):
    bench = Bench(lab)
    bench.app = replace(bench.app, options={"domain": NEW_DOMAIN})

    async def go_on(adapter):
        before = await adapter.check_setup()
        return before, await adapter.register(), await adapter.check_setup()

    (before, registered, after), _ = bench.work(go_on)

    assert [(check.step, check.is_ok) for check in before] == [
        ("signing_key", True),
        ("credentials", True),
        ("public_key", False),
        ("public_key", False),
    ]
    assert {check.is_ok for check in registered + after} == {True}


def test_secrets_when_everything_was_sent_then_no_address_has_one(lab):
    bench = Bench(lab, OLD_MODEL_S)

    _, http = bench.send(SetPin("7391"), EnableValet("7391"))

    assert "7391" not in " ".join(http.paths)
    assert json.dumps(http.acted).count("7391") == 2
