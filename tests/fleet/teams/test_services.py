"""Teams, members and roles: who may what, and that a team always keeps an owner."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.http import Http404

from fleet.events.models import Event
from fleet.teams.access import get_membership, memberships_of
from fleet.teams.models import Authority, Membership, Team, User
from fleet.teams.roles import Permission, Role
from fleet.teams.services import LastOwner, add_member, change_role, create_team, remove_member, sign_up
from tests.factories import make_team, make_user
from tests.infrastructure.databases import CommittedDatabase


def test_create_team_when_made_has_its_owner_under_an_authority(db: None) -> None:
    user = make_user()

    membership = create_team(name="Hafen", owner=user)

    assert (membership.team.name, membership.user, membership.role) == ("Hafen", user, "owner")
    assert (membership.authority.kind, membership.authority.version, membership.authority.revoked_at) == (
        "membership",
        1,
        None,
    )
    events = Event.objects.filter(team_id=membership.team_id).order_by("id")
    assert list(events.values_list("kind", "actor")) == [("team.created", user.actor), ("member.added", user.actor)]


def test_sign_up_when_the_team_can_not_be_made_keeps_no_person(db: None) -> None:
    user = User(email="half@example.com")

    with pytest.raises(IntegrityError, match="team_has_name"), transaction.atomic():
        sign_up(user=user, team_name="")

    assert not User.objects.filter(email="half@example.com").exists()


def test_add_member_when_already_in_is_refused_by_the_database(db: None) -> None:
    owner = make_team()

    with pytest.raises(IntegrityError, match="membership_once_at_a_time"), transaction.atomic():
        add_member(team=owner.team, user=owner.user, role=Role.VIEWER, actor="system:test")


def test_add_member_when_the_role_is_unknown_is_refused_by_the_database(db: None) -> None:
    owner = make_team()

    with pytest.raises(IntegrityError, match="membership_role_known"), transaction.atomic():
        add_member(team=owner.team, user=make_user(), role="superuser", actor="system:test")  # type: ignore[arg-type]


def test_change_role_when_changed_makes_older_commands_void(db: None) -> None:
    owner = make_team()
    member = add_member(team=owner.team, user=make_user(), role=Role.OPERATOR, actor=owner.user.actor)

    change_role(membership=member, role=Role.VIEWER, actor=owner.user.actor)

    assert member.role == "viewer"
    assert Authority.objects.get(pk=member.authority_id).version == 2
    assert Event.objects.filter(kind="member.role_changed", actor=owner.user.actor).count() == 1


def test_remove_member_when_removed_ends_their_right_at_once(db: None) -> None:
    owner = make_team()
    member = add_member(team=owner.team, user=make_user(), role=Role.OPERATOR, actor=owner.user.actor)

    remove_member(membership=member, actor=owner.user.actor)

    authority = Authority.objects.get(pk=member.authority_id)
    assert (authority.version, authority.revoked_at is not None) == (2, True)
    assert memberships_of(member.user) == []
    with pytest.raises(Http404):
        get_membership(member.user, owner.team_id, to=Permission.VIEW)


def test_last_owner_when_leaving_or_demoted_is_refused(db: None) -> None:
    owner = make_team()

    for attempt in (
        lambda: change_role(membership=owner, role=Role.VIEWER, actor=owner.user.actor),
        lambda: remove_member(membership=owner, actor=owner.user.actor),
    ):
        with pytest.raises(LastOwner):
            attempt()

    owner.refresh_from_db()
    assert (owner.role, owner.ended_at) == ("owner", None)
    assert Authority.objects.get(pk=owner.authority_id).version == 1


def test_two_owners_when_they_demote_each_other_at_once_leave_one(committed_db: CommittedDatabase) -> None:
    first = make_team()
    second = add_member(team=first.team, user=make_user(), role=Role.OWNER, actor=first.user.actor)
    ready = threading.Barrier(2)

    def demote(membership: Membership) -> str:
        ready.wait(10)
        try:
            change_role(membership=membership, role=Role.VIEWER, actor="system:test")
        except LastOwner as refusal:
            return refusal.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(demote, [first, second]))

    assert outcomes == ["done", "last_owner"]
    assert Membership.objects.filter(team=first.team, role="owner").count() == 1


def test_get_membership_when_stranger_is_404_and_small_role_is_forbidden(db: None) -> None:
    owner, stranger = make_team(), make_team()
    viewer = add_member(team=owner.team, user=make_user(), role=Role.VIEWER, actor=owner.user.actor)

    assert get_membership(owner.user, owner.team_id, to=Permission.MEMBERS) == owner
    assert get_membership(viewer.user, owner.team_id, to=Permission.VIEW) == viewer
    with pytest.raises(PermissionDenied):
        get_membership(viewer.user, owner.team_id, to=Permission.COMMAND)
    for user, team_id in ((stranger.user, owner.team_id), (owner.user, uuid4()), (AnonymousUser(), owner.team_id)):
        with pytest.raises(Http404):
            get_membership(user, team_id, to=Permission.VIEW)


def test_memberships_of_when_the_account_is_disabled_are_none(db: None) -> None:
    owner = make_team()
    User.objects.filter(pk=owner.user_id).update(is_active=False)

    assert memberships_of(User.objects.get(pk=owner.user_id)) == []


def test_user_when_address_differs_only_in_case_is_refused_by_the_database(db: None) -> None:
    User.objects.create_user("Some.One@example.com", "x")

    with pytest.raises(IntegrityError, match="user_email_any_case"), transaction.atomic():
        User.objects.create(email="SOME.ONE@EXAMPLE.COM")

    assert User.objects.get_by_natural_key("some.one@EXAMPLE.com").email == "some.one@example.com"
    assert Team.objects.count() == 0
