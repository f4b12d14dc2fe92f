"""Inviting, sending again, taking back; the letter and its secret."""

from datetime import timedelta
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from fleet.events import personal
from fleet.events.models import Event
from fleet.members.access import find_invitation
from fleet.members.addresses import Problem, read_pasted
from fleet.members.invitations import (
    InvitationOver,
    NotInvited,
    TooMany,
    hash_secret,
    invite,
    invite_by_link,
    resend,
    revoke,
)
from fleet.members.letters import find_waiting, write_letter
from fleet.teams.custom_roles import save_role
from fleet.teams.grants import BeyondOwnRights, Grant
from fleet.teams.models import Invitation, Membership, User
from fleet.teams.roles import Permission, Rights, Role
from fleet.teams.services import change_role
from tests.factories import make_member, make_team
from tests.fleet.members.conftest import at_once, read_letters

VIEWER = Grant(Role.VIEWER)


def kinds_of(invitation: Invitation) -> list[str]:
    return list(
        Event.objects.filter(subject=f"invitation:{invitation.id}").order_by("id").values_list("kind", flat=True)
    )


def test_invite_when_several_are_invited_then_each_has_an_invitation_and_a_letter(admin: Membership) -> None:
    made = invite(membership=admin, rows=read_pasted("a@example.com, b@example.com"), grant=Grant(Role.OPERATOR))

    secrets = read_letters()

    assert [(one.email, one.role, one.invited_by) for one in made] == [
        ("a@example.com", "operator", admin),
        ("b@example.com", "operator", admin),
    ]
    assert [letter.to for letter in mail.outbox] == [["a@example.com"], ["b@example.com"]]
    assert [find_invitation(secret) for secret in secrets] == made
    assert [kinds_of(one) for one in made] == [["invitation.made"]] * 2
    kept = Invitation.objects.get(pk=made[0].pk)
    assert (kept.sent_count, kept.sent_at is not None) == (1, True)
    assert timedelta(days=13, hours=23) < kept.expires_at - timezone.now() <= timedelta(days=14)


def test_invite_when_it_is_logged_then_neither_address_nor_secret_is_kept(admin: Membership) -> None:
    invite(membership=admin, rows=read_pasted("robin@example.com"), grant=VIEWER)
    _, secret = invite_by_link(membership=admin, grant=VIEWER)

    told = str(list(Event.objects.values("data", "subject", "actor")))

    assert "robin" not in told
    assert secret not in told
    assert not [secret for secret in read_letters() if secret in told]


def test_invite_when_told_then_the_address_is_kept_beside_the_log_until_it_is_shredded(admin: Membership) -> None:
    (invitation,) = invite(membership=admin, rows=read_pasted("robin@example.com"), grant=VIEWER)
    resend(membership=admin, invitation=invitation)
    revoke(membership=admin, invitation=invitation)

    told = Event.objects.filter(subject=f"invitation:{invitation.id}").values_list("data__address", flat=True)
    before = personal.read(told, team_id=admin.team_id)
    personal.shred("robin@example.com", team_id=admin.team_id, actor=admin.user.actor)

    assert list(before.values()) == ["robin@example.com"] * 3
    assert personal.read(told, team_id=admin.team_id) == {}


def test_invite_when_one_entry_is_wrong_then_nobody_is_invited(admin: Membership) -> None:
    rows = read_pasted(f"new@example.com, {admin.user.email.upper()}")

    with pytest.raises(NotInvited) as refused:
        invite(membership=admin, rows=rows, grant=VIEWER)

    assert refused.value.problems == [Problem(2, admin.user.email, "member")]
    assert not Invitation.objects.exists()


def test_invite_when_somebody_is_invited_already_then_it_says_so_until_that_expires(admin: Membership) -> None:
    rows = read_pasted("new@example.com")
    (first,) = invite(membership=admin, rows=rows, grant=VIEWER)

    with pytest.raises(NotInvited) as refused:
        invite(membership=admin, rows=rows, grant=VIEWER)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    (second,) = invite(membership=admin, rows=rows, grant=VIEWER)

    assert refused.value.problems == [Problem(1, "new@example.com", "invited")]
    first.refresh_from_db()
    assert first.revoked_at is not None
    assert kinds_of(first) == ["invitation.made", "invitation.revoked"]
    assert second.revoked_at is None


def test_invite_when_the_list_is_too_long_then_nobody_is_invited(admin: Membership) -> None:
    rows = read_pasted("\n".join(f"a{number}@example.com" for number in range(201)))

    with pytest.raises(TooMany) as refused:
        invite(membership=admin, rows=rows, grant=VIEWER)

    assert refused.value.code == "too_many_at_once"
    assert not Invitation.objects.exists()


def test_invite_when_the_role_is_above_ones_own_then_it_is_refused(admin: Membership) -> None:
    with pytest.raises(BeyondOwnRights):
        invite_by_link(membership=admin, grant=Grant(Role.OWNER))
    with pytest.raises(BeyondOwnRights):
        invite(membership=admin, rows=read_pasted("a@example.com"), grant=Grant(Role.OWNER))

    assert not Invitation.objects.exists()


def test_invite_when_ones_own_vehicles_are_some_then_all_are_not_given(owner: Membership) -> None:
    some = Rights(frozenset({Permission.VIEW, Permission.MEMBERS}))
    role = save_role(membership=owner, name="Yard", rights=some)
    member = make_member(owner.team, Role.VIEWER)
    change_role(membership=member, role=Grant(Role.CUSTOM, role, reaches_all=False), actor="system:test")

    with pytest.raises(BeyondOwnRights):
        invite_by_link(membership=member, grant=VIEWER)


def test_invite_when_two_admins_invite_one_person_at_once_then_one_succeeds(committed_db: Any) -> None:
    owner = make_team()
    rows = read_pasted("new@example.com")

    ends = at_once(*[lambda: invite(membership=owner, rows=rows, grant=VIEWER)] * 4)

    assert sorted(type(end).__name__ for end in ends) == ["NotInvited"] * 3 + ["list"]
    assert Invitation.objects.count() == 1


def test_letter_when_it_waits_then_the_row_holds_a_hash_that_nobody_can_open(admin: Membership) -> None:
    (invitation,) = invite(membership=admin, rows=read_pasted("a@example.com"), grant=VIEWER)
    before = bytes(Invitation.objects.get().secret_hash)

    (secret,) = read_letters()

    assert bytes(Invitation.objects.get().secret_hash) == hash_secret(secret) != before
    assert find_waiting() == []
    assert invitation.sent_at is None  # the row in hand is older


def test_letter_when_rung_for_twice_then_it_is_written_once(admin: Membership) -> None:
    (invitation,) = invite(membership=admin, rows=read_pasted("a@example.com"), grant=VIEWER)

    went_out = [write_letter(invitation.id), write_letter(invitation.id)]

    assert went_out == [True, False]
    assert len(mail.outbox) == 1


def test_letter_when_the_post_is_down_then_it_waits_and_goes_out_later(
    admin: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    (invitation,) = invite(membership=admin, rows=read_pasted("a@example.com"), grant=VIEWER)

    def fail(*args: object, **kwargs: object) -> int:
        raise SMTPServerDisconnected

    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
        assert not write_letter(invitation.id)

    assert find_waiting() == [invitation.id]
    assert len(read_letters()) == 1
    assert Invitation.objects.get().sent_count == 1


@pytest.mark.parametrize(
    ("persons", "teams", "words"),
    [("", "", "invites you"), ("", "de", "lädt Sie"), ("en", "de", "invites you"), ("de", "", "lädt Sie")],
)
def test_letter_when_languages_are_chosen_then_the_persons_comes_before_the_teams(
    admin: Membership, persons: str, teams: str, words: str
) -> None:
    if persons:
        User.objects.create_user("a@example.com", language=persons)
    admin.team.language = teams
    admin.team.save(update_fields=["language"])
    invite(membership=admin, rows=read_pasted("a@example.com"), grant=VIEWER)

    read_letters()

    assert mail.outbox[0].subject.startswith(f"Robin Example {words}")
    assert words in str(mail.outbox[0].body)


def test_resend_when_done_then_the_older_link_is_dead_and_a_new_letter_goes_out(admin: Membership) -> None:
    (invitation,) = invite(membership=admin, rows=read_pasted("a@example.com"), grant=VIEWER)
    (older,) = read_letters()

    shown = resend(membership=admin, invitation=invitation)

    assert shown == ""
    assert find_invitation(older) is None
    newer = read_letters()[-1]
    assert find_invitation(newer) == invitation
    assert kinds_of(invitation) == ["invitation.made", "invitation.sent_again"]


def test_resend_when_there_is_no_address_then_a_new_link_takes_the_place_of_the_old(admin: Membership) -> None:
    invitation, older = invite_by_link(membership=admin, grant=VIEWER)

    newer = resend(membership=admin, invitation=invitation)

    assert (find_invitation(older), find_invitation(newer)) == (None, invitation)
    assert find_waiting() == []


def test_resend_when_done_too_often_then_it_is_refused(admin: Membership) -> None:
    (invitation,) = invite(membership=admin, rows=read_pasted("a@example.com"), grant=VIEWER)
    Invitation.objects.update(sent_count=10)

    with pytest.raises(TooMany) as refused:
        resend(membership=admin, invitation=invitation)

    assert refused.value.code == "too_many_letters"


def test_revoke_when_done_then_the_link_opens_nothing_and_cannot_be_sent_again(admin: Membership) -> None:
    invitation, _ = invite_by_link(membership=admin, grant=VIEWER)

    done = [revoke(membership=admin, invitation=invitation), revoke(membership=admin, invitation=invitation)]

    assert done == [True, False]
    assert kinds_of(invitation) == ["invitation.made", "invitation.revoked"]
    with pytest.raises(InvitationOver):
        resend(membership=admin, invitation=invitation)


def test_revoke_when_it_offers_more_than_one_has_then_it_is_refused(owner: Membership, admin: Membership) -> None:
    invitation, _ = invite_by_link(membership=owner, grant=Grant(Role.OWNER))

    for act in (revoke, resend):
        with pytest.raises(BeyondOwnRights):
            act(membership=admin, invitation=invitation)

    assert kinds_of(invitation) == ["invitation.made"]
