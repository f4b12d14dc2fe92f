"""What owners leave behind is ended, rung for again, or forgotten."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from connect import tasks
from connect.models import LinkMiss, Visit
from fleet.vehicles.models import Connection, ProviderAccount
from tests.connect.conftest import OwnerBrowser, make_link, make_member, yes
from tests.connect.maker import allow
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.servers import servers
from tests.infrastructure.simulator import Simulator


def test_sweep_when_owner_left_forgets_tokens_and_cars(
    committed_db: CommittedDatabase, simulator: Simulator, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("provider")
    visit = OwnerBrowser(make_link(make_member("manager"))[1]).sign_in(simulator.account())
    assert visit.tokens_sealed is not None
    Visit.objects.update(expires_at=timezone.now())

    tasks.sweep()

    visit.refresh_from_db()
    assert (visit.step, visit.failure, visit.tokens_sealed, visit.vehicles) == ("failed", "expired", None, [])
    assert not ProviderAccount.objects.exists()


def test_sweep_when_nobody_took_the_code_rings_again_and_when_a_worker_died_gives_up(
    committed_db: CommittedDatabase, simulator: Simulator, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("provider")
    account = simulator.account()
    secret = make_link(make_member("manager"), max_uses=None)[1]
    lost, died = OwnerBrowser(secret), OwnerBrowser(secret)
    lost_id = lost.come_back(allow(lost.go(), account))
    died_id = died.come_back(allow(died.go(), account))
    Visit.objects.filter(pk=died_id).update(claimed_at=timezone.now() - timedelta(minutes=3))
    servers.broker.command("FLUSHDB")

    tasks.sweep()

    messages = str(servers.broker.command("LRANGE", settings.CELERY_TASK_DEFAULT_QUEUE, "0", "-1"))
    assert str(lost_id) in messages
    assert str(died_id) not in messages
    assert Visit.objects.get(pk=died_id).failure == "maker_down"


def test_sweep_when_rows_are_old_deletes_visits_and_misses_but_no_connection(
    committed_db: CommittedDatabase, simulator: Simulator, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("provider")
    account = simulator.account()
    yes(OwnerBrowser(make_link(make_member("manager"))[1]).sign_in(account), account.cars[0]["id"])
    Visit.objects.update(finished_at=timezone.now() - timedelta(days=8))
    LinkMiss.objects.create(address_hash="x", minute_at=timezone.now() - timedelta(hours=1))

    tasks.sweep()

    assert (Visit.objects.count(), LinkMiss.objects.count(), Connection.objects.count()) == (0, 0, 1)
