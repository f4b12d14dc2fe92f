"""What stops when a team is closed, and does not start again by itself when it is opened.

That nothing more is sent does not hang on this: the versions of all authorities went up in the transaction that closed
the team, and the permit is refused to whatever was accepted before. This says so at the rows.
"""

import logging
from uuid import UUID

from django.db.models import F, QuerySet
from kombu.exceptions import OperationalError

from commands.models import WAITING, Command
from commands.programs.models import Schedule
from commands.programs.schedules import pause_schedule
from commands.services import cancel_many
from fleet.events.services import acting_as
from fleet.teams.models import Team

logger = logging.getLogger(__name__)

ACTOR = "system:keeping"
REASON = "team_closing"
CHUNK = 250


def stop_closed_teams() -> None:
    """Stop what a closed team still has, also what somebody made since."""
    for team_id in list(Team.objects.filter(delete_at__isnull=False).values_list("id", flat=True)):
        stop_team(team_id)


def stop_team(team_id: UUID) -> None:
    """Pause the schedules of a closed team and cancel its commands that wait; jobs end by the rights that changed."""
    with acting_as(ACTOR):
        # Held, so that nobody opens the team while its schedules are paused.
        closed = Team.objects.select_for_update(no_key=True).filter(pk=team_id, delete_at__isnull=False)
        if closed.first() is None:
            return
        active = Schedule.objects.filter(team_id=team_id, state=Schedule.State.ACTIVE)
        for schedule_id in list(active.values_list("id", flat=True)):
            pause_schedule(schedule_id=schedule_id, actor=ACTOR, reason=REASON)
    while waiting := list(_waiting_in_vain(team_id)[:CHUNK]):
        if not cancel_many(command_ids=waiting, actor=ACTOR):
            return


def ring_stop(team_id: UUID) -> None:
    """Tell a worker that a team was closed. A lost ring costs a minute of wrong words, never a command that is sent."""
    from fleet.keeping.tasks import stop_team as task

    try:
        task.apply_async([str(team_id)], retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("the broker did not take the end of a team, beat will: %s", type(error).__name__)


def _waiting_in_vain(team_id: UUID) -> QuerySet[Command, UUID]:
    """Return the commands that will never be permitted; what was accepted after an opening is not among them."""
    waiting = Command.objects.filter(team_id=team_id, rank__gte=0, state__in=WAITING)
    return waiting.filter(authority_version__lt=F("authority__version")).values_list("id", flat=True)
