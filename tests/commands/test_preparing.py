"""What can fail before the permit: a sleeping or distant car, a tired token, a maker that is down. Nothing is sent."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from commands.models import CommandAttempt
from commands.services import sweep_commands
from fleet.adapters.commands import FlashLights, Lock, Unlock
from fleet.vehicles.models import ProviderAccount
from fleet.vehicles.sealing import seal
from tests.commands.rig import car_of, carry, end_time_of, known, may_be_tried_again, point_maker_at, press, way
from tests.factories import join_simulated_car
from tests.fleet.adapters.raw_server import RawServer, Request, say
from tests.infrastructure.servers import free_port

GIVEN_BACK = ["queued", "claimed", "queued"]


def break_access_token(account: ProviderAccount) -> None:
    """The maker no longer knows our access token, and has not told us; the refresh token is good."""
    account.access_token_sealed = seal("revoked-at-the-maker", bound_to=f"provider_account:{account.id}:access")
    account.save(update_fields=["access_token_sealed"])


def test_unlock_when_the_car_is_asleep_then_it_is_woken_once_and_then_sent_once(link, car):
    car.set(online="asleep")
    car.behave(wake_s=0.3)

    command = press(link, Unlock())
    carry()

    assert known(command) == ("confirmed", "readback", "", "")
    assert (car.wakes(), car.requests()) == (1, ["unlock"])


def test_unlock_when_the_car_does_not_wake_then_nothing_is_sent_and_it_is_not_woken_again(link, car):
    car.set(online="asleep")
    car.behave(wake_fails=True)

    command = press(link, Unlock(), not_after=timezone.now() + timedelta(seconds=4))
    carry()

    assert known(command) == ("refused", "", "vehicle_asleep", "")
    assert (car.wakes(), car.requests(), command.attempts) == (1, [], 0)


def test_unlock_when_the_call_to_wake_fails_then_it_is_refused_and_the_battery_is_not_asked_again(link, impatient):
    asleep = {"state": "asleep", "signals": {}}
    with RawServer(lambda connection, request: say(connection, *_asleep(request, asleep))) as maker:
        point_maker_at(maker.url)

        command = press(link, Unlock())
        carry()

    posts = [request.path.rpartition("/")[2] for request in maker.requests if request.method == "POST"]
    assert known(command) == ("refused", "", "vehicle_asleep", "")
    assert posts == ["wake"]


def _asleep(request: Request, state: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return (200, state) if request.method == "GET" else (503, {"error": {"code": "unavailable"}})


def test_unlock_when_the_car_is_offline_then_it_is_given_back_and_sent_once_the_car_is_there(link, car):
    car.set(online="offline")
    command = press(link, Unlock())
    carry()
    while_offline = known(command), command.claims, car.requests()

    car.set(online="online")
    may_be_tried_again(command)
    carry()

    assert while_offline == (("queued", "", "vehicle_unreachable", ""), 0, [])
    assert known(command)[0] == "confirmed"
    assert car.requests() == ["unlock"]


def test_unlock_when_the_car_stays_offline_then_it_expires_and_nothing_was_ever_sent(link, car, as_owner):
    car.set(online="offline")
    command = press(link, Unlock())
    carry()

    end_time_of(as_owner, command)
    sweep_commands()
    car.set(online="online")
    carry()

    assert known(command) == ("expired", "", "vehicle_unreachable", "")
    assert way(command) == [*GIVEN_BACK, "expired"]
    assert (car.requests(), car.wakes()) == ([], 0)


def test_unlock_when_waiting_again_would_outlast_the_deadline_then_it_ends_now_with_the_reason(link, car):
    car.set(online="offline")

    command = press(link, Unlock(), not_after=timezone.now() + timedelta(seconds=8))
    carry()

    assert known(command) == ("expired", "", "vehicle_unreachable", "")
    assert car.requests() == []


def test_unlock_when_its_deadline_passed_unswept_then_no_dispatcher_takes_it(link, car, as_owner):
    command = press(link, Unlock())
    end_time_of(as_owner, command)

    carried = carry()

    assert (carried, car.requests()) == (0, [])
    assert known(command)[0] == "queued"


def test_unlock_when_less_than_the_margin_is_left_then_the_permit_is_refused(link, car):
    command = press(link, Unlock(), not_after=timezone.now() + timedelta(seconds=1.9))

    carry()

    assert known(command) == ("expired", "", "expired", "")
    assert (car.requests(), command.attempts) == ([], 0)


def test_lock_when_the_access_token_was_revoked_then_one_refresh_brings_it_through(link, car):
    car.set(locked=False)
    account = link.connection.account
    account.refresh_from_db()
    break_access_token(account)

    command = press(link, Lock())
    carry()

    version_before = account.token_version
    account.refresh_from_db()
    assert known(command)[0] == "confirmed"
    assert account.token_version == version_before + 1
    assert car.requests() == ["lock"]


def test_locks_of_one_owner_when_the_access_token_was_revoked_then_it_is_refreshed_once_and_all_come_through(
    membership, simulator
):
    account = simulator.account(*({"state": {"locked": False}} for _ in range(6)))
    links = []
    for car in account.cars:
        one_car = type(account)(account.id, account.brand, account.email, account.password, [car])
        links.append(join_simulated_car(membership, simulator, account=one_car))
    saved = links[0].connection.account
    saved.refresh_from_db()
    break_access_token(saved)

    commands = [press(link, Lock()) for link in links]
    carry()

    version_before = saved.token_version
    saved.refresh_from_db()
    assert [known(command)[0] for command in commands] == ["confirmed"] * 6
    assert saved.token_version == version_before + 1


def test_lock_when_every_token_is_refused_then_the_owner_is_needed_and_we_do_not_loop(link, car):
    car.behave(token_revoked=True)

    command = press(link, Lock())
    carry(linger_s=1.5)

    assert known(command) == ("refused", "", "needs_reconnect", "")
    assert (car.requests(), command.attempts) == ([], 0)


def test_flash_when_the_maker_cannot_be_connected_to_then_it_waits_and_no_attempt_is_counted(link, car):
    point_maker_at(f"http://127.0.0.1:{free_port()}")
    command = press(link, FlashLights())
    carry()
    while_down = known(command), command.attempts

    point_maker_at(car.simulator.url)
    may_be_tried_again(command)
    carry()

    assert while_down == (("queued", "", "upstream_down", ""), 0)
    assert known(command)[0] == "confirmed"
    assert car.requests() == ["lights.flash"]


@pytest.mark.parametrize("fault", [{"status_before": {"status": 500}}, {"garbage": "html"}, {"garbage": "truncated"}])
def test_lock_when_even_the_state_cannot_be_read_then_it_is_given_back_unsent(link, car, fault):
    car.behave(scope="all", **fault)

    command = press(link, Lock())
    carry()

    assert known(command)[0] == "queued"
    assert way(command)[:3] == GIVEN_BACK
    assert (car.requests(), CommandAttempt.objects.count()) == ([], 0)


def test_lock_when_preparing_it_crashes_three_times_then_it_is_parked_with_the_reason(membership, simulator, as_owner):
    link = join_simulated_car(membership, simulator)
    command = press(link, Lock())
    as_owner.execute("UPDATE vehicles_provideraccount SET access_token_sealed = 'damaged'")

    for _ in range(4):
        carry()
        may_be_tried_again(command)
    sweep_commands()

    assert known(command) == ("refused", "", "parked", "")
    assert way(command) == [*["queued", "claimed"] * 3, "queued", "refused"]
    assert car_of(link, simulator).requests() == []
