"""What a team says of itself: name, clock, country, language, units, and what it asks of members and gives others."""

from dataclasses import dataclass, fields

from fleet.events.services import acting_as, record
from fleet.teams.models import Membership, Team
from fleet.teams.second_factor import has_second_factor


class NoSecondFactor(Exception):
    """Somebody without a second factor wants the team to ask for one: they would be the first to stand outside."""

    code = "no_second_factor"


@dataclass(frozen=True)
class TeamSettings:
    """time_zone: an IANA name; language: a code of settings.LANGUAGES; "" is the installation's own for both.

    country: where its cars are at home unless they say otherwise, a code of fleet.countries; "" is not said.
    shares_measurements: its runs count, without its name, in what all teams see; see commands.measuring.
    distance_unit, temperature_unit: what people of the team read and type; see fleet.teams.units.
    """

    name: str
    time_zone: str
    country: str
    language: str
    distance_unit: str
    temperature_unit: str
    requires_second_factor: bool
    shares_measurements: bool


def settings_of(team: Team) -> TeamSettings:
    return TeamSettings(**{field.name: getattr(team, field.name) for field in fields(TeamSettings)})


def change_team(*, membership: Membership, wanted: TeamSettings) -> None:
    """Change what differs, and record which of it did. Raises NoSecondFactor; nothing is written then."""
    with acting_as(membership.user.actor):
        team = Team.objects.select_for_update(no_key=True).get(pk=membership.team_id)
        before = settings_of(team)
        changed = sorted(name for name in vars(wanted) if getattr(wanted, name) != getattr(before, name))
        is_demanded = "requires_second_factor" in changed and wanted.requires_second_factor
        if is_demanded and not has_second_factor(membership.user):
            raise NoSecondFactor
        if not changed:
            return
        for name in changed:
            setattr(team, name, getattr(wanted, name))
        team.save(update_fields=changed)
        data: dict[str, object] = {"changed": changed}
        if "requires_second_factor" in changed:
            data["requires_second_factor"] = wanted.requires_second_factor
        record("team.changed", actor=membership.user.actor, team_id=team.id, subject=f"team:{team.id}", data=data)
    membership.team.refresh_from_db()
