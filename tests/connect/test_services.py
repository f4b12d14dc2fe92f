"""Share links as verbs, and the rules that the database keeps for them and for visits."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from connect.models import ShareLink, Visit
from connect.scopes import TEXT_VERSION
from connect.services import create_share_link
from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.vehicles.models import Consent, ProviderApp
from tests.connect.conftest import OwnerBrowser, make_link, make_member, yes
from tests.infrastructure.simulator import Simulator


def test_create_share_link_when_scope_is_unknown_makes_nothing(manager: Membership) -> None:
    with pytest.raises(ValueError, match="unknown scopes"):
        make_link(manager, needed=["read_minds"])

    assert not ShareLink.objects.exists()


def test_create_share_link_when_made_tells_the_log_without_the_secret(manager: Membership) -> None:
    _link, secret = make_link(manager)

    event = Event.objects.get(kind="share_link.created")
    assert event.actor == manager.user.actor
    assert secret not in json.dumps(event.data)


def test_create_share_link_when_needed_is_optional_too_keeps_it_needed(manager: Membership) -> None:
    link, _ = create_share_link(
        team=manager.team,
        created_by=manager.user,
        label="x",
        scopes_needed=["read_battery"],
        scopes_optional=["read_battery", "read_vin", "control_charge"],
        expires_at=timezone.now() + timedelta(days=1),
    )

    assert (link.scopes_needed, link.scopes_optional) == (["read_battery", "read_vin"], ["control_charge"])


def test_visit_when_it_names_another_teams_link_is_refused_by_the_database(
    manager: Membership, provider: ProviderApp
) -> None:
    owner = OwnerBrowser(make_link(manager)[1])
    owner.go()
    foreign, _ = make_link(make_member("other"))

    Visit.objects.update(link=foreign)

    with pytest.raises(IntegrityError, match="same_team"):
        connection.check_constraints()


def test_visit_when_ended_with_secrets_is_refused_by_the_database(manager: Membership, provider: ProviderApp) -> None:
    OwnerBrowser(make_link(manager)[1]).go()

    with pytest.raises(IntegrityError, match="visit_end_has_no_secrets"), transaction.atomic():
        Visit.objects.update(step="failed", finished_at=timezone.now())


def test_share_link_when_used_beyond_its_limit_is_refused_by_the_database(manager: Membership) -> None:
    make_link(manager, max_uses=1)

    with pytest.raises(IntegrityError, match="share_link_not_overused"), transaction.atomic():
        ShareLink.objects.update(uses=2)


def test_consents_when_given_carry_the_version_of_the_text(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    yes(OwnerBrowser(make_link(manager)[1]).sign_in(account), account.cars[0]["id"])

    assert set(Consent.objects.values_list("text_version", flat=True)) == {TEXT_VERSION}
