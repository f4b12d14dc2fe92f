"""Pages of members and invitations: who may, what bad input gets, and that secrets are seen once."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from fleet.events.models import Event
from fleet.members.access import find_invitation
from fleet.members.addresses import read_pasted
from fleet.members.invitations import invite, invite_by_link
from fleet.teams.grants import Grant
from fleet.teams.models import Invitation, Membership
from fleet.teams.roles import Role
from tests.factories import make_member, make_team
from tests.fleet.members.conftest import signed_in

INVITE = "/members/invite/"
GOOD = {"by": "letter", "addresses": "a@example.com", "role": "viewer", "reach": "all", "days": "14"}


def refusals(membership: Membership) -> list[dict[str, str]]:
    found = Event.objects.filter(kind="member.refused", actor=membership.user.actor).order_by("id")
    return list(found.values_list("data", flat=True))


def test_members_when_opened_then_members_and_invitations_are_listed(admin: Membership, viewer: Membership) -> None:
    invite(membership=admin, rows=read_pasted("kim@example.com"), grant=Grant(Role.DRIVER))

    page = signed_in(admin).get("/members/")

    assert page.status_code == 200
    assert [row.membership.role for row in page.context["rows"]].count("viewer") == 1
    assert [(row.email, row.status) for row in page.context["invitations"]] == [("kim@example.com", "waiting")]
    seats = page.context["seats"]
    assert (seats.members, seats.invited) == (3, 1)
    assert seats.by_role == [("Owner", 1), ("Admin", 1), ("Viewer", 1)]


def test_members_when_searched_then_names_and_addresses_are_found(admin: Membership, viewer: Membership) -> None:
    page = signed_in(admin).get("/members/", {"q": viewer.user.email.upper()})

    assert [row.membership for row in page.context["rows"]] == [viewer]
    assert signed_in(admin).get("/members/", {"q": "nobody\0 at all"}).context["count"] == 0


def test_members_when_there_are_more_then_it_takes_no_more_queries(owner: Membership) -> None:
    client = signed_in(owner)

    def count_queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get("/members/")
        return len(queries)

    make_member(owner.team, Role.VIEWER)
    invite(membership=owner, rows=read_pasted("a@example.com"), grant=Grant(Role.VIEWER))
    few = count_queries()
    for _ in range(30):
        make_member(owner.team, Role.VIEWER)
    invite(
        membership=owner,
        rows=read_pasted("\n".join(f"b{number}@example.com" for number in range(30))),
        grant=Grant(Role.VIEWER),
    )

    assert count_queries() == few
    second = client.get("/members/", {"page": "2", "invited": "2"})
    assert (len(second.context["rows"]), len(second.context["invitations"])) == (7, 11)


def test_invite_when_pasted_and_uploaded_then_all_are_invited(admin: Membership) -> None:
    file = SimpleUploadedFile("people.csv", b"name,email\nKim,kim@example.com\n", "text/csv")

    answer = signed_in(admin).post(INVITE, GOOD | {"file": file})

    assert (answer.status_code, answer["Location"]) == (302, "/members/")
    assert sorted(Invitation.objects.values_list("email", flat=True)) == ["a@example.com", "kim@example.com"]


@pytest.mark.parametrize(
    ("change", "field", "status"),
    [
        ({"addresses": ""}, "addresses", 422),
        ({"addresses": "nonsense"}, "addresses", 422),
        # B034: a line that would become a header of the letter.
        ({"addresses": "a@b.example\nBcc: x@y.example"}, "addresses", 422),
        # B033: the limit is named, and nothing is done in part.
        ({"addresses": "\n".join(f"a{number}@example.com" for number in range(10_000))}, "addresses", 422),
        # B030
        ({"role": "superuser"}, "role", 422),
        ({"role": ["viewer", "driver"]}, "role", 422),
        ({"role": "owner"}, "role", 403),
        ({"role": ""}, "role", 422),
        ({"role": f"custom:{uuid4()}"}, "role", 422),
        ({"reach": "some"}, "vehicles", 422),
        ({"reach": "some", "vehicles": "HH-XX 1"}, "vehicles", 422),
        ({"reach": "some", "groups": str(uuid4())}, "groups", 422),
        ({"days": "0"}, "days", 422),
        ({"days": "100000"}, "days", 422),
        ({"by": "pigeon"}, "by", 422),
    ],
)
def test_invite_when_the_form_is_wrong_then_the_error_is_at_its_field_and_nobody_is_invited(
    admin: Membership, change: dict[str, object], field: str, status: int
) -> None:
    answer = signed_in(admin).post(INVITE, GOOD | change)

    assert answer.status_code == status
    assert list(answer.context["form"].errors) == [field]
    assert not Invitation.objects.exists()


def test_invite_when_the_list_is_too_long_then_the_limit_is_named(admin: Membership) -> None:
    addresses = "\n".join(f"a{number}@example.com" for number in range(10_000))

    answer = signed_in(admin).post(INVITE, GOOD | {"addresses": addresses})

    assert "At most 200 addresses at once." in answer.content.decode()


def test_invite_when_the_file_is_no_text_or_too_large_then_it_says_so(admin: Membership) -> None:
    for content in (b"\xff\xfe\x00", b"a@example.com\n" * 20_000):
        file = SimpleUploadedFile("people.csv", content, "text/csv")

        answer = signed_in(admin).post(INVITE, GOOD | {"file": file})

        assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["file"])
    assert not Invitation.objects.exists()


def test_invite_when_another_teams_id_is_sent_then_it_is_not_read(admin: Membership) -> None:
    other = make_team("Another")

    signed_in(admin).post(INVITE, GOOD | {"organization": str(other.team_id), "team": str(other.team_id)})

    assert [one.team_id for one in Invitation.objects.all()] == [admin.team_id]


def test_invite_when_a_role_above_ones_own_is_sent_then_the_attempt_is_kept(
    owner: Membership, admin: Membership
) -> None:
    manager = make_member(owner.team, Role.MANAGER)

    by_manager = signed_in(manager).post(INVITE, GOOD | {"role": "owner"})
    by_admin = signed_in(admin).post(INVITE, GOOD | {"role": "owner"})

    assert (by_manager.status_code, by_admin.status_code) == (403, 403)
    assert refusals(manager) == refusals(admin) == [{"what": "invite", "role": "owner"}]


def test_change_when_a_role_above_ones_own_is_sent_then_it_stays_and_the_attempt_is_kept(
    admin: Membership, viewer: Membership
) -> None:
    manager = make_member(admin.team, Role.MANAGER)
    url = f"/members/{viewer.id}/"

    statuses = [
        signed_in(who).post(url, {"role": role, "reach": "all"}).status_code
        for who, role in ((manager, "owner"), (admin, "owner"), (admin, "superuser"))
    ]

    viewer.refresh_from_db()
    assert (statuses, viewer.role) == ([403, 403, 422], "viewer")
    assert refusals(manager) == refusals(admin) == [{"what": "change", "role": "owner"}]


def test_change_when_saved_then_the_member_has_it(admin: Membership, viewer: Membership) -> None:
    answer = signed_in(admin).post(f"/members/{viewer.id}/", {"role": "operator", "reach": "all"})

    viewer.refresh_from_db()
    assert (answer.status_code, viewer.role) == (302, "operator")


def test_owner_when_the_last_one_leaves_or_demotes_themselves_then_409_says_why(owner: Membership) -> None:
    client = signed_in(owner)

    answers = [
        client.post(f"/members/{owner.id}/", {"role": "viewer", "reach": "all"}),
        client.post(f"/members/{owner.id}/remove/"),
    ]

    for answer in answers:
        assert answer.status_code == 409
        assert "A team needs an owner" in answer.content.decode()
    owner.refresh_from_db()
    assert (owner.role, owner.ended_at) == ("owner", None)


def test_remove_when_confirmed_then_the_member_is_gone(admin: Membership, viewer: Membership) -> None:
    client = signed_in(admin)

    asked = client.get(f"/members/{viewer.id}/remove/")
    done = client.post(f"/members/{viewer.id}/remove/")

    viewer.refresh_from_db()
    assert (asked.status_code, done.status_code, viewer.ended_at is not None) == (200, 302, True)
    assert client.get(f"/members/{viewer.id}/").status_code == 404


def test_link_when_made_then_its_secret_is_shown_once(admin: Membership) -> None:
    client = signed_in(admin)

    made = client.post(INVITE, GOOD | {"by": "link", "addresses": ""})
    later = client.get("/members/")

    secret = re.search(r"/join/([A-Za-z0-9_-]{27})/", made.content.decode()).group(1)  # type: ignore[union-attr]
    assert find_invitation(secret) == Invitation.objects.get()
    assert secret not in later.content.decode()


def test_another_when_asked_like_a_member_then_the_form_holds_the_same_rights(admin: Membership) -> None:
    driver = make_member(admin.team, Role.DRIVER)
    stranger = make_member(make_team().team, Role.DRIVER)

    like = [
        signed_in(admin).get(INVITE, {"like": str(one.id)}).context["form"]["role"].value()
        for one in (driver, stranger)
    ]

    assert like == ["driver", "viewer"]


def test_invitation_when_of_another_team_then_it_does_not_exist_and_nothing_is_sent(admin: Membership) -> None:
    invitation, _ = invite_by_link(membership=make_team(), grant=Grant(Role.VIEWER))
    before = bytes(Invitation.objects.get().secret_hash)

    answers = [
        signed_in(admin).post(f"/invitations/{invitation.id}/{verb}/").status_code for verb in ("resend", "revoke")
    ]

    kept = Invitation.objects.get()
    assert (answers, bytes(kept.secret_hash), kept.revoked_at) == ([404, 404], before, None)


def test_resend_when_asked_then_the_row_waits_again(admin: Membership) -> None:
    (invitation,) = invite(membership=admin, rows=read_pasted("a@example.com"), grant=Grant(Role.VIEWER))
    Invitation.objects.update(sent_at=timezone.now(), expires_at=timezone.now() - timedelta(days=1))

    answer = signed_in(admin).post(f"/invitations/{invitation.id}/resend/")

    invitation.refresh_from_db()
    assert (answer.status_code, invitation.sent_at) == (302, None)
    assert invitation.expires_at > timezone.now()


@pytest.mark.parametrize("path", ["/members/", INVITE, "/roles/new/", "/groups/", "/groups/new/"])
def test_page_when_the_role_is_too_small_then_it_is_forbidden(viewer: Membership, path: str) -> None:
    assert signed_in(viewer).get(path).status_code == 403


def test_letters_button_when_fetched_by_get_then_nothing_changes(admin: Membership) -> None:
    invitation, _ = invite_by_link(membership=admin, grant=Grant(Role.VIEWER))
    client = signed_in(admin)

    for name in ("resend", "revoke"):
        assert client.get(reverse(f"members:{name}", args=[invitation.id])).status_code == 405
    assert client.get("/join/switch/").status_code == 405
