"""The verbs of invitations, but for accepting one (joining): invite, send again, take back.

The secret of a letter is made by the worker that writes it (letters): so it exists in the letter and as a hash, and
nowhere else; a message to a worker names the row. Until then the row holds the hash of a secret that nobody knows.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from fleet.events import personal
from fleet.events.models import ClockTimestamp
from fleet.events.services import acting_as, record
from fleet.members.addresses import MOST_AT_ONCE, Problem, Row, find_problems
from fleet.members.tasks import send_letter
from fleet.teams.grants import Grant, check_may_give, grant_of
from fleet.teams.models import Invitation, Membership, Team, User
from fleet.vehicles.sealing import hash_token, make_token

DEFAULT_DAYS, MOST_DAYS = 14, 60
# Sent again so often at most: nobody's mailbox is filled in a team's name.
MOST_LETTERS = 10
MOST_OPEN = 2_000


class NotInvited(Exception):
    """Nobody was invited, because of these entries of the list."""

    code = "not_invited"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(self.code)
        self.problems = problems


class TooMany(Exception):
    """More than can be invited, or sent, at once. code: too_many_at_once, too_many_open, too_many_letters."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class InvitationOver(Exception):
    """The invitation was accepted or taken back meanwhile."""

    code = "invitation_over"


def hash_secret(secret: str) -> bytes:
    """Return what is stored of an invitation's secret."""
    return bytes.fromhex(hash_token(secret))


def invite(*, membership: Membership, rows: Sequence[Row], grant: Grant, days: int = DEFAULT_DAYS) -> list[Invitation]:
    """Invite every address of a list by letter, all of them or none; return the invitations.

    An earlier invitation that expired makes room. Raises NotInvited with what is wrong with which entry; TooMany;
    BeyondOwnRights.
    """
    check_may_give(membership, grant)
    if len(rows) > MOST_AT_ONCE:
        raise TooMany("too_many_at_once")
    with acting_as(membership.user.actor):
        # Two admins who invite the same person at once must not both succeed.
        Team.objects.select_for_update(no_key=True).get(pk=membership.team_id)
        now = database_time()
        addresses = [row.address for row in rows]
        waiting = open_invitations(membership).filter(email__in=addresses)
        _make_room(waiting.filter(expires_at__lte=now), membership, now)
        problems = find_problems(
            rows,
            members=_members(membership, addresses),
            invited=set(waiting.filter(expires_at__gt=now).values_list("email", flat=True)),
        )
        if problems:
            raise NotInvited(problems)
        if open_invitations(membership).count() + len(rows) > MOST_OPEN:
            raise TooMany("too_many_open")
        invitations = [_make(membership, grant, now + timedelta(days=days), email=address) for address in addresses]
        Invitation.objects.bulk_create(invitations)
        for invitation in invitations:
            _tell("invitation.made", invitation, membership, by="letter", **grant.to_json())
            ring(invitation)
    return invitations


def invite_by_link(*, membership: Membership, grant: Grant, days: int = DEFAULT_DAYS) -> tuple[Invitation, str]:
    """Make an invitation for whoever holds its link; return it with the secret, which can't be shown again."""
    check_may_give(membership, grant)
    secret = make_token()
    with acting_as(membership.user.actor):
        Team.objects.select_for_update(no_key=True).get(pk=membership.team_id)
        if open_invitations(membership).count() >= MOST_OPEN:
            raise TooMany("too_many_open")
        invitation = _make(membership, grant, database_time() + timedelta(days=days), secret=secret)
        invitation.save(force_insert=True)
        _tell("invitation.made", invitation, membership, by="link", **grant.to_json())
    return invitation, secret


def resend(*, membership: Membership, invitation: Invitation) -> str:
    """Send an invitation once more, good for as long as a new one; the older link is dead from this moment.

    Returns the new secret of one without an address, to be shown once; "" where a letter goes out. From now on the
    invitation is the sender's: what they lose, it loses. Raises InvitationOver, TooMany, BeyondOwnRights.
    """
    with acting_as(membership.user.actor):
        invitation = Invitation.objects.select_for_update(of=("self",)).get(
            pk=invitation.pk, team_id=membership.team_id
        )
        check_may_give(membership, grant_of(invitation))
        if invitation.revoked_at is not None or invitation.accepted_at is not None:
            raise InvitationOver
        if invitation.sent_count >= MOST_LETTERS:
            raise TooMany("too_many_letters")
        secret = make_token()
        invitation.secret_hash = hash_secret(secret)
        invitation.expires_at = database_time() + timedelta(days=DEFAULT_DAYS)
        invitation.invited_by = membership
        invitation.sent_at = None
        invitation.save(update_fields=["secret_hash", "expires_at", "invited_by", "sent_at"])
        _tell("invitation.sent_again", invitation, membership)
        if invitation.email:
            ring(invitation)
            return ""
    return secret


def revoke(*, membership: Membership, invitation: Invitation) -> bool:
    """Take an invitation back at once; True if it was still open. Raises BeyondOwnRights: nobody ends what they
    could not have given.
    """
    check_may_give(membership, grant_of(invitation))
    with acting_as(membership.user.actor):
        still_open = open_invitations(membership).filter(pk=invitation.pk)
        revoked = still_open.update(revoked_at=ClockTimestamp())
        if revoked:
            _tell("invitation.revoked", invitation, membership)
    return bool(revoked)


def ring(invitation: Invitation) -> None:
    """Tell a worker that a letter waits; without a broker the sweep finds it."""
    invitation_id = str(invitation.id)
    transaction.on_commit(lambda: send_letter.delay(invitation_id), robust=True)


def open_invitations(membership: Membership) -> QuerySet[Invitation]:
    """Return the team's invitations that were neither accepted nor taken back; expired ones are among them."""
    return Invitation.objects.filter(team_id=membership.team_id, accepted_at__isnull=True, revoked_at__isnull=True)


def database_time() -> datetime:
    """Return the time by the database's clock: invitations end by it, whatever the web machines' clocks say."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return now


def _make(
    membership: Membership, grant: Grant, expires_at: datetime, *, email: str = "", secret: str | None = None
) -> Invitation:
    return Invitation(
        team_id=membership.team_id,
        invited_by=membership,
        email=email,
        secret_hash=hash_secret(secret or make_token()),
        expires_at=expires_at,
        **grant.columns(),
    )


def _make_room(expired: QuerySet[Invitation], membership: Membership, now: datetime) -> None:
    for invitation in expired:
        _tell("invitation.revoked", invitation, membership)
    expired.update(revoked_at=now)


def _members(membership: Membership, addresses: Sequence[str]) -> set[str]:
    here = Membership.objects.filter(team_id=membership.team_id, ended_at__isnull=True)
    people = User.objects.annotate(address=Lower("email")).filter(Q(id__in=here.values("user")))
    return set(people.filter(address__in=addresses).values_list("address", flat=True))


def _tell(kind: str, invitation: Invitation, membership: Membership, **data: object) -> None:
    subject = f"invitation:{invitation.id}"
    if invitation.email:
        # Apart from the log, so that it can be forgotten: the event holds a hash.
        data["address"] = personal.keep(invitation.email, team_id=invitation.team_id)
    record(kind, actor=membership.user.actor, team_id=invitation.team_id, subject=subject, data=data)
