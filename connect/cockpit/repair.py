"""Asking an owner to repair a connection: a share link of its own, by letter or by hand, at most one letter a day."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from connect.cockpit.facts import facts_of
from connect.cockpit.health import RANK, REPAIRABLE, State, judge
from connect.models import Recipient, ShareLink
from connect.scopes import ALWAYS_NEEDED, SCOPES
from connect.sending.services import MOST_LETTERS, secret_of
from connect.services import create_share_link, revoke_share_link
from connect.tasks import write_to_owners
from fleet.events.personal import keep
from fleet.events.services import acting_as, record
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection, Consent, Owner, VehicleLink
from fleet.vehicles.sealing import hash_token

LINK_LIFE = timedelta(days=14)
LETTER_EVERY = timedelta(hours=24)
# At least so long is a consent asked for again; else as long as it was given the last time.
SHORTEST_CONSENT = timedelta(days=30)
MOST_AT_ONCE = 200


class CannotAsk(Exception):
    """The owner is not asked now. code: lately (a letter went out or waits), often (they had enough), ended."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Ask:
    """One time that an owner was asked, and how far it is.

    status: waiting, stuck (it could not be sent), sent, handed, opened, declined, done, over.
    """

    recipient: Recipient
    status: str
    at: datetime

    @property
    def may_again(self) -> bool:
        """Say whether another letter, or the same link once more, is possible now."""
        sent_at = self.recipient.sent_at
        return self.recipient.send_at is None and (sent_at is None or timezone.now() - sent_at > LETTER_EVERY)

    @property
    def is_open(self) -> bool:
        return self.status not in {"declined", "done", "over"}


@dataclass
class Plan:
    """Who of many can be asked now, and who not and why. For a preview; asking looks again."""

    by_letter: list[Connection] = field(default_factory=list)
    no_address: list[Connection] = field(default_factory=list)
    lately: list[Connection] = field(default_factory=list)
    said_no: list[Connection] = field(default_factory=list)
    not_theirs: list[Connection] = field(default_factory=list)
    well: list[Connection] = field(default_factory=list)


def plan_asks(connections: Iterable[Connection], *, team_id: UUID, now: datetime) -> Plan:
    """Sort connections by whether their owners can be asked by letter now, in a fixed number of queries.

    The worst car of a connection counts. One letter for one address, whatever the number of its connections.
    """
    connections = list(connections)
    worst: dict[UUID, State] = {}
    links = VehicleLink.objects.filter(
        team_id=team_id, connection_id__in=[one.id for one in connections], ended_at__isnull=True
    )
    of_link = dict(links.values_list("id", "connection_id"))
    for link_id, facts in facts_of([one.id for one in connections], team_id=team_id):
        health = judge(facts, now=now)
        held = worst.get(of_link[link_id])
        if held is None or RANK[health.state] < RANK[held]:
            worst[of_link[link_id]] = health.state
    taken = _addresses_written_to(team_id, {one.owner.email.lower() for one in connections} - {""}, now)
    asks, plan = latest_asks((one.id for one in connections), team_id=team_id), Plan()
    for one in connections:
        state, email = worst.get(one.id, State.ENDED), one.owner.email.lower()
        if state in {State.WORKS, State.NEW}:
            plan.well.append(one)
        elif state not in REPAIRABLE:
            plan.not_theirs.append(one)
        elif one.id in asks and asks[one.id].status == "declined":
            plan.said_no.append(one)
        elif not email:
            plan.no_address.append(one)
        elif email in taken:
            plan.lately.append(one)
        else:
            taken.add(email)
            plan.by_letter.append(one)
    return plan


def ask_owner(
    *,
    connection: Connection,
    membership: Membership,
    consent_ends_at: datetime | None = None,
    by_hand: bool = False,
) -> Recipient:
    """Ask the owner of a connection to sign in again; return their personal link, of which letters are written later.

    An open link for the same is used again, one for another address or another end is taken back first. by_hand, or
    without an address, the team hands it over itself: secret_of(recipient) opens it. consent_ends_at: until when it is
    asked for; without it as long again, where it was given for a time. Raises CannotAsk.
    """
    recipient = _ask(connection, membership, consent_ends_at, by_hand=by_hand)
    _ring()
    return recipient


def _ask(
    connection: Connection, membership: Membership, consent_ends_at: datetime | None = None, *, by_hand: bool = False
) -> Recipient:
    now, actor = timezone.now(), membership.user.actor
    with acting_as(actor):
        owner = Owner.objects.this(connection.owner).get()
        _lock(f"ask:{connection.team_id}:{owner.email.lower() or connection.id}")
        held = Connection.objects.this(connection).select_for_update(of=("self",)).select_related("account").get()
        if not held.is_live:
            raise CannotAsk("ended")
        is_letter = bool(owner.email) and not by_hand
        if is_letter and _addresses_written_to(held.team_id, {owner.email.lower()}, now):
            raise CannotAsk("lately")
        wanted_end = consent_ends_at or _again(held, now)
        recipient = _reusable(held, owner, wanted_end, actor) or _new_link(held, owner, wanted_end, membership)
        if is_letter and recipient.sent_count >= MOST_LETTERS:
            raise CannotAsk("often")
        if is_letter:
            recipient.send_at, recipient.failures = now, 0
            recipient.save(update_fields=["send_at", "failures"])
        data = {"by": "letter" if is_letter else "link"}
        record("connection.asked", actor=actor, team_id=held.team_id, subject=f"connection:{held.id}", data=data)
    return recipient


def ask_many(*, connections: Iterable[Connection], membership: Membership) -> int:
    """Ask by letter whoever can be asked so, so many at most; return how many letters will be written."""
    plan, asked = plan_asks(connections, team_id=membership.team_id, now=timezone.now()), 0
    for connection in plan.by_letter[:MOST_AT_ONCE]:
        try:
            _ask(connection, membership)
        except CannotAsk:  # somebody else did meanwhile
            continue
        asked += 1
    _ring()
    return asked


def _ring() -> None:
    # robust: without a broker the letters wait for the next round.
    transaction.on_commit(write_to_owners.delay, robust=True)


def set_email(*, owner: Owner, email: str, actor: str) -> bool:
    """Keep an owner's address, "" for none; True if it is another one. What was sent to the older one stays there."""
    with acting_as(actor):
        changed = Owner.objects.this(owner).exclude(email=email).update(email=email)
        if changed:
            data = {"email": keep(email, team_id=owner.team_id)} if email else {}
            record("owner.email_changed", actor=actor, team_id=owner.team_id, subject=f"owner:{owner.id}", data=data)
    return bool(changed)


def latest_asks(connection_ids: Iterable[UUID], *, team_id: UUID) -> dict[UUID, Ask]:
    """Return the last time that the owner of each connection was asked, in one query."""
    now = timezone.now()
    asked = Recipient.objects.filter(team_id=team_id, link__repairs_id__in=set(connection_ids))
    rows = asked.select_related("link__team").order_by("created_at")
    return {row.link.repairs_id: describe_ask(row, now=now) for row in rows if row.link.repairs_id is not None}


def describe_ask(recipient: Recipient, *, now: datetime) -> Ask:
    """Return how far one asking is, and since when. "opened" is all that can be known: mail programs open links too."""
    if recipient.done_at is not None:
        return Ask(recipient, "done", recipient.done_at)
    if recipient.revoked_at is not None or recipient.link.problem(now):
        return Ask(recipient, "over", recipient.sent_at or recipient.created_at)
    if recipient.declined_at is not None:
        return Ask(recipient, "declined", recipient.declined_at)
    if recipient.send_at is not None:
        return Ask(recipient, "stuck" if recipient.failures else "waiting", recipient.created_at)
    if recipient.opened_at is not None:
        return Ask(recipient, "opened", recipient.opened_at)
    if recipient.sent_at is not None:
        return Ask(recipient, "sent", recipient.sent_at)
    if recipient.email and recipient.failures:
        return Ask(recipient, "stuck", recipient.created_at)
    return Ask(recipient, "handed", recipient.created_at)


def _reusable(held: Connection, owner: Owner, wanted_end: datetime | None, actor: str) -> Recipient | None:
    """Return the open personal link that asks the same of the same address; every other one is taken back."""
    now = timezone.now()
    out = ShareLink.objects.filter(team_id=held.team_id, repairs=held, revoked_at__isnull=True)
    kept: Recipient | None = None
    for link in out.select_related("team").order_by("-created_at"):
        recipient = link.recipients.order_by("created_at").last()
        is_same = (
            kept is None
            and recipient is not None
            and not link.problem(now)
            and recipient.done_at is None
            and recipient.declined_at is None
            and recipient.revoked_at is None
            and recipient.email.lower() == owner.email.lower()
            and _is_about(link.consent_ends_at, wanted_end)
            # With hardly any time left for the owner a new one is better.
            and link.expires_at - now > LINK_LIFE / 2
        )
        if is_same:
            kept = recipient
        else:
            revoke_share_link(link=link, actor=actor)
    return kept


def _new_link(held: Connection, owner: Owner, wanted_end: datetime | None, membership: Membership) -> Recipient:
    needed, optional = _scopes_as_before(held)
    cars = VehicleLink.objects.filter(team_id=held.team_id, connection=held, ended_at__isnull=True)
    names = [link.vehicle.plate or link.vehicle.title for link in cars.select_related("vehicle")]
    with translation.override(membership.team.language or None):
        label = _("Repair: %(cars)s") % {"cars": ", ".join(names)}
    link, _secret = create_share_link(
        team=membership.team,
        created_by=membership.user,
        label=label[:100],
        scopes_needed=needed,
        scopes_optional=optional,
        brands=[held.account.brand],
        language=owner.language,
        consent_ends_at=wanted_end,
        repairs=held,
        expires_at=timezone.now() + LINK_LIFE,
        max_uses=1,
    )
    recipient = Recipient(team_id=held.team_id, link=link, name=owner.name, email=owner.email, language=owner.language)
    recipient.secret_hash = hash_token(secret_of(recipient))
    recipient.save()
    return recipient


def _scopes_as_before(held: Connection) -> tuple[list[str], list[str]]:
    """Return what is needed and what is optional, as when the owner gave it."""
    if held.share_link_id is not None:
        link = ShareLink.objects.filter(team_id=held.team_id, pk=held.share_link_id).first()
        if link is not None:
            return [s for s in link.scopes_needed if s in SCOPES], [s for s in link.scopes_optional if s in SCOPES]
    given = Consent.objects.filter(team_id=held.team_id, link__connection=held, withdrawn_at__isnull=True)
    # Nobody knows any more what of it was needed; a car must not be refused for what it perhaps never could.
    return [ALWAYS_NEEDED], sorted(SCOPES.keys() & set(given.values_list("scope", flat=True)))


def _again(held: Connection, now: datetime) -> datetime | None:
    """Return until when a consent is asked for if nobody says: as long again from now, where it was for a time."""
    if held.ends_at is None:
        return None
    return now + max(held.ends_at - held.created_at, SHORTEST_CONSENT)


def _is_about(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < timedelta(days=2)


def _addresses_written_to(team_id: UUID, addresses: set[str], now: datetime) -> set[str]:
    """Return those that a letter of the team waits for, or reached within a day."""
    waits = Q(send_at__isnull=False, revoked_at__isnull=True, link__revoked_at__isnull=True)
    rows = Recipient.objects.filter(waits | Q(sent_at__gt=now - LETTER_EVERY), team_id=team_id)
    rows = rows.annotate(address=Lower("email")).filter(address__in=addresses)
    return set(rows.values_list("address", flat=True)) if addresses else set()


def _lock(name: str) -> None:
    """Hold a name until the transaction ends, so that two who ask at once don't write twice."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
