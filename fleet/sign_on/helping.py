"""Helping somebody who lost all they could prove themselves with: for whoever runs the machine, and nobody else."""

from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db import connection

from fleet.events.services import acting_as, record
from fleet.teams.models import User

OPERATOR = "system:operator"
TAKE = "DELETE FROM mfa_authenticator WHERE user_id = %s RETURNING type"


class NoSuchPerson(Exception):
    """Nobody has an account with this address."""

    code = "no_such_person"


def find_person(address: str) -> User:
    """Return whose account an address is. Raises NoSuchPerson."""
    user = User.objects.filter(email__iexact=address.strip()).first()
    if user is None:
        raise NoSuchPerson
    return user


def take_factors(user: User, *, forgets_links: bool) -> int:
    """Take all second factors of an account away and sign it out everywhere; return how many it had.

    forgets_links: the next sign-in by a provider links the account anew, as after a change of provider or of subject.
    The password stays. What they did themselves is told by signals; this the operator did, so it goes past those.
    """
    with acting_as(OPERATOR):
        with connection.cursor() as cursor:
            cursor.execute(TAKE, [user.pk])
            types = sorted({row[0] for row in cursor.fetchall()})
            count = cursor.rowcount
        links = SocialAccount.objects.filter(user=user).delete()[0] if forgets_links else 0
        sessions = list(UserSession.objects.filter(user=user))
        for session in sessions:
            session.end()
        data = {"types": types, "links": links, "sessions": len(sessions)}
        record("account.factors_removed", actor=OPERATOR, team_id=None, subject=user.actor, data=data)
    return count
