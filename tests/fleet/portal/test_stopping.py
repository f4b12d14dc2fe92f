"""What an owner takes back in their pages stops at once what waits for their car, and the maker hears of it.

With the real parts: jobs, dispatcher, the simulator's ledger. Dispatcher and workers stand still while the owner
decides, so what is found after the answer was done before it: no second goes by.
"""

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from commands.dispatch.store import Mark, open_store
from commands.jobs import room
from commands.jobs.models import JobItem
from commands.models import Command
from fleet.adapters.commands import FlashLights, Lock
from fleet.adapters.errors import AdapterError
from fleet.keeping.grants import end_unused_grants
from fleet.keeping.models import GrantEnding
from fleet.teams.models import Membership
from fleet.vehicles.models import Consent, Owner, ProviderAccount, VehicleLink, VehicleSignal
from fleet.vehicles.tokens import get_access_token
from tests.commands.jobs.rig import ends, feed, make_car, start, work
from tests.commands.rig import car_of, claim, press
from tests.factories import make_team
from tests.fleet.portal.conftest import Browser, name_owner
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Simulator

WAIT_S = 30.0
CARS = 4


@pytest.fixture
def membership(committed_db: CommittedDatabase) -> Membership:
    return make_team("Harbour Cars")


@pytest.fixture
def links(membership: Membership, simulator: Simulator) -> list[VehicleLink]:
    """Four cars of four owners, locked and online, in the order of the list."""
    return [make_car(membership, simulator, n) for n in range(1, CARS + 1)]


@pytest.fixture
def pages(links: list[VehicleLink]) -> Browser:
    """The pages of the owner of the second car."""
    return Browser(name_owner(links[1])).come_in()


def waiting(link: VehicleLink) -> list[tuple[str, str]]:
    """State and reason of all commands of a car."""
    commands = Command.objects.filter(vehicle_id=link.vehicle_id).order_by("accepted_at", "id")
    return list(commands.values_list("state", "error_code"))


@pytest.mark.parametrize("way", ["stop_car", "stop", "scope", "forget"])
def test_stop_when_a_job_waits_then_its_commands_for_that_car_are_refused_at_once_and_the_others_go_on(
    links: list[VehicleLink], pages: Browser, membership: Membership, simulator: Simulator, way: str
) -> None:
    mine = links[1]
    job = start(membership, Lock())
    assert feed() == CARS
    press(mine, FlashLights())

    arguments = {"stop_car": [mine.id], "scope": [mine.id, "control_security"]}.get(way, [])
    answer = pages.post(way, *arguments)
    after = waiting(mine)

    assert answer.status_code == 302
    assert after == [("refused", "consent_changed")] * 2
    assert [waiting(link) for link in links if link != mine] == [[("queued", "")]] * (CARS - 1)
    assert work(job).state == "done"
    assert [car_of(link, simulator).requests() for link in links] == [["lock"], [], ["lock"], ["lock"]]
    confirmed = ("confirmed", "")
    assert ends(job) == [confirmed, ("refused", "consent_changed"), confirmed, confirmed]


@pytest.mark.parametrize("way", ["stop_car", "scope"])
def test_stop_when_the_cars_turn_in_a_job_has_not_come_then_it_never_becomes_a_command(
    links: list[VehicleLink],
    pages: Browser,
    membership: Membership,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    monkeypatch.setattr(room, "FEED_AHEAD", 1)
    mine = links[1]
    job = start(membership, Lock())
    assert feed() == 1

    pages.post(way, *([mine.id] if way == "stop_car" else [mine.id, "control_security"]))
    monkeypatch.setattr(room, "FEED_AHEAD", 100)
    work(job)

    assert waiting(mine) == []
    assert car_of(mine, simulator).requests() == []
    item = JobItem.objects.get(job=job, vehicle_id=mine.vehicle_id)
    assert (item.command_id, item.outcome) == (None, "not_sent")
    assert item.code in {"connection_ended", "no_consent"}
    assert [car_of(link, simulator).requests() for link in links if link != mine] == [["lock"]] * (CARS - 1)


@pytest.mark.parametrize("way", ["stop_car", "scope"])
def test_stop_when_a_dispatcher_has_the_command_already_then_it_gets_no_permit(
    links: list[VehicleLink], pages: Browser, simulator: Simulator, way: str
) -> None:
    mine = links[1]
    command = press(mine, Lock())
    behind = press(mine, FlashLights())

    async def run() -> tuple[bool, str | None]:
        async with open_store() as store:
            [job] = await claim(store, 10)
            await asyncio.to_thread(
                pages.post, way, *([mine.id] if way == "stop_car" else [mine.id, "control_security"])
            )
            is_permitted = await store.permit(Mark(job.id, job.fence, WAIT_S))
            why = await store.why_not(job)
            return is_permitted, why and why.code

    assert asyncio.run(run()) == (False, "consent_changed")
    command.refresh_from_db()
    behind.refresh_from_db()
    assert (command.state, command.attempts) == ("claimed", 0)
    assert (behind.state, behind.error_code) == ("refused", "consent_changed")
    assert car_of(mine, simulator).requests() == []


def test_scope_when_taken_back_then_later_commands_of_other_kinds_still_go(
    links: list[VehicleLink], pages: Browser, membership: Membership, simulator: Simulator
) -> None:
    mine = links[1]

    pages.post("scope", mine.id, "read_location")
    job = start(membership, Lock())

    assert work(job).state == "done"
    assert ends(job) == [("confirmed", "")] * CARS
    assert not VehicleSignal.objects.filter(vehicle=mine.vehicle_id, signal="location").exists()
    assert VehicleSignal.objects.filter(vehicle=links[0].vehicle_id, signal="location").exists()


@pytest.mark.parametrize("way", ["stop", "forget"])
def test_stop_when_the_maker_is_out_for_an_hour_then_it_holds_at_once_and_reaches_the_maker_afterwards(
    links: list[VehicleLink], pages: Browser, simulator: Simulator, way: str
) -> None:
    mine = links[1]
    account_id = mine.connection.account_id
    grants = simulator.token_counts()["grants"]
    simulator.behaviour(scope="all", status_before={"status": 503, "count": 100_000})

    assert pages.post(way).status_code == 302
    assert not Consent.objects.filter(link=mine, withdrawn_at__isnull=True).exists()
    end_unused_grants()
    with pytest.raises(AdapterError, match="needs_reconnect"):
        get_access_token(account_id)
    # The maker stays silent for an hour: tries after 1 and 10 minutes, and the next one after an hour more.
    for _ in range(2):
        _let_the_wait_pass()
        end_unused_grants()
    assert simulator.token_counts()["grants"] == grants
    assert GrantEnding.objects.get(account_id=account_id).tries == 3
    simulator.clear_behaviour()
    _let_the_wait_pass()
    end_unused_grants()

    assert simulator.token_counts()["grants"] == grants - 1
    account = ProviderAccount.objects.get(pk=account_id)
    assert (account.status, account.refresh_token_sealed, account.access_token_sealed) == ("revoked", None, None)
    assert Owner.objects.get(pk=pages.owner.pk).forgotten_at is None or way == "forget"
    for link in links:
        if link != mine:
            assert get_access_token(link.connection.account_id)


def _let_the_wait_pass() -> None:
    GrantEnding.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))
