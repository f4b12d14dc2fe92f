"""The baseline's Celery application keeps to itself: beside it the product rings its own doorbell."""

from benchmarks.engine import task_per_command
from commands.tasks import dispatch


def test_baseline_when_imported_leaves_the_products_tasks_with_the_product() -> None:
    assert (task_per_command.send.app.main, dispatch.app.main) == ("task_per_command", "fleetwell")
