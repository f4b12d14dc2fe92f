"""Trying registrations out against the simulator in every provider's words, over HTTP."""

import json
import logging
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from fleet.adapters.setup import SetupCheck
from fleet.events.models import Event
from fleet.registrations.pages import latest_test, state_of
from fleet.registrations.services import Wanted, ask_for_test, change_app, is_being_tested
from fleet.registrations.testing import find_out, keep, run_test, without_secrets
from fleet.vehicles.models import ProviderApp
from fleet.vehicles.providers import credential_of
from tests.factories import make_team
from tests.fleet.registrations.rows import SECRETS, keeper_of, make_registration
from tests.infrastructure.simulator import CLIENT_ID, CLIENT_SECRET, Simulator

pytestmark = pytest.mark.django_db

ANOTHER_RING = "b:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="


def try_out(app: ProviderApp, **how: Any) -> ProviderApp:
    ProviderApp.objects.filter(pk=app.pk).update(test_asked_at=timezone.now())
    run_test(app.id, actor="system:test", **how)
    return ProviderApp.objects.get(pk=app.pk)


def found(app: ProviderApp) -> list[tuple[str, bool | None, str]]:
    return [(check["step"], check["is_ok"], check["code"]) for check in app.test_result]


@pytest.mark.parametrize("provider", ["smartcar", "enode", "volvo"])
def test_test_when_everything_is_right_then_every_step_works(provider: str, simulator: Simulator) -> None:
    app = try_out(make_registration(keeper_of(make_team()), provider, client_id=CLIENT_ID))

    assert {is_ok for _, is_ok, _ in found(app)} == {True}, app.test_result
    assert (state_of(app), is_being_tested(app)) == ("passed", False)


@pytest.mark.parametrize("provider", ["smartcar", "enode", "volvo"])
def test_test_when_the_secret_is_wrong_then_it_says_so_and_holds_and_logs_no_secret(
    provider: str, simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = keeper_of(make_team())
    app = make_registration(keeper, provider, client_id=CLIENT_ID, client_secret="canary-wrong-secret")

    with caplog.at_level(logging.DEBUG):
        app = try_out(app)

    assert found(app)[0] == ("credentials", False, "setup_required")
    assert state_of(app) == "failed"
    assert "does not know this client ID" in latest_test(app).lines[0].words
    event = Event.objects.get(kind="provider.tested")
    assert (event.team_id, event.data["failed"][0]) == (app.team_id, "credentials")
    kept = json.dumps(app.test_result) + json.dumps(event.data) + caplog.text
    secrets = ["canary-wrong-secret", CLIENT_SECRET, *SECRETS.get(provider, {}).values()]
    assert [secret for secret in secrets if secret in kept] == []


def test_test_when_the_key_is_not_known_then_sending_it_makes_it_so(simulator: Simulator) -> None:
    app = make_registration(keeper_of(make_team()), "tesla", client_id=CLIENT_ID)
    simulator._ask("PUT", "/dialects/tesla/_control/settings", {"domain_keys": {}})
    before = try_out(app)
    keys = {"domain_keys": {"fleet.example.com": app.options["public_key"]}}
    simulator._ask("PUT", "/dialects/tesla/_control/settings", keys)

    after = try_out(app, sends_key=True)

    assert ("public_key", False, "setup_required") in found(before)
    assert [line.title for line in latest_test(before).lines if line.tone == "danger"] == [
        "Our key is known there (NA)",
        "Our key is known there (EU)",
    ]
    assert {is_ok for _, is_ok, _ in found(after)} == {True}, after.test_result
    assert [step for step, _, _ in found(after)].count("registration") == 2


def test_test_when_nobody_answers_then_nothing_is_claimed_to_be_wrong(simulator: Simulator) -> None:
    app = make_registration(keeper_of(make_team()), "smartcar", client_id=CLIENT_ID)
    ProviderApp.objects.filter(pk=app.pk).update(
        urls={"token": "http://127.0.0.1:9/token", "api": "http://127.0.0.1:9"}
    )

    app = try_out(ProviderApp.objects.get(pk=app.pk))

    assert found(app)[0][2] == "upstream_down"
    assert "What you entered may be right all the same" in latest_test(app).lines[0].words


def test_test_when_stored_secrets_do_not_open_then_it_says_which_key_is_missing(simulator: Simulator) -> None:
    app = make_registration(keeper_of(make_team()), "smartcar")

    with override_settings(KEY_RING=ANOTHER_RING):
        app = try_out(app)

    assert found(app) == [("stored_secrets", False, "setup_required")]


def test_test_when_a_provider_sends_our_secrets_back_then_they_are_cut_out_of_what_is_kept() -> None:
    app = make_registration(keeper_of(make_team()), "volvo", client_secret="canary-secret")
    echo = SetupCheck("api", False, "setup_required", f"bad canary-secret, volvo-lab-api-key\0 {'x' * 300}")

    kept = without_secrets(echo, credential_of(app))

    assert kept.detail == f"bad …, … {'x' * 300}"[:200]


def test_test_when_it_was_asked_for_already_then_one_is_made() -> None:
    keeper = keeper_of(make_team())
    app = make_registration(keeper)

    asked = [ask_for_test(keeper=keeper, app=app) for _ in range(2)]
    for _ in range(2):
        run_test(app.id, actor="system:test")

    assert asked == [True, False]
    assert Event.objects.filter(kind="provider.tested").count() == 1


def test_test_when_it_was_changed_in_the_meantime_then_what_was_found_is_not_kept() -> None:
    keeper = keeper_of(make_team())
    app = make_registration(keeper)
    ask_for_test(keeper=keeper, app=app)
    under_way = ProviderApp.objects.get(pk=app.pk)
    assert latest_test(under_way).is_running
    found_meanwhile = find_out(under_way, sends_key=False)
    change_app(keeper=keeper, app=app, wanted=Wanted("Another name", app.client_id))

    keep(under_way, under_way.test_asked_at, found_meanwhile, actor="system:test", sends_key=False)

    app.refresh_from_db()
    assert (app.test_asked_at, app.tested_at, app.test_result) == (None, None, [])
    assert not Event.objects.filter(kind="provider.tested").exists()
