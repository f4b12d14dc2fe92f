"""Browsers of Django's test client, signed in now or some time ago, as django-allauth would have noted it."""

import time

from allauth.account.internal.userkit import user_id_to_str
from django.test import Client

from fleet.teams.models import Membership


def sign_in(client: Client, membership: Membership, *, minutes_ago: float = 0) -> Client:
    """Sign a member in as if they had given their password so long ago."""
    client.force_login(membership.user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - minutes_ago * 60}]
    session["account_authentication_methods_user"] = user_id_to_str(membership.user)
    session.save()
    return client
