"""Pages of registrations: who sees which, what a bad form shows, what is never shown, and the public key."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.registrations.services import Wanted, change_app
from fleet.teams.installation import make_administrator
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from fleet.vehicles.models import ProviderAccount, ProviderApp
from fleet.vehicles.providers import credential_of
from tests.factories import PASSWORD, make_member, make_team
from tests.fleet.registrations.rows import INSTALLATION, keeper_of, make_registration
from tests.signing_in import sign_in

SECRET, KEY = "canary-client-secret", "canary-api-key"
GOOD = {"name": "Our Volvos", "client_id": "volvo-1", "client_secret": SECRET, "api_key": KEY}
NEW = "/providers/new/volvo/"
KEY_PAGE = "/.well-known/appspecific/com.tesla.3p.public-key.pem"


@pytest.fixture(autouse=True)
def _limits_start_anew(db: None) -> None:
    cache.clear()


@pytest.fixture
def owner() -> Membership:
    return make_team()


@pytest.fixture
def client(owner: Membership) -> Client:
    return sign_in(Client(), owner)


def faults(answer: object) -> dict[str, str]:
    """What is wrong, by the field at which it stands."""
    page = answer.content.decode()  # type: ignore[attr-defined]
    found = re.findall(r'id="(?:id_|confirm-)(\w+)-errors">.*?<span>(.*?)</span>', page, re.DOTALL)
    return dict(found)


def test_new_when_the_form_is_good_then_it_is_kept_and_no_page_shows_a_secret(
    client: Client, owner: Membership
) -> None:
    answer = client.post(NEW, GOOD)

    app = ProviderApp.objects.get(provider="volvo")
    assert (answer.status_code, answer["Location"]) == (302, f"/providers/{app.id}/")
    assert (app.team_id, app.name, credential_of(app).client_secret) == (owner.team_id, "Our Volvos", SECRET)
    shown = client.get(answer["Location"]).content.decode() + client.get("/providers/").content.decode()
    assert "Our Volvos" in shown
    assert "volvo-1" in shown
    assert timezone.localtime().strftime("Set on %b") in shown
    assert [secret for secret in (SECRET, KEY) if secret in shown] == []


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"client_id": "two words"}, {"client_id": "Letters, digits and signs without spaces. Copy it again."}),
        ({"client_secret": "ünï"}, {"client_secret": "Letters, digits and signs without spaces. Copy it again."}),
        ({"client_secret": "x\x00y"}, {"client_secret": "Letters, digits and signs without spaces. Copy it again."}),
        ({"client_id": "x" * 201}, {"client_id": "Ensure this value has at most 200 characters (it has 201)."}),
        ({"api_key": ""}, {"api_key": "This field is required."}),
        (
            {"name": "", "client_id": "", "client_secret": ""},
            dict.fromkeys(("name", "client_id", "client_secret"), "This field is required."),
        ),
        ({"client_id": "taken"}, {"client_id": "This client ID is set up here already."}),
    ],
)
def test_new_when_something_is_wrong_then_it_is_said_at_the_field_and_nothing_is_kept(
    client: Client, wrong: dict[str, str], expected: dict[str, str]
) -> None:
    make_registration(keeper_of(make_team()), "volvo", client_id="taken")

    answer = client.post(NEW, GOOD | wrong)

    assert (answer.status_code, faults(answer)) == (422, expected)
    assert ProviderApp.objects.filter(provider="volvo").count() == 1
    assert SECRET not in answer.content.decode()


def test_edit_when_an_environment_is_chosen_then_the_addresses_go_with_it_and_else_they_stay(
    client: Client, owner: Membership
) -> None:
    app = make_registration(keeper_of(owner), "enode")  # with addresses of its own
    before = credential_of(app).urls
    given = {"name": "Enode", "client_id": app.client_id, "environment": "production"}
    seen = []

    for change in ({"name": "Renamed"}, {"environment": "sandbox"}, {}):
        assert client.post(f"/providers/{app.id}/", given | change).status_code == 302
        seen.append(credential_of(ProviderApp.objects.get(pk=app.pk)).urls["api"])

    assert seen == [before["api"], "https://enode-api.sandbox.enode.io", "https://enode-api.production.enode.io"]


@pytest.mark.parametrize(("domain", "is_good"), [("fleet.example.com", True), ("https://x/y", False), ("a b", False)])
def test_new_when_a_domain_is_typed_then_only_a_domain_is_taken(client: Client, domain: str, is_good: bool) -> None:
    given = {"name": "Tesla", "client_id": "t", "client_secret": "s", "domain": domain}

    answer = client.post("/providers/new/tesla/", given)

    assert (answer.status_code, set(faults(answer))) == ((302, set()) if is_good else (422, {"domain"}))


def test_new_when_it_was_long_ago_that_they_signed_in_then_it_asks_who_it_is_and_the_form_goes_with_it(
    owner: Membership,
) -> None:
    client = sign_in(Client(), owner, minutes_ago=20)

    shown = client.get(NEW).content.decode()
    wrong = client.post(NEW, GOOD | {"password": "not this one"})
    kept = ProviderApp.objects.filter(provider="volvo").exists()
    right = client.post(NEW, GOOD | {"password": PASSWORD})

    assert 'name="password"' in shown
    assert (wrong.status_code, faults(wrong), kept) == (422, {"password": "This is not your password."}, False)
    assert right.status_code == 302
    assert ProviderApp.objects.filter(provider="volvo").exists()


def test_acts_when_it_was_long_ago_that_they_signed_in_then_they_are_led_to_confirm_it(owner: Membership) -> None:
    app = make_registration(keeper_of(owner), "tesla")
    client = sign_in(Client(), owner, minutes_ago=20)

    for act in ("switch", "remove", "key"):
        answer = client.post(f"/providers/{app.id}/{act}/", {"to": "off"})
        assert answer["Location"] == f"/accounts/reauthenticate/?next=%2Fproviders%2F{app.id}%2F", act
    app.refresh_from_db()
    assert (app.is_enabled, app.test_asked_at) == (True, None)


def test_edit_when_secrets_are_left_empty_then_they_stay(client: Client, owner: Membership) -> None:
    client.post(NEW, GOOD)
    app = ProviderApp.objects.get(provider="volvo")

    answer = client.post(f"/providers/{app.id}/", {"name": "Renamed", "client_id": "volvo-1", "api_key": "another"})

    app.refresh_from_db()
    credential = credential_of(app)
    assert (answer.status_code, app.name, credential.client_secret, credential.secrets) == (
        302,
        "Renamed",
        SECRET,
        {"api_key": "another"},
    )
    ProviderAccount.objects.create(app=app, brand="volvo", provider_user_id="1")
    refused = client.post(f"/providers/{app.id}/", {"name": "Renamed", "client_id": "volvo-2"})
    assert (refused.status_code, set(faults(refused))) == (422, {"client_id"})


def test_switch_and_remove_when_pressed_then_they_are_done(client: Client, owner: Membership) -> None:
    app, used = make_registration(keeper_of(owner)), make_registration(keeper_of(owner))
    ProviderAccount.objects.create(app=used, brand="volvo", provider_user_id="1")

    off = client.post(f"/providers/{app.id}/switch/", {"to": "off"})
    app.refresh_from_db()
    gone = client.post(f"/providers/{app.id}/remove/")
    refused = client.post(f"/providers/{used.id}/remove/")

    assert (off.status_code, app.is_enabled) == (302, False)
    assert (gone.status_code, gone["Location"], refused.status_code) == (302, "/providers/", 409)
    assert list(ProviderApp.objects.filter(team=owner.team)) == [used]


def test_test_when_it_is_pressed_and_a_worker_comes_then_the_part_shows_what_it_found(
    client: Client, owner: Membership
) -> None:
    app = make_registration(keeper_of(owner))

    started = client.post(f"/providers/{app.id}/test/start/")
    running = client.get(f"/providers/{app.id}/test/", HTTP_HX_REQUEST="true").content.decode()
    ProviderApp.objects.filter(pk=app.pk).update(
        tested_at=timezone.now(), test_result=[{"step": "api", "is_ok": None, "code": "", "detail": "<b>bad</b>"}]
    )
    done = client.get(f"/providers/{app.id}/test/", HTTP_HX_REQUEST="true").content.decode()

    assert (started.status_code, started["Location"]) == (302, f"/providers/{app.id}/#test")
    assert 'hx-trigger="load delay:1s"' in running
    assert "hx-trigger" not in done
    assert "Not tried, as something before it failed." in done
    assert "&lt;b&gt;bad" in done


def test_test_when_no_worker_comes_then_the_page_says_so_and_it_can_be_pressed_again(
    client: Client, owner: Membership
) -> None:
    app = make_registration(keeper_of(owner))
    ProviderApp.objects.filter(pk=app.pk).update(test_asked_at=timezone.now() - timedelta(minutes=5))

    page = client.get(f"/providers/{app.id}/").content.decode()

    assert "No worker took the test." in page
    assert "Test this set-up" in page


def test_pages_of_the_installation_when_asked_for_then_they_are_there_for_administrators_alone(
    client: Client, owner: Membership
) -> None:
    ours = make_registration(INSTALLATION, name="For everybody")
    paths = ["/installation/providers/", "/installation/providers/new/volvo/", f"/providers/{ours.id}/"]
    before = [client.get(path).status_code for path in paths]

    make_administrator(email=owner.user.email, actor="system:test")
    after = [client.get(path).status_code for path in paths]
    made = client.post(paths[1], GOOD)

    assert (before, after, made.status_code) == ([404] * 3, [200] * 3, 302)
    assert ProviderApp.objects.get(provider="volvo").team_id is None
    assert "For everybody" in client.get("/providers/").content.decode()


def test_pages_of_a_team_when_the_role_is_too_small_then_they_are_closed(owner: Membership) -> None:
    app = make_registration(keeper_of(owner))
    manager = sign_in(Client(), make_member(owner.team, Role.MANAGER))
    admin = sign_in(Client(), make_member(owner.team, Role.ADMIN))

    paths = ["/providers/", NEW, f"/providers/{app.id}/", f"/providers/{app.id}/remove/"]
    assert [manager.get(path).status_code for path in paths] == [403] * 4
    assert [admin.get(path).status_code for path in paths] == [200] * 4


@pytest.mark.parametrize("provider", ["nonsense", "simulator-2", "bmw_cardata"])
def test_new_when_there_is_no_adapter_then_there_is_no_page(client: Client, provider: str) -> None:
    assert client.get(f"/providers/new/{provider}/").status_code == 404


def test_list_when_there_are_many_then_it_takes_as_many_queries(client: Client, owner: Membership) -> None:
    counts = []
    for more in (1, 29):
        for _ in range(more):
            make_registration(keeper_of(owner))
        client.get("/providers/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/providers/")
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_public_key_when_cars_are_commanded_with_one_then_everybody_gets_its_public_half_from_a_cache() -> None:
    absent = Client().get(KEY_PAGE)
    app = make_registration(keeper_of(make_team()), "tesla")

    answer = Client().get(KEY_PAGE)

    assert absent.status_code == 404
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.content.decode() == app.options["public_key"]
    assert set(answer["Cache-Control"].split(", ")) == {"public", "max-age=3600"}
    assert "Cookie" not in answer.get("Vary", "")
    assert not answer.cookies


def test_public_key_when_the_name_of_a_registration_changes_then_the_key_stays() -> None:
    keeper = keeper_of(make_team())
    app = make_registration(keeper, "tesla")

    change_app(keeper=keeper, app=app, wanted=Wanted("Renamed", app.client_id))

    assert Client().get(KEY_PAGE).content.decode() == app.options["public_key"]
