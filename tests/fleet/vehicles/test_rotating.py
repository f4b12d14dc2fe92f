"""A new key in front of the ring: everything that lasts moves to it, and then the old one can go."""

import base64
from typing import Any

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from fleet.vehicles.models import ProviderAccount, ProviderApp
from fleet.vehicles.providers import credential_of
from fleet.vehicles.rotating import rotate
from fleet.vehicles.sealing import CannotUnseal
from fleet.vehicles.tokens import get_access_token, read_access_token
from tests.factories import join_simulated_car, make_team
from tests.fleet.teams.factors import SECRET, give_app
from tests.infrastructure.simulator import Simulator

pytestmark = pytest.mark.django_db
NEW = "k-new:" + base64.b64encode(b"n" * 32).decode()


def test_keys_when_rotated_then_the_old_one_can_go_and_a_second_run_does_nothing(
    simulator: Simulator, settings: Any, capsys: Any
) -> None:
    team = make_team()
    account = join_simulated_car(team, simulator, learn=False).connection.account
    get_access_token(account.id, refused_version=1)  # so that there is a previous token, too
    factor = give_app(team.user)
    old = settings.KEY_RING
    settings.KEY_RING = f"{NEW},{old}"

    call_command("rotate_keys")
    again = rotate()

    settings.KEY_RING = NEW
    account = ProviderAccount.objects.get(pk=account.pk)
    assert capsys.readouterr().out == "5 values sealed anew, 0 were already.\n"
    assert (again.fresh, again.closed) == (4, ())
    assert read_access_token(account)
    assert get_access_token(account.id, refused_version=2)
    assert credential_of(ProviderApp.objects.get()).client_secret
    assert get_adapter().decrypt(Authenticator.objects.get(pk=factor.pk).data["secret"]) == SECRET
    settings.KEY_RING = old
    with pytest.raises(CannotUnseal):
        read_access_token(ProviderAccount.objects.get(pk=account.pk))


def test_keys_when_something_opens_with_none_then_it_is_left_as_it_is_and_named(
    simulator: Simulator, settings: Any
) -> None:
    account = join_simulated_car(make_team(), simulator, learn=False).connection.account
    ProviderAccount.objects.update(access_token_sealed=b"k-lost:rubbish")
    settings.KEY_RING = f"{NEW},{settings.KEY_RING}"

    with pytest.raises(CommandError, match=f"ProviderAccount {account.id}"):
        call_command("rotate_keys")

    assert bytes(ProviderAccount.objects.get().access_token_sealed) == b"k-lost:rubbish"
