"""The pages of notices: one's own, page by page, read and settled; and the bell of every page."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.notifications.choices import choices_of
from fleet.notifications.models import Notice
from fleet.notifications.views import PAGE_SIZE
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from tests.factories import make_member, make_team, make_user
from tests.fleet.teams.factors import require_second_factor
from tests.signing_in import sign_in

SETTINGS = "/notifications/settings/"


@pytest.fixture
def owner(db: None) -> Membership:
    return make_team()


@pytest.fixture
def pages(owner: Membership) -> Client:
    return sign_in(Client(), owner)


def tell(membership: Membership, number: int = 1, kind: str = "job", event: str = "job.finished") -> list[Notice]:
    """Put notices behind somebody's bell, the last one the newest."""
    begun = timezone.now() - timedelta(hours=1)
    return Notice.objects.bulk_create(
        Notice(
            user=membership.user,
            team_id=membership.team_id,
            kind=kind,
            needs="view",
            event_id=uuid4().int % 2**62,
            event_kind=event,
            subject=f"job:{uuid4()}",
            actor=membership.user.actor,
            data={"user": str(membership.user_id)},
            at=begun + timedelta(seconds=turn),
        )
        for turn in range(number)
    )


def unread(membership: Membership) -> int:
    return Notice.objects.filter(user=membership.user, read_at=None).count()


def test_list_when_there_is_nothing_then_it_says_what_will_be_there(pages: Client) -> None:
    assert "Nothing yet" in pages.get("/notifications/").content.decode()
    assert "Everything is read" in pages.get("/notifications/?unread=1").content.decode()


def test_list_when_there_are_many_then_pages_follow_each_other_without_gap_or_repeat(
    pages: Client, owner: Membership
) -> None:
    made = tell(owner, 2 * PAGE_SIZE + 1)
    shown: list[str] = []
    url = "/notifications/"
    while url:
        answer = pages.get(url)
        shown += [str(entry.row.pk) for entry in answer.context["entries"]]
        url = f"/notifications/?cursor={answer.context['next_cursor']}" if answer.context["next_cursor"] else ""

    assert shown == [str(notice.pk) for notice in reversed(made)]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "MjAyNi0wMS0wMVQwMDowMDowMHx4", "%00"])
def test_list_when_the_cursor_makes_no_sense_then_it_is_the_first_page(
    pages: Client, owner: Membership, cursor: str
) -> None:
    tell(owner)

    answer = pages.get(f"/notifications/?cursor={cursor}")

    assert (answer.status_code, len(answer.context["entries"])) == (200, 1)


def test_list_when_there_are_thirty_then_it_asks_no_more_than_for_one(pages: Client, owner: Membership) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert pages.get("/notifications/").status_code == 200
        return len(queries)

    tell(owner)
    one = count()
    tell(owner, 29)

    assert count() == one


def test_bell_when_a_page_is_shown_then_it_costs_one_query_and_none_on_a_part(pages: Client, owner: Membership) -> None:
    tell(owner, 3)
    counted = '"notifications_notice"."read_at" IS NULL'
    asked = []
    for headers in ({}, {"HX-Request": "true"}):
        with CaptureQueriesContext(connection) as queries:
            answer = pages.get("/alerts/", headers=headers)
        asked.append(sum(counted in query["sql"] for query in queries))

        assert ("3 unread" in answer.content.decode()) is (not headers)

    assert asked == [1, 0]


def test_bell_when_there_are_more_than_it_counts_then_it_says_so(pages: Client, owner: Membership) -> None:
    tell(owner, 101)

    answer = pages.get("/notifications/bell/").content.decode()

    assert ("99+" in answer, "more than 99 unread" in answer) == (True, True)


def test_notice_when_opened_then_it_is_read_and_leads_to_what_it_is_about(pages: Client, owner: Membership) -> None:
    first, second = tell(owner, 2)

    answer = pages.post(f"/notifications/{first.pk}/open/")

    assert answer["Location"] == f"/jobs/{first.subject[4:]}/"
    assert pages.post(f"/notifications/{second.pk}/read/")["Location"] == "/notifications/"
    assert unread(owner) == 0


def test_all_when_marked_then_only_ones_own_and_readable_ones_are(pages: Client, owner: Membership) -> None:
    member = make_member(owner.team, Role.VIEWER)
    tell(owner, 3)
    tell(member)
    (gone,) = tell(owner)
    Notice.objects.filter(pk=gone.pk).update(team_id=make_team().team_id)

    pages.post("/notifications/read/")

    assert (unread(owner), unread(member)) == (1, 1)


@pytest.mark.parametrize("who", ["member of the team", "outsider", "nobody's id"])
def test_notice_when_it_is_not_ones_own_then_it_does_not_exist(owner: Membership, who: str) -> None:
    (notice,) = tell(owner)
    asker = make_team() if who == "outsider" else make_member(owner.team, Role.OWNER)
    notice_id = uuid4() if who == "nobody's id" else notice.pk

    for verb in ("open", "read"):
        assert sign_in(Client(), asker).post(f"/notifications/{notice_id}/{verb}/").status_code == 404
    assert unread(owner) == 1


def test_notices_of_one_without_a_team_when_asked_then_their_account_is_told_of(db: None) -> None:
    user = make_user()
    person = Client()
    person.force_login(user)
    Notice.objects.create(
        user=user, kind="device", event_id=1, event_kind="account.new_device", actor=user.actor, at=timezone.now()
    )

    assert "a browser that we did not know: unknown" in person.get("/notifications/").content.decode()


def test_notices_of_a_team_that_wants_a_second_factor_when_none_was_given_then_none_is_shown_or_counted(
    pages: Client, owner: Membership
) -> None:
    (notice,) = tell(owner)
    before = pages.get("/notifications/bell/").content.decode()
    require_second_factor(owner.team)

    shown, bell = (pages.get(f"/notifications/{path}").content.decode() for path in ("", "bell/"))

    assert ("1 unread" in before, "unread" in bell, "Nothing yet" in shown) == (True, False, True)
    assert pages.post(f"/notifications/{notice.pk}/open/").status_code == 404
    assert unread(owner) == 1


def test_settings_when_saved_then_they_hold_and_are_shown(pages: Client, owner: Membership) -> None:
    data = {
        "bell-job": "on",
        "letter-joined": "on",
        "quiet_from": "22:00",
        "quiet_until": "06:30",
        "time_zone": "Europe/Berlin",
    }

    assert pages.post(SETTINGS, data)["Location"] == SETTINGS

    choices = choices_of([owner.user_id])[owner.user_id]
    told = {kind for kind in choices.chosen if choices.bell(kind)}, {k for k in choices.chosen if choices.letter(k)}
    assert told == ({"job"}, {"joined"})
    assert (choices.quiet_from.isoformat(), choices.zone.key) == ("22:00:00", "Europe/Berlin")  # type: ignore[union-attr]
    shown = pages.get(SETTINGS).content.decode()
    assert 'name="bell-job" checked' in shown
    assert 'name="letter-job">' in shown
    assert 'value="06:30"' in shown


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        ({"quiet_from": "22:00"}, {"quiet_until": ["Quiet hours need both ends, or none."]}),
        ({"quiet_until": "22:00"}, {"quiet_from": ["Quiet hours need both ends, or none."]}),
        (
            {"quiet_from": "22:00", "quiet_until": "22:00"},
            {"quiet_until": ["This is the same time: the quiet hours would never end."]},
        ),
        ({"quiet_from": "25:00", "quiet_until": "6"}, None),
        ({"time_zone": "Mars/Olympus"}, None),
        ({"time_zone": "../../etc/passwd"}, None),
    ],
)
def test_settings_when_they_make_no_sense_then_the_field_says_why(
    pages: Client, owner: Membership, data: dict[str, str], errors: dict[str, list[str]] | None
) -> None:
    answer = pages.post(SETTINGS, data)

    assert answer.status_code == 422
    assert answer.context["form"].errors == (errors or answer.context["form"].errors)
    assert answer.context["form"].errors.keys() <= {"quiet_from", "quiet_until", "time_zone"}
    assert choices_of([owner.user_id])[owner.user_id].chosen == {}


def test_settings_when_nothing_was_chosen_then_the_table_says_what_holds(pages: Client) -> None:
    shown = pages.get(SETTINGS).content.decode()

    assert 'name="letter-connection" checked' in shown
    assert 'name="letter-job">' in shown
    assert 'name="letter-device"' not in shown


def test_account_when_opened_then_it_leads_to_the_settings(pages: Client) -> None:
    assert SETTINGS in pages.get("/accounts/").content.decode()
