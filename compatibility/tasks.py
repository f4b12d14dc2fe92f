"""What workers do for the matrix."""

from celery import shared_task


@shared_task
def tell_gains_and_losses() -> None:
    """Tell of cars that gained or lost a command since they were looked at last."""
    from compatibility import gains

    gains.tell_gains_and_losses()
