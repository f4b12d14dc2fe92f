"""How long a team keeps what is over: what it wished, and wishing otherwise. The removing is in fleet.keeping."""

from dataclasses import dataclass

from fleet.events.services import acting_as, record
from fleet.teams.models import Membership, Team

LEAST_DAYS, MOST_DAYS = 30, 3650


@dataclass(frozen=True)
class Retention:
    """history_days: commands, jobs, alerts that are over; names_days: names in the audit trail. None: as the team."""

    history_days: int | None
    names_days: int | None

    def is_shorter_than(self, other: "Retention") -> bool:
        """Say whether something would go that the other keeps."""
        return _is_less(self.history_days, other.history_days) or _is_less(self.names_days, other.names_days)


def _is_less(days: int | None, than: int | None) -> bool:
    return days is not None and (than is None or days < than)


def retention_of(team: Team) -> Retention:
    return Retention(team.keep_history_days, team.keep_names_days)


def change_retention(*, membership: Membership, wanted: Retention) -> bool:
    """Keep for as long as wanted from now on; say whether that is a change. Less than a month the database refuses."""
    actor = membership.user.actor
    with acting_as(actor):
        team = Team.objects.select_for_update(no_key=True).get(pk=membership.team_id)
        before = retention_of(team)
        if wanted == before:
            return False
        team.keep_history_days, team.keep_names_days = wanted.history_days, wanted.names_days
        team.save(update_fields=["keep_history_days", "keep_names_days"])
        data = {"history_days": wanted.history_days, "names_days": wanted.names_days}
        record("team.retention_changed", actor=actor, team_id=team.id, subject=f"team:{team.id}", data=data)
    membership.team.refresh_from_db()
    return True
