"""What tests of second factors share: an authenticator app computed here, and browsers that gave a code or did not."""

import base64
import hashlib
import hmac
import struct
import time
from typing import Any

from allauth.account.internal.userkit import user_id_to_str
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from fleet.events.models import Event
from fleet.teams.authenticators import AuthenticatorAdapter
from fleet.teams.models import Membership, Team, User
from tests.factories import PASSWORD

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code_at(moment: float, secret: str = SECRET) -> str:
    """Compute the code of RFC 6238 by ourselves, so that the product's own sum is not checked by itself."""
    key, counter = base64.b32decode(secret), struct.pack(">Q", int(moment) // 30)
    digest = hmac.new(key, counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def code_now(secret: str = SECRET) -> str:
    return code_at(time.time(), secret)


def next_code(secret: str = SECRET) -> str:
    """The code after the present one: good already, and not the one that was used just now."""
    return code_at(time.time() + 30, secret)


def give_app(user: User, secret: str = SECRET) -> Authenticator:
    sealed = AuthenticatorAdapter().encrypt(secret)
    return Authenticator.objects.create(user=user, type="totp", data={"secret": sealed})


def require_second_factor(team: Team) -> None:
    Team.objects.filter(pk=team.pk).update(requires_second_factor=True)


def with_session(client: Client, user: User, *records: dict[str, Any], minutes_ago: float = 0) -> Client:
    """Sign somebody in as if they had given these so long ago: {"method": "password"}, {"method": "mfa", "id": …}."""
    client.force_login(user)
    session = client.session
    at = time.time() - minutes_ago * 60
    session["account_authentication_methods"] = [{"at": at, **record} for record in records]
    session["account_authentication_methods_user"] = user_id_to_str(user)
    session.save()
    return client


def by_password(membership: Membership, *, minutes_ago: float = 0) -> Client:
    return with_session(Client(), membership.user, {"method": "password"}, minutes_ago=minutes_ago)


def by_both(membership: Membership, app: Authenticator, *, minutes_ago: float = 0) -> Client:
    records = ({"method": "password"}, {"method": "mfa", "id": app.pk, "type": "totp"})
    return with_session(Client(), membership.user, *records, minutes_ago=minutes_ago)


def sign_in(client: Client, user: User, **more: str) -> Any:
    return client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD, **more})


def kinds_of(membership: Membership) -> list[str]:
    """What the log tells of somebody's account, in order."""
    return list(
        Event.objects.filter(actor=membership.user.actor, team_id=None).order_by("id").values_list("kind", flat=True)
    )
