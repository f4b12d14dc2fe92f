"""What workers do for commands. Messages carry no command: the rows in PostgreSQL are the queue."""

import asyncio

from celery import shared_task
from django.conf import settings

# Here and not inside the task: a worker must hear its shutdown signal before it forks, or its pool never does.
from commands.dispatch.stopping import is_stopping


@shared_task
def dispatch() -> None:
    """Run a dispatcher until there is nothing to do for a while, or until the worker shuts down."""
    from commands.dispatch.runner import Dispatcher

    if is_stopping():
        return
    dispatcher = Dispatcher(
        window=settings.DISPATCH_WINDOW,
        linger_s=settings.DISPATCH_LINGER_S,
        stop_grace_s=settings.DISPATCH_STOP_GRACE_S,
        is_stopping=is_stopping,
    )
    asyncio.run(dispatcher.run())


@shared_task
def sweep() -> None:
    """Deadlines, leases and silent dispatchers; beat calls it every few seconds."""
    from commands.services import sweep_commands

    sweep_commands()


@shared_task
def reconcile() -> None:
    """Look for the effect of commands whose dispatcher no longer does."""
    from commands.dispatch.reconcile import reconcile_due

    asyncio.run(reconcile_due())


@shared_task
def find_contradictions() -> None:
    """Look whether readings that came since contradict what was confirmed lately, and have missing ones read."""
    from commands import contradictions, looking

    looking.look_again()
    contradictions.find_contradictions()


@shared_task
def measure_runs() -> None:
    """Measure what the runs of teams have shown since the last time."""
    from commands.measuring import measure_teams

    measure_teams()
