"""Registering at a provider and changing it: what is kept and how, what the log says, and what is refused."""

import json
from decimal import Decimal

import pytest
from django.db import connection

from fleet.budgets.models import Budget
from fleet.budgets.services import change_budget
from fleet.events.models import Event
from fleet.registrations.keys import published_key
from fleet.registrations.services import Refused, Wanted, change_app, register_app, remove_app, switch_app
from fleet.vehicles.models import ApplicationToken, ProviderAccount, ProviderApp
from fleet.vehicles.providers import credential_of
from tests.factories import make_team
from tests.fleet.registrations.rows import INSTALLATION, keeper_of, make_registration

pytestmark = pytest.mark.django_db

SECRET, KEY = "canary-client-secret", "canary-api-key"


def everything_in(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT string_agg(t::text, ' ') FROM {table} t")  # noqa: S608 - a name of ours
        return str(cursor.fetchone()[0])


def events_of(app: ProviderApp) -> list[tuple[str, dict[str, object]]]:
    told = Event.objects.filter(subject=f"provider_app:{app.id}").order_by("id")
    return [(event.kind, event.data) for event in told]


def test_register_when_it_is_done_then_secrets_open_for_the_adapter_and_stand_nowhere() -> None:
    owner = make_team()
    wanted = Wanted("Our Volvos", "volvo-1", SECRET, secrets={"api_key": KEY})

    app = register_app(keeper=keeper_of(owner), provider="volvo", wanted=wanted)

    credential = credential_of(ProviderApp.objects.get(pk=app.pk))
    assert (credential.client_id, credential.client_secret, credential.secrets) == ("volvo-1", SECRET, {"api_key": KEY})
    assert (app.team_id, app.is_enabled, app.tested_at, app.urls) == (owner.team_id, True, None, {})
    assert events_of(app) == [
        (
            "provider.registered",
            {"provider": "volvo", "name": "Our Volvos", "secrets": ["client_secret", "api_key"]},
        )
    ]
    kept = everything_in("vehicles_providerapp") + everything_in("events_event")
    assert [word for word in (SECRET, KEY, SECRET.encode().hex(), KEY.encode().hex()) if word in kept] == []


def test_register_when_the_provider_counts_then_its_limits_are_budgets_and_what_was_changed_holds() -> None:
    owner = make_team()
    app = make_registration(keeper_of(owner), "volvo")

    budgets = Budget.objects.filter(app=app).order_by("-window_s", "resource")
    assert list(budgets.values_list("resource", "per", "limit", "window_s", "reserve")) == [
        ("calls", "app", 10_000, 86_400, 1_000),
        ("calls", "account", 100, 60, 10),
        ("commands", "account", 10, 60, 1),
    ]
    mine = budgets[0]
    mine.limit, mine.reserve, mine.unit_price, mine.currency = 500, 0, Decimal("0.01"), "EUR"
    change_budget(budget=mine, actor=owner.user.actor)
    change_app(keeper=keeper_of(owner), app=app, wanted=Wanted("Other", app.client_id, secrets={"api_key": "new"}))
    assert list(budgets.values_list("limit", flat=True)) == [500, 100, 10]


def test_register_when_the_client_id_is_set_up_already_then_it_is_refused() -> None:
    first = make_registration(keeper_of(make_team()))

    with pytest.raises(Refused) as refused:
        make_registration(keeper_of(make_team()), client_id=first.client_id)

    assert refused.value.code == "taken"
    assert ProviderApp.objects.filter(client_id=first.client_id).count() == 1


def test_register_when_cars_want_a_key_then_there_is_one_for_the_installation_and_its_private_half_is_sealed() -> None:
    first, second = (make_registration(keeper_of(make_team()), "tesla") for _ in range(2))
    ours = make_registration(INSTALLATION, "tesla")

    keys = {credential_of(app).secrets["signing_key"] for app in (first, second, ours)}
    assert len(keys) == 1
    assert keys.pop().startswith("-----BEGIN PRIVATE KEY-----")
    assert published_key("tesla") == ours.options["public_key"] == first.options["public_key"]
    assert ours.options["public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    assert "PRIVATE" not in everything_in("vehicles_providerapp") + everything_in("events_event")


def test_register_when_messages_are_signed_with_a_secret_of_ours_then_it_is_made_here() -> None:
    app = make_registration(keeper_of(make_team()), "enode")

    assert len(credential_of(app).secrets["webhook_secret"]) >= 32


def test_change_when_a_secret_is_left_empty_then_it_stays_and_the_last_test_is_over() -> None:
    owner = make_team()
    app = make_registration(keeper_of(owner), "volvo", client_secret=SECRET)
    ProviderApp.objects.filter(pk=app.pk).update(tested_at=app.created_at, test_result=[{"step": "api", "is_ok": True}])
    ApplicationToken.objects.create(app=app)

    change_app(keeper=keeper_of(owner), app=app, wanted=Wanted("Volvo", app.client_id, secrets={"api_key": KEY}))
    change_app(keeper=keeper_of(owner), app=app, wanted=Wanted("Volvo", app.client_id))

    app.refresh_from_db()
    credential = credential_of(app)
    assert (credential.client_secret, credential.secrets) == (SECRET, {"api_key": KEY})
    assert (app.tested_at, app.test_result, ApplicationToken.objects.filter(app=app).exists()) == (None, [], False)
    assert events_of(app)[1:] == [
        ("provider.changed", {"provider": "volvo", "name": "Volvo", "changed": [], "secrets": ["api_key"]})
    ]


def test_change_when_another_environment_is_chosen_then_the_addresses_go_with_it_and_come_back() -> None:
    keeper = keeper_of(make_team())
    made = Wanted("Enode", "enode-1", SECRET, options={"environment": "production"})
    app = register_app(keeper=keeper, provider="enode", wanted=made)
    before = credential_of(app).urls

    sandbox = {"api": "https://enode-api.sandbox.enode.io"}
    change_app(
        keeper=keeper, app=app, wanted=Wanted("Enode", "enode-1", options={"environment": "sandbox"}, urls=sandbox)
    )
    app.refresh_from_db()
    assert credential_of(app).urls == {**before, **sandbox}
    change_app(
        keeper=keeper,
        app=app,
        wanted=Wanted("Enode", "enode-1", options={"environment": "production"}, urls={"api": None}),
    )
    app.refresh_from_db()
    assert credential_of(app).urls == before


def test_change_when_logins_hang_on_the_client_id_then_it_is_refused_and_nothing_changes() -> None:
    keeper = keeper_of(make_team())
    app = make_registration(keeper)
    ProviderAccount.objects.create(app=app, brand="volvo", provider_user_id="1")

    with pytest.raises(Refused) as refused:
        change_app(keeper=keeper, app=app, wanted=Wanted("Other name", "another-id"))

    app.refresh_from_db()
    assert (refused.value.code, app.name) == ("in_use", "Simulator")


def test_remove_when_a_login_hangs_on_it_then_it_is_refused_and_otherwise_all_of_it_is_gone() -> None:
    keeper = keeper_of(make_team())
    used, unused = make_registration(keeper), make_registration(keeper, "volvo")
    ProviderAccount.objects.create(app=used, brand="volvo", provider_user_id="1")

    with pytest.raises(Refused) as refused:
        remove_app(keeper=keeper, app=used)
    remove_app(keeper=keeper, app=ProviderApp.objects.get(pk=unused.pk))

    assert refused.value.code == "in_use"
    assert list(ProviderApp.objects.values_list("id", flat=True)) == [used.id]
    assert not Budget.objects.exists()
    assert [kind for kind, _ in events_of(used)] == ["provider.registered"]
    assert [kind for kind, _ in events_of(unused)] == ["provider.registered", "provider.removed"]


def test_switch_when_it_is_off_already_then_nothing_is_told_again() -> None:
    keeper = keeper_of(make_team())
    app = make_registration(keeper)

    for is_on in (False, False, True):
        switch_app(keeper=keeper, app=app, is_on=is_on)

    app.refresh_from_db()
    kinds = [kind for kind, _ in events_of(app)][1:]
    assert (app.is_enabled, kinds) == (True, ["provider.switched_off", "provider.switched_on"])
    assert "canary" not in json.dumps([data for _, data in events_of(app)])
