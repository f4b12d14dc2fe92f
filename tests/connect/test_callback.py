"""The way back from the maker: whose state it is, how often it counts, and what may stand in the address."""

import logging
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connect.exchange import exchange_code
from connect.models import Visit
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection, ProviderApp
from tests.connect.conftest import OwnerBrowser, make_link
from tests.connect.maker import allow, query_of
from tests.infrastructure.simulator import Simulator

CALLBACK = "/connect/callback/"
CODE = "a-code-that-no-maker-gave"


@pytest.fixture
def owner(manager: Membership, provider: ProviderApp) -> OwnerBrowser:
    return OwnerBrowser(make_link(manager)[1])


def state_of(owner: OwnerBrowser) -> str:
    return query_of(owner.go())["state"]


def assert_nothing_happened(answer, *, words: str, status: int = 400) -> None:
    assert answer.status_code == status
    assert words in answer.content.decode()
    assert set(Visit.objects.values_list("step", "code_hash")) <= {("signing_in", "")}


def test_callback_address_is_the_registered_one() -> None:
    assert reverse("connect:callback") == CALLBACK


@pytest.mark.parametrize("query", [{}, {"code": CODE}, {"code": CODE, "state": ""}], ids=["bare", "absent", "empty"])
def test_callback_when_state_is_missing_is_refused(owner: OwnerBrowser, query: dict[str, str]) -> None:
    owner.go()

    answer = owner.client.get(CALLBACK, query)

    assert_nothing_happened(answer, words="This sign-in did not begin here")
    assert reverse("connect:start", args=[owner.secret]) in answer.content.decode()


def test_callback_when_state_is_unknown_is_refused(owner: OwnerBrowser) -> None:
    owner.go()

    answer = owner.client.get(CALLBACK, {"code": CODE, "state": "a" * 27})

    assert_nothing_happened(answer, words="This sign-in did not begin here")


@pytest.mark.parametrize("has_own_visit", [False, True])
def test_callback_when_state_is_another_browsers_is_refused(
    owner: OwnerBrowser, manager: Membership, has_own_visit: bool
) -> None:
    state = state_of(owner)
    thief = OwnerBrowser(make_link(manager)[1])
    if has_own_visit:
        thief.go()

    answer = thief.client.get(CALLBACK, {"code": CODE, "state": state})

    assert_nothing_happened(answer, words="This sign-in did not begin here")
    assert owner.secret not in answer.content.decode()


def test_callback_when_state_is_ten_minutes_old_is_refused_with_a_fresh_start(owner: OwnerBrowser) -> None:
    state = state_of(owner)
    Visit.objects.update(state_expires_at=timezone.now() - timedelta(seconds=1))

    answer = owner.client.get(CALLBACK, {"code": CODE, "state": state})

    assert_nothing_happened(answer, words="That took too long")
    assert reverse("connect:start", args=[owner.secret]) in answer.content.decode()


def test_visit_when_begun_gives_state_ten_minutes_and_itself_thirty(owner: OwnerBrowser) -> None:
    owner.go()

    visit = Visit.objects.get()
    assert timedelta(minutes=9) < visit.state_expires_at - timezone.now() <= timedelta(minutes=10)
    assert timedelta(minutes=29) < visit.expires_at - timezone.now() <= timedelta(minutes=30)


def test_callback_when_another_brand_was_chosen_since_the_older_state_is_worthless(owner: OwnerBrowser) -> None:
    older = state_of(owner)
    owner.go("tesla")

    answer = owner.client.get(CALLBACK, {"code": CODE, "state": older})

    assert_nothing_happened(answer, words="This sign-in did not begin here")
    assert Visit.objects.count() == 1


@pytest.mark.parametrize(
    "query",
    [
        {"code": "c" * 2_049},
        {"code": "nul\x00inside"},
        {"code": "line\r\nSet-Cookie: a=b"},
        {"code": "trailing\n"},
        {"code": "emoji🚗"},
        {"error": "<script>alert(1)</script>", "error_description": "x" * 10_000},
        {"error": "e" * 65},
        {"code": CODE, "error": "access_denied"},
        {"code": ["one", "two"]},
        {},
    ],
    ids=["long", "nul", "crlf", "newline", "not ascii", "script", "long error", "both", "twice", "neither"],
)
def test_callback_when_malformed_is_refused_and_not_sent_on(owner: OwnerBrowser, query: dict[str, object]) -> None:
    state = state_of(owner)

    answer = owner.client.get(CALLBACK, {"state": state} | query)

    assert_nothing_happened(answer, words="We did not understand the answer")
    assert "alert(1)" not in answer.content.decode()
    assert "xxxx" not in answer.content.decode()
    assert state not in answer.content.decode()


def test_callback_when_code_is_as_long_as_allowed_is_taken(owner: OwnerBrowser) -> None:
    state = state_of(owner)

    answer = owner.client.get(CALLBACK, {"state": state, "code": "c" * 2_048, "redirect_uri": "https://evil.example"})

    assert answer["Location"] == reverse("connect:wait", args=[Visit.objects.get().id])


def test_callback_when_owner_denied_is_friendly_and_no_error_in_the_log(
    owner: OwnerBrowser, caplog: pytest.LogCaptureFixture
) -> None:
    state = state_of(owner)

    with caplog.at_level(logging.WARNING):
        answer = owner.client.get(
            CALLBACK, {"state": state, "error": "access_denied", "error_description": "<b>no</b>"}, follow=True
        )

    assert answer.status_code == 200
    assert "You did not allow it" in answer.content.decode()
    assert "<b>no</b>" not in answer.content.decode()
    assert caplog.records == []


@pytest.mark.parametrize(
    ("error", "words"),
    [("temporarily_unavailable", "does not answer"), ("server_error", "does not answer"), ("invalid_scope", "go on")],
)
def test_callback_when_maker_reports_an_error_says_which_kind(owner: OwnerBrowser, error: str, words: str) -> None:
    state = state_of(owner)

    answer = owner.client.get(CALLBACK, {"state": state, "error": error}, follow=True)

    assert words in answer.content.decode()


def test_callback_when_reloaded_leads_to_where_the_visit_is_and_exchanges_once(
    owner: OwnerBrowser, simulator: Simulator
) -> None:
    account = simulator.account()
    query = query_of(allow(owner.go(), account))
    first = owner.client.get(CALLBACK, query)
    visit_id = Visit.objects.get().id
    exchange_code(visit_id)
    visit = Visit.objects.get()

    while_deciding = owner.client.get(CALLBACK, query)
    exchange_code(visit_id)
    owner.decide(visit, [account.cars[0]["id"]])
    afterwards = owner.client.get(CALLBACK, query, follow=True)

    # A second exchange of the same code would have made the simulator revoke the grant and the visit fail.
    assert first["Location"] == while_deciding["Location"] == reverse("connect:wait", args=[visit_id])
    assert Visit.objects.get().tokens_sealed is None
    assert "is connected" in afterwards.content.decode()
    assert Connection.objects.count() == 1


def test_callback_when_state_is_used_again_with_another_code_is_refused(
    owner: OwnerBrowser, simulator: Simulator
) -> None:
    account = simulator.account()
    query = query_of(allow(owner.go(), account))
    owner.client.get(CALLBACK, query)

    answer = owner.client.get(CALLBACK, query | {"code": CODE})

    assert answer.status_code == 400
    assert "This sign-in was used already" in answer.content.decode()
    assert reverse("connect:start", args=[owner.secret]) in answer.content.decode()


def test_callback_when_replayed_from_another_browser_after_success_is_refused(
    owner: OwnerBrowser, simulator: Simulator
) -> None:
    account = simulator.account()
    query = query_of(allow(owner.go(), account))
    owner.come_back(CALLBACK + "?" + "&".join(f"{name}={value}" for name, value in query.items()))

    answer = Client().get(CALLBACK, query)

    assert answer.status_code == 400
    assert Visit.objects.get().step == "exchanging"


def test_callback_when_posted_is_not_allowed(owner: OwnerBrowser) -> None:
    state = state_of(owner)

    answer = owner.client.post(CALLBACK, {"state": state, "code": CODE})

    assert answer.status_code == 405
    assert Visit.objects.get().step == "signing_in"


def test_exchange_when_code_is_no_good_asks_to_start_again(owner: OwnerBrowser) -> None:
    visit_id = owner.come_back(f"{CALLBACK}?state={state_of(owner)}&code={CODE}")

    exchange_code(visit_id)

    page = owner.get("wait", Visit.objects.get())
    assert "The sign-in did not hold" in page.content.decode()
    assert Visit.objects.get().failure == "code_refused"


def test_exchange_when_verifier_is_anothers_is_refused_by_the_maker(
    owner: OwnerBrowser, manager: Membership, simulator: Simulator
) -> None:
    account = simulator.account()
    stolen = query_of(allow(owner.go(), account))["code"]
    thief = OwnerBrowser(make_link(manager)[1])
    visit_id = thief.come_back(f"{CALLBACK}?state={state_of(thief)}&code={stolen}")

    exchange_code(visit_id)

    assert Visit.objects.get(pk=visit_id).failure == "code_refused"


@pytest.mark.parametrize("name", ["start", "brand"])
def test_pages_when_shown_can_not_be_framed(owner: OwnerBrowser, name: str) -> None:
    answer = owner.client.get(reverse(f"connect:{name}", args=[owner.secret]))

    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "same-origin"
