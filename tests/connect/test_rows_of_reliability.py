"""Share links and the makers' callback against hostile input: the rows B038 to B059, each with the tests that hold it.

Rows that other files hold are only listed; those that had no test have it here.
"""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connect.access import MISSES_PER_MINUTE, note_miss
from connect.exchange import exchange_code
from connect.models import LinkMiss, ShareLink, Visit
from connect.sealed import list_plainly
from fleet.adapters.base import RemoteVehicle
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection, ProviderAccount, ProviderApp, VehicleLink
from fleet.vehicles.sealing import make_token
from tests.connect.conftest import OwnerBrowser, make_link, make_member, text_of, yes
from tests.connect.maker import allow, query_of
from tests.connect.test_acceptance import at_once
from tests.fleet.adapters.raw_server import RawServer, say
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Simulator

TESTS = Path(__file__).parents[1]
HERE, ACCEPTANCE = "connect/test_rows_of_reliability.py", "connect/test_acceptance.py"
ROWS = {
    "B038 guesses at links": [
        f"{HERE} test_guesses_when_a_thousand_come_in_a_minute_all_but_thirty_are_turned_away",
        "connect/test_ways_out.py test_start_when_links_are_guessed_answers_429_but_opens_real_ones",
    ],
    "B039 the last use at once": [
        f"{ACCEPTANCE} test_accept_when_two_owners_take_the_last_use_lets_one_in",
        "connect/test_personal_links.py test_flow_when_two_accept_by_one_personal_link_lets_one_in",
    ],
    "B041 signed in to another team": [
        "connect/test_ways_out.py test_start_when_browser_belongs_to_another_team_joins_only_the_links_team"
    ],
    "B042 no state, another browser's, an empty one": [
        "connect/test_callback.py test_callback_when_state_is_missing_is_refused",
        "connect/test_callback.py test_callback_when_state_is_another_browsers_is_refused",
        "connect/test_callback.py test_callback_when_state_is_unknown_is_refused",
    ],
    "B043 a state again, or too old": [
        "connect/test_callback.py test_callback_when_state_is_used_again_with_another_code_is_refused",
        "connect/test_callback.py test_callback_when_state_is_ten_minutes_old_is_refused_with_a_fresh_start",
    ],
    "B045 the owner denied": [
        "connect/test_callback.py test_callback_when_owner_denied_is_friendly_and_no_error_in_the_log",
        "connect/test_ways_out.py test_callback_when_owner_cancels_at_maker_says_so_and_link_stays_usable",
    ],
    "B046, B047 an error or a code of somebody's making": [
        "connect/test_callback.py test_callback_when_malformed_is_refused_and_not_sent_on"
    ],
    "B049 the callback twice": [
        "connect/test_callback.py test_callback_when_reloaded_leads_to_where_the_visit_is_and_exchanges_once",
        f"{HERE} test_callback_when_opened_twice_at_once_leads_both_to_one_exchange",
        f"{ACCEPTANCE} test_exchange_when_two_workers_get_the_message_trades_the_code_once",
    ],
    "B050 a redirect of somebody else's": [
        "connect/test_ways_out.py test_go_when_address_names_another_redirect_ignores_it",
        "connect/test_callback.py test_callback_when_code_is_as_long_as_allowed_is_taken",
        "connect/test_returns.py test_start_when_the_way_back_is_not_allowed_is_400_and_names_nothing_of_it",
    ],
    "B051 token answers": [
        f"{HERE} test_exchange_when_the_token_answer_is_no_good_tells_the_owner_and_keeps_nothing",
        "fleet/adapters/test_oauth.py test_lifetime_when_it_is_sloppy_then_it_is_made_believable",
    ],
    "B052 fewer scopes than asked": [
        "connect/test_ways_out.py test_exchange_when_needed_is_partly_withheld_says_what_is_missing",
        "connect/test_ways_out.py test_exchange_when_nothing_needed_is_granted_shares_nothing",
        "commands/test_rights.py test_request_when_the_owner_did_not_allow_it_then_nothing_is_written",
    ],
    "B054 the car is in another team": [
        f"{ACCEPTANCE} test_accept_when_another_team_has_the_car_is_like_any_other_and_changes_nothing_there"
    ],
    "B055 no cars, five hundred, one twice, one missing": [
        "connect/test_ways_out.py test_exchange_when_account_has_no_cars_has_its_own_page",
        "connect/test_exchange.py test_exchange_when_account_has_five_hundred_cars_lists_them_all",
        f"{HERE} test_list_when_a_car_stands_in_it_twice_keeps_one",
        f"{HERE} test_list_when_a_car_seen_yesterday_is_missing_marks_it_and_keeps_it",
        "fleet/vehicles/test_listing.py test_listing_when_a_day_old_then_the_maker_is_asked_once",
    ],
    "B056 VINs that are none": [
        "fleet/vehicles/test_vin.py test_clean_vin_when_given_anything_returns_a_vin_or_nothing",
        "fleet/vehicles/test_services.py test_join_vehicle_when_vin_is_no_vin_knows_the_car_by_the_makers_id",
    ],
    "B057 in a foreign frame": [
        "connect/test_callback.py test_pages_when_shown_can_not_be_framed",
        "journeys/test_connect.py test_flow_when_put_into_a_frame_of_another_site_is_not_shown",
    ],
    "B059 again with a lower choice": [
        f"{ACCEPTANCE} test_accept_when_owner_comes_again_with_fewer_scopes_replaces_the_old_grant",
        "connect/test_repairs.py test_repair_when_owner_signs_in_again_is_set_as_before_and_keeps_the_car",
    ],
    "A GET consumes nothing": ["connect/test_personal_links.py test_pages_when_only_opened_consume_nothing"],
}


def test_rows_when_they_are_listed_have_their_tests() -> None:
    listed = {name for names in ROWS.values() for name in names}

    assert {name for name in listed if name.split()[1] not in _tests_in(name.split()[0])} == set()


def _tests_in(path: str) -> set[str]:
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_guesses_when_a_thousand_come_in_a_minute_all_but_thirty_are_turned_away(db: None) -> None:
    now = timezone.now()
    calm = [note_miss("192.0.2.1", now=now) for _ in range(999)]

    last = Client(REMOTE_ADDR="192.0.2.2").get(reverse("connect:start", args=["guess"]))

    assert calm == [True] * MISSES_PER_MINUTE + [False] * (999 - MISSES_PER_MINUTE)
    # Counted by address: another one is not turned away for it. And 27 letters of 64 are 162 bits.
    assert last.status_code == 404
    assert sorted(LinkMiss.objects.values_list("count", flat=True)) == [1, 999]
    assert len({make_token() for _ in range(100)}) == 100
    assert len(make_token()) >= 27


def test_callback_when_opened_twice_at_once_leads_both_to_one_exchange(
    committed_db: CommittedDatabase, simulator: Simulator, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("provider")
    account = simulator.account()
    owner = OwnerBrowser(make_link(make_member("manager"))[1])
    query = query_of(allow(owner.go(), account))

    def come_back() -> str:
        tab = Client()
        tab.cookies = owner.client.cookies
        return tab.get(reverse("connect:callback"), query)["Location"]

    places = at_once(*(come_back for _ in range(4)))
    visit = Visit.objects.get()
    exchange_code(visit.id)
    owner.decide(visit, [account.cars[0]["id"]])

    assert places == [reverse("connect:wait", args=[visit.id])] * 4
    assert Connection.objects.count() == 1
    assert come_back() == reverse("connect:wait", args=[visit.id])
    assert "is connected" in text_of(owner.get("wait", visit))


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b"<h1>Welcome</h1>", "maker_down"),
        ({"access_token": "a", "expires_in": 3600}, "maker_confused"),
        ({"refresh_token": "r", "expires_in": 3600}, "maker_confused"),
        (b'{"access_token": "a", "access_token": 7, "refresh_token": "r"}', "maker_confused"),
        ({}, "maker_confused"),
        (b"[]", "maker_down"),
        (b"", "maker_down"),
    ],
    ids=["html", "no refresh token", "no access token", "a key twice", "empty object", "a list", "nothing"],
)
def test_exchange_when_the_token_answer_is_no_good_tells_the_owner_and_keeps_nothing(
    manager: Membership, provider: ProviderApp, simulator: Simulator, body: bytes | Mapping[str, Any], failure: str
) -> None:
    owner = OwnerBrowser(make_link(manager)[1])
    visit_id = owner.come_back(allow(owner.go(), simulator.account()))

    with RawServer(lambda socket, _: say(socket, 200, body)) as server:
        ProviderApp.objects.update(urls=provider.urls | {"token": f"{server.url}/token"})
        exchange_code(visit_id)
    page = owner.get("wait", Visit.objects.get())

    assert Visit.objects.get().failure == failure
    assert page.status_code == 200
    assert reverse("connect:start", args=[owner.secret]) in text_of(page)
    assert not ProviderAccount.objects.exists()


def test_list_when_a_car_seen_yesterday_is_missing_marks_it_and_keeps_it(
    manager: Membership, simulator: Simulator, provider: ProviderApp
) -> None:
    account = simulator.account({}, {}, {})
    kept, missing, new = (car["id"] for car in account.cars)
    secret = make_link(manager, max_uses=None)[1]
    yes(OwnerBrowser(secret).sign_in(account), kept, missing)
    again = OwnerBrowser(secret).sign_in(account)
    again.vehicles = [plain for plain in again.vehicles if plain["provider_vehicle_id"] != missing]
    again.save(update_fields=["vehicles"])

    yes(again, new)

    live = VehicleLink.objects.filter(team=manager.team, ended_at__isnull=True)
    assert {link.provider_vehicle_id: link.unlisted_at is not None for link in live} == {
        kept: False,
        missing: True,
        new: False,
    }


def test_list_when_the_link_is_for_one_car_says_nothing_of_the_others(
    manager: Membership, simulator: Simulator, provider: ProviderApp
) -> None:
    account = simulator.account({}, {})
    other, named = account.cars
    yes(OwnerBrowser(make_link(manager)[1]).sign_in(account), other["id"])
    link, secret = make_link(manager)
    ShareLink.objects.filter(pk=link.pk).update(vin=named["vin"])

    yes(OwnerBrowser(secret).sign_in(account), named["id"])

    assert VehicleLink.objects.filter(team=manager.team, ended_at__isnull=True).count() == 2
    assert not VehicleLink.objects.filter(team=manager.team, unlisted_at__isnull=False).exists()


def test_list_when_a_car_stands_in_it_twice_keeps_one() -> None:
    car = RemoteVehicle("id-1", "WVWZZZE1ZPP012345", "Volkswagen", "ID.3", 2023, "BEV")

    kept = list_plainly([car, car])

    assert [plain["provider_vehicle_id"] for plain in kept] == ["id-1"]
