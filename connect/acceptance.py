"""Saying yes: one transaction that turns an owner's pass into a connection with cars and consents."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from connect.grants import find_account, usable_grant
from connect.invitations import only_vin
from connect.models import ShareLink, Visit
from connect.scopes import TEXT_VERSION
from connect.sealed import MAX_VEHICLES, read_tokens, remote_vehicles
from connect.sending.services import note_done, recipient_problem
from connect.services import NO_SECRETS, end_visit, record_link
from fleet.adapters.base import RemoteVehicle
from fleet.teams.models import Team
from fleet.vehicles.listing import note_listing
from fleet.vehicles.models import Connection, Owner, ProviderAccount, VehicleLink
from fleet.vehicles.sealing import CannotUnseal
from fleet.vehicles.services import end_link, join_vehicle, open_connection, save_account
from fleet.vehicles.tasks import read_link
from fleet.vehicles.vin import clean_vin


class VisitOver(Exception):
    """The pass can't go on: it ended, expired, or its link can't be used any more. code: see words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Person:
    """What an owner says of themselves: "" where nothing, and then what is known stays."""

    name: str = ""
    email: str = ""
    language: str = ""


def accept(
    *, visit: Visit, vehicle_ids: Collection[str], scopes_optional: Collection[str], person: Person | None = None
) -> Visit:
    """Join the chosen cars under what the owner allowed; one transaction. Sent twice, it joins once.

    vehicle_ids: the maker's ids, all from the visit's list. scopes_optional: what the owner switched on; what the
    maker did not grant is left out. Each car is read once after the commit.
    Raises VisitOver: expired, declined, link_revoked, link_expired, link_used_up.
    """
    try:
        with transaction.atomic():
            return _accept(visit, set(vehicle_ids), set(scopes_optional), person or Person())
    except VisitOver as over:
        end_visit(visit, failure=over.code)
        raise


def _accept(begun: Visit, vehicle_ids: set[str], scopes_optional: set[str], person: Person) -> Visit:
    related = ("link__repairs__owner", "app", "team", "recipient")
    visit = Visit.objects.this(begun).select_for_update(of=("self",)).select_related(*related).get()
    now = timezone.now()
    if visit.step == Visit.Step.DONE:
        return visit
    if visit.step != Visit.Step.REVIEW or visit.expires_at <= now:
        raise VisitOver(visit.failure or "expired")
    chosen = [remote for remote in remote_vehicles(visit) if remote.provider_vehicle_id in vehicle_ids]
    if not chosen or len(chosen) != len(vehicle_ids):
        raise ValueError("cars that the maker did not list for this visit")
    link = visit.link
    _use_link(visit, now)
    try:
        tokens = read_tokens(visit)
    except CannotUnseal as error:
        raise VisitOver("code_refused") from error
    account = find_account(visit, tokens.account_id)
    usable = usable_grant(visit, account, vehicle_ids=vehicle_ids)
    if account is None or usable.is_replaced:
        account = save_account(app=visit.app, brand=visit.brand, tokens=tokens)
    owner = _find_owner(visit, account, chosen, person)
    allowed = (set(link.scopes_needed) | (scopes_optional & set(link.scopes_optional))) & usable.scopes
    connection = open_connection(
        team=visit.team,
        account=account,
        owner=owner,
        scopes_granted=usable.scopes,
        share_link_id=link.id,
        ends_at=link.consent_ends_at,
    )
    # Always in the same order, so that two acceptances with the same cars can't lock each other out.
    actor, joined = f"owner:{owner.id}", []
    for remote in sorted(chosen, key=lambda remote: remote.provider_vehicle_id):
        link_of_car = join_vehicle(
            connection=connection, remote=remote, scopes=allowed, text_version=TEXT_VERSION, country=visit.country
        )
        joined.append(link_of_car)
        _read_after_commit(joined[-1])
    _end_repaired(link, joined, actor=actor)
    _note_listing(visit, account)
    if visit.recipient is not None and not note_done(visit.recipient, connection):
        raise VisitOver(recipient_problem(visit.recipient, now) or "link_used_up")
    record_link("share_link.used", link, actor=actor, connection=str(connection.id), cars=len(chosen))
    Visit.objects.this(visit).update(
        step=Visit.Step.DONE, account=account, owner=owner, connection=connection, finished_at=now, **NO_SECRETS
    )
    visit.refresh_from_db()
    return visit


def _use_link(visit: Visit, now: datetime) -> None:
    """Count one use, or find out why there is none left. The count and its limit are one statement.

    A personal link is used up by itself, and its share link has only to be open: held until the end of the acceptance.
    """
    link = visit.link
    left = Q(max_uses__isnull=True) | Q(uses__lt=F("max_uses"))
    # No join with the team: an update by way of a subquery over the links would count on what it read before it waited.
    open_teams = Team.objects.filter(pk=link.team_id, delete_at__isnull=True)
    is_open = Q(revoked_at__isnull=True, expires_at__gt=now, team__in=open_teams)
    if visit.recipient_id:
        left = Q()
    usable = ShareLink.objects.this(link).filter(left, is_open)
    if not usable.update(uses=F("uses") + (0 if visit.recipient_id else 1)):
        link.refresh_from_db()
        raise VisitOver(link.problem(now) or "link_used_up")


def _find_owner(visit: Visit, account: ProviderAccount, chosen: Collection[RemoteVehicle], person: Person) -> Owner:
    """Return the person of an earlier connection of this team and login, or of the one to repair, or a new one.

    Who repairs with another login has to bring one of its cars: a link that went astray must not make somebody else
    the owner, to whom letters are written.
    """
    language = person.language or visit.language
    earlier = Connection.objects.filter(team_id=visit.team_id, account=account).select_related("owner")
    connection = earlier.order_by("-created_at").first()
    repaired = visit.link.repairs
    if connection is None and repaired is not None:
        vins = {vin for remote in chosen if (vin := clean_vin(remote.vin))}
        same = VehicleLink.objects.filter(team_id=visit.team_id, connection=repaired, vehicle__vin__in=vins)
        connection = repaired if same.exists() else None
    if connection is None or connection.owner.forgotten_at is not None:
        fields = {"name": person.name, "email": person.email, "language": language}
        return Owner.objects.create(team_id=visit.team_id, **fields)
    owner = connection.owner
    owner.name, owner.email, owner.language = person.name or owner.name, person.email or owner.email, language
    owner.save(update_fields=["name", "email", "language"])
    return owner


def _end_repaired(link: ShareLink, joined: Collection[VehicleLink], *, actor: str) -> None:
    """End the links that a repair takes the place of, where the owner signed in with another login than before.

    Those of the same login ended as their cars joined; cars that the owner left out stay as they are.
    """
    if link.repairs_id is None:
        return
    old = VehicleLink.objects.filter(
        team_id=link.team_id,
        connection_id=link.repairs_id,
        ended_at__isnull=True,
        vehicle_id__in=[new.vehicle_id for new in joined],
    )
    for repaired in old.select_related("vehicle").order_by("vehicle__lane_id"):
        end_link(link=repaired, actor=actor)


def _note_listing(visit: Visit, account: ProviderAccount) -> None:
    """Note which cars the maker listed, where the pass holds its whole list: not of one car alone, and not cut off."""
    listed = {remote.provider_vehicle_id for remote in remote_vehicles(visit)}
    if not only_vin(visit.link, visit.recipient) and len(listed) < MAX_VEHICLES:
        note_listing(account, listed)


def _read_after_commit(link: VehicleLink) -> None:
    link_id = str(link.id)
    # robust: the car is joined even when the broker is away; the next sweep reads it.
    transaction.on_commit(lambda: read_link.delay(link_id, with_capabilities=True), robust=True)
