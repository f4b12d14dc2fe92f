"""The clock seals and anchors by itself, in the running product."""

from django.conf import settings

from fleet.celery import app
from fleet.events.models import Seal
from fleet.events.verifying import verify
from fleet.run.processes import wait_until
from tests.factories import make_team
from tests.infrastructure.stack import Stack

TASKS = {"fleet.events.tasks.seal", "fleet.events.tasks.anchor"}


def test_beat_when_it_calls_the_sealer_and_the_anchor_finds_them_among_the_timekeepers() -> None:
    app.loader.import_default_modules()

    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} >= TASKS
    assert app.tasks.keys() >= TASKS
    assert {app.amqp.router.route({}, name)["queue"].name for name in TASKS} == {"clock"}


def test_product_when_it_runs_seals_what_happens_and_verifies(stack: Stack) -> None:
    with stack.orm():
        team_id = make_team("Sealed Fleet").team_id

        is_sealed = wait_until(lambda: Seal.objects.filter(chain_id=team_id).exists(), within_s=30)

        assert is_sealed
        assert verify().problems == []
