"""What workers do for the end of teams and of history. A message names a team at most; the rows say what is due."""

from uuid import UUID

from celery import shared_task


@shared_task(expires=600)
def stop_team(team_id: str) -> None:
    """Stop what a team has that was closed just now."""
    from fleet.keeping import closing

    closing.stop_team(UUID(team_id))


@shared_task
def end_unused_grants() -> None:
    """Take grants back at the makers that nobody uses any more; beat calls it every half minute."""
    from fleet.keeping import grants

    grants.end_unused_grants()


@shared_task
def end_teams() -> None:
    """Stop what closed teams still have, and erase those whose time of grace is over; beat calls it every minute."""
    from fleet.keeping import closing, erasing

    closing.stop_closed_teams()
    erasing.erase_due_teams()


@shared_task
def remove_history() -> None:
    """Remove what is over and older than its team wishes; beat calls it every hour, so that a backlog goes as well."""
    from fleet.keeping import history

    history.remove_history()
