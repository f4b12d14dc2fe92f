"""What happens to an account, as events of no team: signing in and out, factors, passwords, addresses, sessions.

django-allauth acts, and tells by signals, which are received here. Never an address, a code or a name in the log.
"""

from typing import Any
from uuid import UUID, uuid4

from allauth.account import signals as account
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_out
from django.db import connection, transaction
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest

from fleet.events.services import record
from fleet.teams.authenticators import count_as_given
from fleet.teams.models import User
from fleet.teams.services import sign_up


def tell(kind: str, user_id: UUID, **facts: Any) -> None:
    """Write one event of an account into the current transaction, or into one of its own."""
    with transaction.atomic():
        record(kind, actor=f"user:{user_id}", team_id=None, subject=f"user:{user_id}", data=facts)


def tell_failed_sign_in(email: str) -> None:
    """Note that a sign-in to a known account failed, with the same work where there is no such account.

    For an unknown address the event is written and taken back, and neither waits for the disk: the time must not tell.
    """
    found = User.objects.filter(email__iexact=email).values_list("id", "emailaddress__verified")
    user_id, is_verified = found.first() or (None, False)
    look_further(email, is_found=bool(is_verified))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")
        before = transaction.savepoint()
        actor = f"user:{user_id or uuid4()}"
        record("account.sign_in_failed", actor=actor, team_id=None, subject=actor)
        if user_id is None:
            transaction.savepoint_rollback(before)
        else:
            transaction.savepoint_commit(before)


def look_further(email: str, *, is_found: bool) -> None:
    """Ask for the address among people too where allauth had found it among the confirmed addresses and stopped."""
    if is_found:
        list(User.objects.filter(email=email.lower()).iterator(2000))


def tell_taken_sign_up(email: str, *, password_hash: str, with_team: bool) -> None:
    """Note that somebody tried to make an account with a known address, with the same work as making it.

    The account is made and taken back; what stays is one event, as one commit waits for the disk either way.
    """
    user_id = User.objects.filter(email__iexact=email).values_list("id", flat=True).first()
    with transaction.atomic():
        before = transaction.savepoint()
        rehearsed = User(email=f"{uuid4()}@taken.invalid", name="Rehearsed", password=password_hash)
        if with_team:
            sign_up(user=rehearsed, team_name="Rehearsed")
        else:
            rehearsed.save()
        EmailAddress.objects.create(user=rehearsed, email=rehearsed.email, primary=True)
        transaction.savepoint_rollback(before)
        tell("account.sign_up_taken", user_id or uuid4())


def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    methods = [str(entry.get("type") or entry.get("method")) for entry in get_authentication_records(request, user)]
    tell("account.signed_in", user.id, by=sorted(set(methods)))


def _signed_out(user: User | None, **_: Any) -> None:
    if isinstance(user, User):
        tell("account.signed_out", user.id)


def _password_changed(user: User, **_: Any) -> None:
    tell("account.password_changed", user.id)


def _password_reset(user: User, **_: Any) -> None:
    tell("account.password_changed", user.id, by="letter")


def _email_changed(user: User, from_email_address: EmailAddress | None, **_: Any) -> None:
    if from_email_address is not None:
        tell("account.email_changed", user.id)


def _code_failed(user: User, authenticator: Authenticator, **_: Any) -> None:
    tell("account.second_factor_failed", user.id, type=str(authenticator.type))


def _factor_saved(instance: Authenticator, created: bool, **_: Any) -> None:
    if created:
        tell("account.second_factor_added", instance.user_id, type=str(instance.type))


def _factor_deleted(instance: Authenticator, **_: Any) -> None:
    # With the account itself everything goes; there is nobody left to tell it of.
    tell("account.second_factor_removed", instance.user_id, type=str(instance.type))


def _factor_added(request: HttpRequest, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        count_as_given(request, authenticator)


def connect() -> None:
    """Listen from now on."""
    account.user_logged_in.connect(_signed_in, dispatch_uid="account_events.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="account_events.signed_out")
    account.password_changed.connect(_password_changed, dispatch_uid="account_events.password_changed")
    account.password_set.connect(_password_changed, dispatch_uid="account_events.password_set")
    account.password_reset.connect(_password_reset, dispatch_uid="account_events.password_reset")
    account.email_changed.connect(_email_changed, dispatch_uid="account_events.email_changed")
    mfa.authentication_failed.connect(_code_failed, dispatch_uid="account_events.code_failed")
    mfa.authenticator_added.connect(_factor_added, dispatch_uid="account_events.factor_added")
    post_save.connect(_factor_saved, sender=Authenticator, dispatch_uid="account_events.factor_saved")
    post_delete.connect(_factor_deleted, sender=Authenticator, dispatch_uid="account_events.factor_deleted")
