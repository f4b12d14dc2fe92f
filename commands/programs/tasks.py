"""What workers do for programs. Beat rings; the rows say what is due, so a ring too many or too few does no harm."""

from celery import shared_task


@shared_task
def undo_due() -> None:
    """Take the ways back whose time has come."""
    from commands.programs import undo

    undo.undo_due()


@shared_task
def run_schedules() -> None:
    """Start what schedules have due."""
    from commands.programs.running import run_due_schedules

    run_due_schedules()
