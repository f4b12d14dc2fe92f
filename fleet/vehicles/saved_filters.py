"""The verbs of saved filters: keep a selection of cars under a name, change it, forget it."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, QuerySet

from fleet.adapters.rules import InvalidParameter
from fleet.events.services import acting_as, record
from fleet.teams.models import Membership
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.models import SavedFilter

NAME_MAX_LENGTH = 60


def saved_filters_of(membership: Membership) -> QuerySet[SavedFilter]:
    """Return the team's saved filters by name."""
    return SavedFilter.objects.filter(team_id=membership.team_id).order_by("name")


def find_saved_filter(membership: Membership, filter_id: UUID) -> SavedFilter | None:
    """Return one of the team's saved filters, or None when the team has no such one."""
    return SavedFilter.objects.filter(team_id=membership.team_id, id=filter_id).first()


def save_filter(*, membership: Membership, name: str, cars: VehicleFilter) -> SavedFilter:
    """Keep a selection under a name; the same name, in any case, is the same filter with new values.

    Raises InvalidParameter("name", …): missing, too_long, control_characters.
    """
    name = _check_name(name)
    actor = membership.user.actor
    with acting_as(actor):
        found = SavedFilter.objects.select_for_update().filter(team_id=membership.team_id, name__iexact=name).first()
        if found is None:
            found = SavedFilter(team_id=membership.team_id)
        found.name, found.values = name, cars.values()
        try:
            with transaction.atomic():
                found.save()
        except IntegrityError as error:
            # Somebody else saved the same name in this very moment.
            raise InvalidParameter("name", "taken") from error
        record("filter.saved", actor=actor, team_id=membership.team_id, subject=f"filter:{found.id}")
    return found


def forget_filter(*, membership: Membership, saved: SavedFilter) -> bool:
    """Remove a saved filter; False when something, like a schedule, still goes by it."""
    actor = membership.user.actor
    with acting_as(actor):
        try:
            with transaction.atomic():
                deleted, _ = SavedFilter.objects.filter(team_id=membership.team_id, id=saved.id).delete()
        except (ProtectedError, IntegrityError):
            return False
        if deleted:
            record("filter.forgotten", actor=actor, team_id=membership.team_id, subject=f"filter:{saved.id}")
    return True


def _check_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise InvalidParameter("name", "missing")
    if len(name) > NAME_MAX_LENGTH:
        raise InvalidParameter("name", "too_long", maximum=NAME_MAX_LENGTH)
    if not name.isprintable():
        raise InvalidParameter("name", "control_characters")
    return name
