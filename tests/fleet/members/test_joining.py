"""Accepting: one membership, for whom it is meant, while it holds."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from fleet.events.models import ClockTimestamp, Event
from fleet.members.addresses import read_pasted
from fleet.members.invitations import invite, invite_by_link, revoke
from fleet.members.joining import CannotJoin, accept
from fleet.teams.grants import Grant
from fleet.teams.models import Invitation, Membership
from fleet.teams.roles import Role
from fleet.teams.services import change_role, remove_member
from tests.factories import make_team, make_user
from tests.fleet.members.conftest import at_once

OPERATOR = Grant(Role.OPERATOR)


def code_of(invitation: Invitation, user: Any) -> str:
    with pytest.raises(CannotJoin) as refused:
        accept(invitation=invitation, user=user)
    return refused.value.code


def test_accept_when_it_is_theirs_then_they_are_a_member_with_that_role(admin: Membership) -> None:
    user = make_user()
    (invitation,) = invite(membership=admin, rows=read_pasted(user.email.upper()), grant=OPERATOR)

    membership = accept(invitation=invitation, user=user)

    assert (membership.user, membership.team, membership.role) == (user, admin.team, "operator")
    invitation.refresh_from_db()
    assert (invitation.accepted_by, invitation.accepted_at is not None) == (membership, True)
    told = Event.objects.filter(actor=user.actor).order_by("id").values_list("kind", flat=True)
    assert list(told) == ["member.added", "invitation.accepted"]


def test_accept_when_asked_again_then_it_is_used(admin: Membership) -> None:
    invitation, _ = invite_by_link(membership=admin, grant=OPERATOR)
    accept(invitation=invitation, user=make_user())

    assert code_of(invitation, make_user()) == "used"


def test_accept_when_asked_at_once_then_there_is_one_membership(committed_db: Any) -> None:
    invitation, _ = invite_by_link(membership=make_team(), grant=OPERATOR)
    first, second = make_user(), make_user()

    ends = at_once(*[lambda user=user: accept(invitation=invitation, user=user) for user in (first, first, second)])

    assert sorted(type(end).__name__ for end in ends) == ["CannotJoin", "CannotJoin", "Membership"]
    assert {end.code for end in ends if isinstance(end, CannotJoin)} == {"used"}
    assert Membership.objects.filter(role="operator").count() == 1


def test_accept_when_one_person_has_two_invitations_at_once_then_there_is_one_membership(committed_db: Any) -> None:
    owner, user = make_team(), make_user()
    invitations = [invite_by_link(membership=owner, grant=OPERATOR)[0] for _ in range(2)]

    ends = at_once(*[lambda one=one: accept(invitation=one, user=user) for one in invitations])

    assert sorted(getattr(end, "code", "joined") for end in ends) == ["joined", "member_already"]


def test_accept_when_it_expired_by_the_databases_clock_then_it_is_refused(admin: Membership) -> None:
    invitation, _ = invite_by_link(membership=admin, grant=OPERATOR)
    Invitation.objects.update(expires_at=ClockTimestamp() - timedelta(seconds=1))

    assert code_of(invitation, make_user()) == "expired"


def test_accept_when_it_expired_while_the_transaction_ran_then_it_is_refused(admin: Membership) -> None:
    # Now() is when the test's transaction began: the clock has gone on since.
    invitation, _ = invite_by_link(membership=admin, grant=OPERATOR)
    Invitation.objects.update(expires_at=Now() + timedelta(microseconds=1))

    assert code_of(invitation, make_user()) == "expired"


def test_accept_when_the_letter_is_another_persons_then_nobody_joins(admin: Membership) -> None:
    (invitation,) = invite(membership=admin, rows=read_pasted("robin@example.com"), grant=OPERATOR)

    assert code_of(invitation, make_user()) == "other_person"
    assert Invitation.objects.get().accepted_at is None


def test_accept_when_they_are_a_member_then_the_invitation_stays(admin: Membership, viewer: Membership) -> None:
    invitation, _ = invite_by_link(membership=admin, grant=OPERATOR)

    assert code_of(invitation, viewer.user) == "member_already"
    viewer.refresh_from_db()
    assert viewer.role == "viewer"


def test_accept_when_it_was_taken_back_then_it_is_refused(admin: Membership) -> None:
    invitation, _ = invite_by_link(membership=admin, grant=OPERATOR)
    revoke(membership=admin, invitation=invitation)

    assert code_of(invitation, make_user()) == "revoked"


def test_accept_when_who_invited_lost_the_right_then_it_is_refused(owner: Membership, admin: Membership) -> None:
    by_admin, _ = invite_by_link(membership=admin, grant=OPERATOR)
    by_owner, _ = invite_by_link(membership=owner, grant=OPERATOR)

    change_role(membership=admin, role=Role.MANAGER, actor="system:test")
    assert code_of(by_admin, make_user()) == "no_longer"
    remove_member(membership=admin, actor="system:test")
    assert code_of(by_admin, make_user()) == "no_longer"
    assert accept(invitation=by_owner, user=make_user()).role == "operator"
