"""What workers do for registrations: try one out at its provider."""

from uuid import UUID

from celery import shared_task


@shared_task(expires=60)
def try_out(registration_id: str, *, asked_by: str, sends_key: bool = False) -> None:
    """Try a registration out and keep what was found. sends_key: register our public key with the provider first."""
    from fleet.registrations.testing import run_test

    run_test(UUID(registration_id), actor=asked_by, sends_key=sends_key)
