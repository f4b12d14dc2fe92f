"""Rows of single sign-on for tests: the least that is valid."""

from allauth.socialaccount.models import SocialAccount

from fleet.sign_on.domains import open_team
from fleet.teams.grants import Grant
from fleet.teams.models import Membership, SignOnDomain, User
from fleet.teams.roles import Role
from fleet.teams.services import create_team


def make_linked_user(email: str = "olga@acme.example", name: str = "Olga Owner") -> User:
    """Somebody who came by "acme" once and has no password."""
    user = User.objects.create_user(email, name=name)
    SocialAccount.objects.create(user=user, provider="acme", uid=f"subject of {email}")
    return user


def make_linked_team(name: str = "Acme Fleet", email: str = "olga@acme.example") -> Membership:
    """A team whose owner comes by "acme"."""
    return create_team(name=name, owner=make_linked_user(email))


def make_open_domain(membership: Membership, grant: Grant | None = None) -> SignOnDomain:
    """Open a team to acme.example, whoever its member is: they are linked for it, at an address of it."""
    user = membership.user
    if not user.email.endswith("@acme.example"):
        before = user.email
        User.objects.filter(pk=user.pk).update(email=f"{user.id}@acme.example")
        SocialAccount.objects.get_or_create(user=user, provider="acme", uid=str(user.id))
        user.refresh_from_db()
        row = open_team(membership=membership, domain="acme.example", grant=grant or Grant(Role.VIEWER))
        User.objects.filter(pk=user.pk).update(email=before)
        user.refresh_from_db()
        return row
    return open_team(membership=membership, domain="acme.example", grant=grant or Grant(Role.VIEWER))
