"""Changing and removing members: nobody touches who has more rights, and a team keeps an owner."""

from typing import Any

import pytest

from fleet.members.services import NotAMember, change_member, remove
from fleet.teams.grants import BeyondOwnRights, Grant
from fleet.teams.models import Authority, Membership
from fleet.teams.roles import Role
from fleet.teams.services import LastOwner
from tests.factories import make_member, make_team
from tests.fleet.members.conftest import at_once


def test_change_when_allowed_then_the_role_is_new_and_what_was_accepted_is_void(
    admin: Membership, viewer: Membership
) -> None:
    change_member(membership=admin, target=viewer, grant=Grant(Role.OPERATOR))

    viewer.refresh_from_db()
    assert (viewer.role, Authority.objects.get(pk=viewer.authority_id).version) == ("operator", 2)


@pytest.mark.parametrize(("target_role", "given"), [(Role.OWNER, Role.VIEWER), (Role.VIEWER, Role.OWNER)])
def test_change_when_it_is_beyond_ones_rights_then_nothing_changes(
    admin: Membership, target_role: Role, given: Role
) -> None:
    target = make_member(admin.team, target_role)

    with pytest.raises(BeyondOwnRights):
        change_member(membership=admin, target=target, grant=Grant(given))

    target.refresh_from_db()
    assert target.role == target_role


def test_remove_when_the_target_has_more_rights_then_they_stay(owner: Membership, admin: Membership) -> None:
    make_member(owner.team, Role.OWNER)

    with pytest.raises(BeyondOwnRights):
        remove(membership=admin, target=owner)

    owner.refresh_from_db()
    assert owner.ended_at is None


def test_remove_when_it_is_the_last_owner_then_they_stay(owner: Membership) -> None:
    with pytest.raises(LastOwner):
        remove(membership=owner, target=owner)
    with pytest.raises(LastOwner):
        change_member(membership=owner, target=owner, grant=Grant(Role.VIEWER))


def test_remove_when_done_then_the_authority_is_revoked_and_it_is_not_done_twice(
    admin: Membership, viewer: Membership
) -> None:
    remove(membership=admin, target=viewer)

    viewer.refresh_from_db()
    assert viewer.ended_at is not None
    assert Authority.objects.get(pk=viewer.authority_id).revoked_at is not None
    with pytest.raises(NotAMember):
        remove(membership=admin, target=viewer)


def test_remove_when_who_removes_was_demoted_meanwhile_then_it_is_refused(
    owner: Membership, admin: Membership, viewer: Membership
) -> None:
    change_member(membership=owner, target=Membership.objects.get(pk=admin.pk), grant=Grant(Role.VIEWER))

    with pytest.raises(BeyondOwnRights):
        remove(membership=admin, target=viewer)  # `admin` was read before


def test_remove_when_two_admins_remove_each_other_at_once_then_one_stays(committed_db: Any) -> None:
    team = make_team().team
    first, second = make_member(team, Role.ADMIN), make_member(team, Role.ADMIN)

    ends = at_once(
        lambda: remove(membership=first, target=second),
        lambda: remove(membership=second, target=first),
    )

    assert sorted(type(end).__name__ for end in ends) == ["BeyondOwnRights", "NoneType"]
    assert Membership.objects.filter(team=team, role="admin", ended_at__isnull=True).count() == 1


def test_remove_when_two_owners_leave_at_once_then_one_stays(committed_db: Any) -> None:
    first = make_team()
    second = make_member(first.team, Role.OWNER)

    ends = at_once(lambda: remove(membership=first, target=first), lambda: remove(membership=second, target=second))

    assert sorted(type(end).__name__ for end in ends) == ["LastOwner", "NoneType"]
