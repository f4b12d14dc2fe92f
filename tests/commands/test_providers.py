"""A provider that asks us to slow down, falls silent, or comes back: held, broken and mended for all at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from commands.dispatch.health import FAILURES
from fleet.adapters.commands import FlashLights, Lock, Unlock
from fleet.events.models import Event
from fleet.vehicles.models import ProviderApp
from tests.commands.rig import car_of, carry, carrying, forget_state, known, may_be_tried_again, press, wait_for
from tests.factories import join_simulated_car

APP = "UPDATE vehicles_providerapp SET "


@pytest.fixture
def links(membership, simulator):
    return [join_simulated_car(membership, simulator, state={"locked": False}) for _ in range(FAILURES + 2)]


def test_app_when_its_maker_says_429_then_nothing_more_is_sent_to_it_by_anybody(membership, links, simulator):
    cars = [car_of(link, simulator) for link in links[:2]]
    cars[0].behave(rate_limit={"retry_after_s": 300})
    limited = press(links[0], Lock())
    carry()
    waiting = press(links[1], Lock())

    carry()

    app = ProviderApp.objects.get()
    assert timezone.now() + timedelta(minutes=4) < app.held_until < timezone.now() + timedelta(minutes=6)
    assert [known(command)[0] for command in (limited, waiting)] == ["queued", "queued"]
    assert cars[1].requests() == []


def test_hold_when_a_shorter_one_follows_then_the_longer_one_stays(links, simulator):
    until = timezone.now() + timedelta(minutes=30)
    ProviderApp.objects.update(held_until=until)
    command = press(links[0], Lock())

    carry()

    assert known(command)[0] == "queued"
    assert ProviderApp.objects.get().held_until == until


def test_hold_when_it_comes_between_claim_and_permit_then_not_a_byte_is_sent(links, simulator, as_owner):
    car = car_of(links[0], simulator)
    car.behave(latency_s=0.5, scope="all")
    forget_state(links[0])
    command = press(links[0], Unlock())

    with carrying():
        wait_for(command, "claimed")
        as_owner.execute(APP + "held_until = clock_timestamp() + interval '10 min'")

    assert known(command)[:3] == ("expired", "", "rate_limited")
    assert car.requests() == []


def test_provider_when_it_fails_for_everybody_then_its_breaker_opens_and_commands_wait(links, simulator):
    for link in links:
        car_of(link, simulator).behave(status_before={"status": 503}, scope="all")
    commands = [press(link, Lock()) for link in links[:FAILURES]]
    forget_state(*links)

    carry()

    app = ProviderApp.objects.get()
    assert (app.breaker_code, app.breaker_until > timezone.now()) == ("upstream_down", True)
    assert {known(command)[0] for command in commands} == {"queued"}
    assert Event.objects.filter(kind="provider.down", subject=f"provider:{app.id}").count() == 1


def test_open_breaker_when_its_pause_is_over_then_one_command_looks_first_and_a_good_answer_closes_it(
    links, simulator, as_owner
):
    as_owner.execute(
        APP + "breaker_opened_at = clock_timestamp() - interval '1 min', breaker_until = clock_timestamp(), "
        "breaker_code = 'upstream_down'"
    )
    command = press(links[0], FlashLights())

    carry()

    app = ProviderApp.objects.get()
    assert known(command)[0] == "confirmed"
    assert (app.breaker_opened_at, app.breaker_until, app.breaker_code, app.probe_until) == (None, None, "", None)
    assert Event.objects.filter(kind="provider.up").count() == 1


def test_open_breaker_when_the_provider_still_fails_then_what_may_be_sent_once_is_not_risked(
    links, simulator, as_owner
):
    car = car_of(links[0], simulator)
    car.behave(status_before={"status": 503}, scope="all")
    as_owner.execute(
        APP + "breaker_opened_at = clock_timestamp() - interval '1 min', breaker_until = clock_timestamp(), "
        "breaker_code = 'upstream_down'"
    )
    command = press(links[0], Unlock())

    carry()
    app = ProviderApp.objects.get()
    waits_s = (app.breaker_until - timezone.now()).total_seconds()
    may_be_tried_again(command)
    carry()

    assert known(command)[0] == "queued"
    assert car.requests() == []
    # Half of the minute for which it has been away.
    assert 20 < waits_s <= 31
