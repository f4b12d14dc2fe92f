"""What workers do for invitations: write letters. A message names the row; the secret is made by who writes."""

from uuid import UUID

from celery import shared_task


@shared_task(expires=3600)
def send_letter(invitation_id: str) -> None:
    """Write the letter that waits in an invitation's row, if it still waits."""
    from fleet.members.letters import write_letter

    write_letter(UUID(invitation_id))


@shared_task
def send_waiting_letters() -> None:
    """Write the letters that nobody was rung for, or that could not be sent."""
    from fleet.members.letters import find_waiting, write_letter

    for invitation_id in find_waiting():
        write_letter(invitation_id)
