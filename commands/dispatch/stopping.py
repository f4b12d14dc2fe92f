"""Telling a dispatcher in a Celery pool process that its worker is shutting down.

Celery's main process takes the signal and waits for its pool; a pool process hears nothing of it. This event is made
before the fork, so both sides share it.
"""

from multiprocessing import get_context
from typing import Any

from celery.signals import worker_shutting_down

_stopping = get_context("fork").Event()


@worker_shutting_down.connect
def _note_shutdown(**_: Any) -> None:
    _stopping.set()


def is_stopping() -> bool:
    """Say whether the worker is to stop: claim nothing more, finish or hand back what is in hand."""
    return _stopping.is_set()
