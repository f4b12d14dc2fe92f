"""An owner has their data deleted: what is gone, what stays, whom it must not touch, and that it can be done again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from commands.models import Command
from commands.services import request_command
from connect.models import PortalKey, Recipient, ShareLink, Visit
from connect.portal_keys import ask_for_letters, mint_key
from fleet.adapters.commands import Lock
from fleet.events import personal
from fleet.events.models import Event, PersonalValue
from fleet.events.services import acting_as
from fleet.portal.forgetting import forget_owner
from fleet.teams.models import Membership
from fleet.vehicles.models import (
    Connection,
    Consent,
    Owner,
    ProviderAccount,
    ReadCount,
    Vehicle,
    VehicleLink,
    VehicleSignal,
)
from tests.factories import join_simulated_car, make_share_link, make_team, make_visit
from tests.fleet.portal.conftest import EMAIL, Browser
from tests.infrastructure.simulator import Simulator

Forget = Callable[[], Any]


@pytest.fixture
def full(link: VehicleLink, owner: Owner, manager: Membership) -> VehicleLink:
    """A car with something of everything that an owner leaves behind."""
    Vehicle.objects.filter(pk=link.vehicle_id).update(name="Olga’s blue one")
    Owner.objects.filter(pk=owner.pk).update(
        private_hours=[{"days": [1], "from": "18:00", "until": "06:00"}], private_time_zone="Europe/Berlin"
    )
    link.vehicle.refresh_from_db()
    request_command(vehicle=link.vehicle, membership=manager, order=Lock())
    share_link, _ = make_share_link(manager)
    Recipient.objects.create(team_id=owner.team_id, link=share_link, name="Olga Owner", email=EMAIL.upper())
    ShareLink.objects.create(
        team_id=owner.team_id,
        secret_hash="x",
        label="For one car",
        scopes_needed=["read_vin"],
        vin=link.vehicle.vin,
        expires_at=timezone.now() + timedelta(days=1),
    )
    visit = make_visit(manager, link.connection.account.app)
    Visit.objects.filter(pk=visit.pk).update(
        step="done", owner=owner, connection=link.connection, finished_at=timezone.now(), verifier_sealed=None
    )
    with acting_as("system:test"):
        personal.keep(EMAIL, team_id=owner.team_id)
        personal.keep("somebody@else.example", team_id=owner.team_id)
    mint_key(owner)
    ask_for_letters(EMAIL)
    return link


def everything_kept() -> str:
    """All that the database holds of the product's own models, as text; the log among it."""
    ours = {"connect", "vehicles", "events", "commands", "jobs", "alerts", "notifications", "keeping"}
    rows = [
        str(sorted((key, str(value)) for key, value in row.items()))
        for model in apps.get_models()
        if model._meta.app_label in ours
        for row in model._default_manager.values()
    ]
    return "\n".join(rows)


def test_forget_when_asked_then_nothing_names_the_owner_or_the_car_any_more(
    full: VehicleLink, owner: Owner, pages: Browser
) -> None:
    maker_id = full.connection.account.provider_user_id
    told = [EMAIL, "Olga", full.vehicle.vin, "HC-AR 1", full.provider_vehicle_id, maker_id]
    before = everything_kept()
    assert [name for name in told if name not in before] == []
    question = pages.get("forget")

    answer = pages.post("forget")
    after = pages.get("forgotten")

    assert question.status_code == 200
    assert (answer.status_code, answer["Location"], after.status_code) == (302, "/my/forgotten/", 200)
    kept = everything_kept()
    assert [name for name in told if name.lower() in kept.lower()] == []
    assert pages.get("home").status_code == 404


def test_forget_when_asked_then_this_is_what_becomes_of_each_row(
    full: VehicleLink, owner: Owner, manager: Membership
) -> None:
    assert forget_owner(owner, actor=f"owner:{owner.id}") is True

    owner.refresh_from_db()
    vehicle = Vehicle.objects.get()
    assert (owner.name, owner.email, owner.language, owner.private_hours) == ("", "", "", [])
    assert owner.forgotten_at is not None
    assert (vehicle.vin, vehicle.plate, vehicle.name, vehicle.make) == ("", "", "", "Volkswagen")
    assert vehicle.removed_at is not None
    assert not Consent.objects.filter(withdrawn_at__isnull=True).exists()
    assert Connection.objects.get().status == "ended"
    assert not [model for model in (VehicleSignal, ReadCount, Visit) if model.objects.exists()]
    assert set(PortalKey.objects.values_list("secret_hash", "send_at")) == {(None, None)}
    recipient = Recipient.objects.get()
    assert (recipient.name, recipient.email, recipient.revoked_at is None) == ("", "", False)
    one_car = ShareLink.objects.get(label="For one car")
    assert (one_car.vin, one_car.revoked_at is None) == ("", False)
    # What was done stays provable, by ids.
    command = Command.objects.get()
    assert (command.state, command.error_code) == ("refused", "consent_changed")
    assert list(PersonalValue.objects.values_list("value", flat=True)) == ["somebody@else.example"]
    kinds = set(Event.objects.filter(actor=f"owner:{owner.id}").values_list("kind", flat=True))
    assert kinds >= {"owner.forgotten", "vehicle.removed", "link.ended", "personal.shredded"}


def test_forget_when_asked_twice_then_it_is_done_once(full: VehicleLink, owner: Owner) -> None:
    actor = f"owner:{owner.id}"

    done = [forget_owner(owner, actor=actor), forget_owner(owner, actor=actor)]

    assert done == [True, False]
    assert Event.objects.filter(kind="owner.forgotten").count() == 1
    assert Event.objects.filter(kind="vehicle.removed").count() == 1


def test_forget_when_another_owner_shares_the_same_car_then_it_stays_with_the_team(
    full: VehicleLink, owner: Owner, manager: Membership, simulator: Simulator
) -> None:
    other = join_simulated_car(manager, simulator, learn=False)
    Vehicle.objects.filter(pk=other.vehicle_id).update(removed_at=timezone.now())
    VehicleLink.objects.filter(pk=other.pk).update(vehicle=full.vehicle_id)

    forget_owner(owner, actor=f"owner:{owner.id}")

    vehicle = Vehicle.objects.get(pk=full.vehicle_id)
    assert (vehicle.vin, vehicle.plate, vehicle.removed_at) == (full.vehicle.vin, "HC-AR 1", None)
    assert VehicleLink.objects.get(pk=other.pk).ended_at is None
    assert VehicleLink.objects.get(pk=full.pk).ended_at is not None


def test_forget_when_the_login_serves_another_team_then_that_goes_on(full: VehicleLink, owner: Owner) -> None:
    other = make_team("Another Fleet")
    account = full.connection.account
    twin = Owner.objects.create(team=other.team, name="Olga Owner", email=EMAIL)
    Connection.objects.create(team=other.team, account=account, owner=twin, scopes_granted=["read_battery"])
    with acting_as("system:test"):
        personal.keep(EMAIL, team_id=other.team_id)

    forget_owner(owner, actor=f"owner:{owner.id}")

    assert ProviderAccount.objects.get().provider_user_id == account.provider_user_id
    assert Connection.objects.get(team=other.team).status == "active"
    twin.refresh_from_db()
    assert (twin.email, twin.forgotten_at) == (EMAIL, None)
    assert PersonalValue.objects.filter(team_id=other.team_id, value=EMAIL).count() == 1


def test_forget_when_nothing_is_shared_any_more_then_the_rest_goes_too(
    full: VehicleLink, owner: Owner, pages: Browser
) -> None:
    pages.post("stop")

    pages.post("forget")

    vehicle = Vehicle.objects.get()
    assert (vehicle.vin, vehicle.plate, vehicle.name) == ("", "", "")
    assert Owner.objects.get().forgotten_at is not None
