"""The log of one's own account: what it tells, to whom, and how it turns pages."""

from html import unescape

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fleet.audit.access import own_events_of
from fleet.audit.entries import PAGE_SIZE
from fleet.events.models import Event
from fleet.teams.account_events import tell
from fleet.teams.models import Membership
from tests.factories import PASSWORD, make_user
from tests.fleet.audit.conftest import Happen


def test_history_when_somebody_signed_in_and_failed_then_their_own_page_tells_it(db: None) -> None:
    user, other, browser = make_user(), make_user(), Client()
    form = {"login": user.email, "password": PASSWORD}
    browser.post("/accounts/login/", form | {"password": "wrong phrase"})
    browser.post("/accounts/login/", {"login": other.email, "password": "wrong phrase"})
    browser.post("/accounts/login/", form)
    tell("account.second_factor_added", user.id, type="webauthn")

    answer = browser.get("/accounts/history/")

    told = [(entry.says, entry.detail, entry.tone) for entry in answer.context["entries"]]
    assert told == [
        ("Added a second factor.", "Passkey", ""),
        ("Signed in.", "Password", ""),
        ("Failed to sign in.", "", "danger"),
    ]
    assert all(says in unescape(answer.content.decode()) for says, _, _ in told)
    assert 'href="/accounts/history/"' in browser.get("/accounts/").content.decode()


def test_history_when_nobody_is_signed_in_then_it_leads_to_the_sign_in(db: None) -> None:
    answer = Client().get("/accounts/history/")

    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/accounts/history/")


def test_history_when_the_person_acts_in_a_team_then_that_stays_in_the_team(
    owner: Membership, pages: Client, happen: Happen
) -> None:
    happen("rule.added")
    Event.objects.create(kind="budget.changed", actor=owner.user.actor)

    assert pages.get("/accounts/history/").context["entries"] == []


def test_history_when_it_is_long_then_pages_turn_without_gap_with_the_same_queries(
    owner: Membership, pages: Client
) -> None:
    tell("account.signed_out", owner.user_id)
    pages.get("/accounts/history/")
    with CaptureQueriesContext(connection) as few:
        pages.get("/accounts/history/")
    for _ in range(PAGE_SIZE + 10):
        tell("account.signed_out", owner.user_id)
    with CaptureQueriesContext(connection) as many:
        first = pages.get("/accounts/history/")
    second = pages.get("/accounts/history/", {"cursor": first.context["next_cursor"]})

    seen = [entry.event.id for entry in [*first.context["entries"], *second.context["entries"]]]
    assert seen == list(own_events_of(owner.user).values_list("id", flat=True))
    assert (len(seen), len(many)) == (PAGE_SIZE + 11, len(few))
    assert pages.get("/accounts/history/?cursor=%00").status_code == 200
