"""The verbs of an owner's pages: switch one permission, stop sharing, note an export; but for forgetting."""

from collections.abc import Iterable

from django.db import transaction

from connect.models import ShareLink
from connect.scopes import TEXT_VERSION
from fleet.events.services import record
from fleet.portal.pages import changeable_scopes
from fleet.vehicles.consent import give_consent, withdraw_consent
from fleet.vehicles.models import Consent, Owner, VehicleLink
from fleet.vehicles.services import end_link


class NotAsked(Exception):
    """The team does not ask for this permission, or the maker did not grant it. Nothing was changed."""

    code = "not_asked"


def switch_scope(*, link: VehicleLink, scope: str, is_on: bool, actor: str) -> bool:
    """Give one permission on one car, or take it back; True if that changed something. Sent twice, it is done once.

    Raises NotAsked for one that cannot be given.
    """
    if not is_on:
        return withdraw_consent(link=link, scope=scope, actor=actor)
    came_by = link.connection.share_link_id
    share_link = ShareLink.objects.filter(team_id=link.team_id, pk=came_by).first() if came_by else None
    asked = set(Consent.objects.filter(team_id=link.team_id, link=link).values_list("scope", flat=True))
    if scope not in changeable_scopes(link, share_link, asked):
        raise NotAsked
    try:
        return give_consent(link=link, scope=scope, text_version=TEXT_VERSION, actor=actor)
    except ValueError as error:  # ended, or no longer granted, in this very moment
        raise NotAsked from error


def stop_sharing(*, links: Iterable[VehicleLink], actor: str) -> int:
    """End links one by one, each in a transaction of its own, and return how many.

    What the owner gave at the maker is taken back there by fleet.keeping once no car uses it.
    """
    links = list(links)
    for link in links:
        end_link(link=link, actor=actor)
    return len(links)


def note_export(owner: Owner, *, actor: str) -> None:
    """Write into the team's log that an owner took a copy of their data."""
    with transaction.atomic():
        record("owner.exported", actor=actor, team_id=owner.team_id, subject=f"owner:{owner.id}")
