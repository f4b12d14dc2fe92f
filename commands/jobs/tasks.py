"""What workers do for jobs. Messages carry no job: the rows in PostgreSQL say which are active."""

from celery import shared_task

from commands.dispatch.stopping import is_stopping

# Beat looks every second; a job with something to feed keeps one process for so long at most.
WITHIN_S = 30.0


@shared_task
def feed_jobs() -> None:
    """Make the commands of active jobs just in time, and write down what became of them."""
    from commands.jobs.feeding import feed_all

    feed_all(within_s=WITHIN_S, is_stopping=is_stopping)
