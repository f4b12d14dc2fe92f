"""The end of a team whose time of grace is over: closed to everybody first, then erased batch by batch.

Every step is a transaction of its own and finds by the rows that are left where it stands; so it goes on after a crash
at any point. The log stays, with the team's id as its key, and its chain verifies; the values that name people do not.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError, connection
from django.db.models import F

from commands.models import Command
from fleet.events.models import ClockTimestamp, Event
from fleet.events.services import acting_as, record
from fleet.keeping.closing import stop_team
from fleet.keeping.fates import erased_tables
from fleet.keeping.grants import collect_grants, end_due_grants, forget_accounts
from fleet.keeping.history import shred_old_names
from fleet.keeping.locks import alone_at
from fleet.teams.models import Authority, Membership, Team
from fleet.teams.roles import Role
from fleet.vehicles.models import Vehicle, VehicleLink
from fleet.vehicles.services import end_link

logger = logging.getLogger(__name__)

ACTOR = "system:keeping"
PLACE = "fleetwell:erase-teams"
BATCH = 500
REGISTRATIONS = "vehicles_providerapp"
ERASE = "SELECT erase_rows(%s, %s::regclass, %s)"


class OutOfTime(Exception):
    """There is more to do; the next run goes on."""


def erase_due_teams(*, within_s: float = 50.0, most: int = BATCH) -> list[UUID]:
    """Go on with every team whose time is over, for a bounded time; return those that are gone. One at a time."""
    until = time.monotonic() + within_s
    gone = []
    with alone_at(PLACE) as is_mine:
        for team_id in _due_teams() if is_mine else []:
            try:
                if Erasure(team_id, most, until).go_on():
                    gone.append(team_id)
            except OutOfTime:
                break
            except DatabaseError as error:
                # One team's trouble is not the others'; it is tried again in the next round.
                logger.warning("erasing team %s: %s", team_id, type(error).__name__)
    return gone


def _due_teams() -> list[UUID]:
    due = Team.objects.filter(delete_at__lte=ClockTimestamp()).order_by("delete_at")
    return list(due.values_list("id", flat=True))


@dataclass(frozen=True)
class Erasure:
    """One team's end, as far as it goes before `until`, at most `most` rows in a transaction."""

    team_id: UUID
    most: int
    until: float

    def go_on(self) -> bool:
        """Do what can be done now; True when the team is gone."""
        if not self._close_to_everybody():
            return False
        stop_team(self.team_id)
        self._erase(erased_tables(""))
        if Command.objects.filter(team_id=self.team_id).exists():
            return False  # one that left is followed to its end, with the tokens that this takes
        self._end_links()
        collect_grants(self.team_id)
        has_ended = end_due_grants(self.team_id, until=self.until)
        # The registrations stay as long as a maker has to be asked by them.
        self._erase(table for table in erased_tables("vehicles") if table != REGISTRATIONS)
        shred_old_names(self.team_id, None)
        if not has_ended:
            return False
        self._end()
        return True

    def _close_to_everybody(self) -> bool:
        """End all memberships in one moment; from now on nobody sees or opens the team. False when it was opened."""
        with acting_as(ACTOR):
            due = Team.objects.select_for_update().filter(pk=self.team_id, delete_at__lte=ClockTimestamp())
            if due.first() is None:
                return False
            live = Membership.objects.filter(team_id=self.team_id, ended_at__isnull=True)
            owners = [str(user_id) for user_id in live.filter(role=Role.OWNER).values_list("user_id", flat=True)]
            if members := live.update(ended_at=ClockTimestamp()):
                Authority.objects.filter(team_id=self.team_id).update(
                    version=F("version") + 1, revoked_at=ClockTimestamp()
                )
                vehicles = Vehicle.objects.filter(team_id=self.team_id, removed_at__isnull=True).count()
                self._tell("team.erasing", members=members, vehicles=vehicles, owners=owners)
        return True

    def _end_links(self) -> None:
        """End what still reaches cars, as when a car is removed: owners' consents end with it, and the log says so."""
        live = VehicleLink.objects.filter(team_id=self.team_id, ended_at__isnull=True)
        while links := list(live[: self.most]):
            for link in links:
                self._look_at_the_time()
                end_link(link=link, actor=ACTOR)

    def _erase(self, tables: Iterable[str]) -> None:
        for table in tables:
            is_done = False
            while not is_done:
                with acting_as(ACTOR):
                    is_done = self._erase_batch(table) < self.most
                self._look_at_the_time()

    def _end(self) -> None:
        """Erase the people's rows and the team itself in one transaction, with the event that it is gone."""
        with acting_as(ACTOR):
            forget_accounts(self.team_id)
            for table in (REGISTRATIONS, *erased_tables("teams")):
                while self._erase_batch(table) >= self.most:
                    pass
            self._erase_batch("teams_team")
            began = Event.objects.filter(team_id=self.team_id, kind="team.erasing").order_by("-id").first()
            self._tell("team.erased", owners=began.data["owners"] if began is not None else [])

    def _erase_batch(self, table: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(ERASE, [self.team_id, table, self.most])
            return cursor.fetchone()[0]

    def _tell(self, kind: str, **data: object) -> None:
        record(kind, actor=ACTOR, team_id=self.team_id, subject=f"team:{self.team_id}", data=data)

    def _look_at_the_time(self) -> None:
        if time.monotonic() >= self.until:
            raise OutOfTime
