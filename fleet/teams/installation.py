"""The installation as a whole: its first person looks after it, and says who may make an account here.

An administrator sees no car and no command of a team they are not in. What they decide is who comes in.
"""

from django.db import connection, transaction
from django.http import HttpRequest

from fleet.events.services import acting_as, record
from fleet.teams.joining import invited_address
from fleet.teams.models import Installation, User

FIRST = "SELECT pg_advisory_xact_lock(hashtextextended('fleetwell.first_user', 0))"
SUBJECT = "installation:1"


class LastAdministrator(Exception):
    """An installation must keep somebody who looks after it."""

    code = "last_administrator"


class NoSuchPerson(Exception):
    """Nobody has an account with this address."""

    code = "no_such_person"


def is_fresh() -> bool:
    """Say whether nobody has an account yet: whoever makes the first one becomes the administrator."""
    return not User.objects.exists()


def sign_up_policy() -> Installation.SignUp:
    """Return who may make an account; until an administrator says otherwise, only people who are invited."""
    kept = Installation.objects.values_list("sign_up", flat=True).first()
    return Installation.SignUp(kept) if kept else Installation.SignUp.INVITED


def may_sign_up(request: HttpRequest | None) -> bool:
    """Say whether the person at this browser may make an account: the first one, with an invitation, or anyone."""
    is_invited = invited_address(request) is not None
    return is_invited or sign_up_policy() == Installation.SignUp.ANYONE or is_fresh()


def crown_first(user: User) -> None:
    """Make a person who was saved just now the administrator if nobody was here before. Two at once make one.

    Call it in the transaction that saved them.
    """
    with connection.cursor() as cursor:
        cursor.execute(FIRST)
    if User.objects.exclude(pk=user.pk).exists():
        return
    User.objects.filter(pk=user.pk).update(is_administrator=True)
    user.is_administrator = True
    _tell("installation.administrator_made", user.actor, user=str(user.id))


def set_sign_up(*, policy: Installation.SignUp, actor: str) -> None:
    """Say who may make an account from now on."""
    with acting_as(actor):
        row, _ = Installation.objects.select_for_update().get_or_create(pk=1)
        if row.sign_up == policy:
            return
        row.sign_up = policy
        row.save(update_fields=["sign_up"])
        _tell("installation.sign_up_changed", actor, sign_up=policy.value)


def make_administrator(*, email: str, actor: str) -> User:
    """Make somebody with an account an administrator and return them. Raises NoSuchPerson."""
    with acting_as(actor):
        user = User.objects.select_for_update().filter(email__iexact=email.strip(), is_active=True).first()
        if user is None:
            raise NoSuchPerson
        if not user.is_administrator:
            user.is_administrator = True
            user.save(update_fields=["is_administrator"])
            _tell("installation.administrator_made", actor, user=str(user.id))
    return user


def end_administrator(*, user: User, actor: str) -> None:
    """Take the post from somebody. Raises LastAdministrator; two who do it to each other at once leave one."""
    with acting_as(actor):
        all_of_them = list(User.objects.select_for_update().filter(is_administrator=True).order_by("id"))
        if user not in all_of_them:
            return
        if len([one for one in all_of_them if one.is_active]) < 2:
            raise LastAdministrator
        User.objects.filter(pk=user.pk).update(is_administrator=False)
        _tell("installation.administrator_ended", actor, user=str(user.id))


def _tell(kind: str, actor: str, **facts: str) -> None:
    with transaction.atomic():
        record(kind, actor=actor, team_id=None, subject=SUBJECT, data=facts)
