"""Rights that end while a command waits or is being prepared: it is refused with the reason, and nothing is sent."""

import pytest
from django.utils import timezone

from commands.services import NotAllowed, NotSupported
from fleet.adapters.commands import SetChargeLimit, Unlock
from fleet.teams.roles import Role
from fleet.teams.services import change_role, remove_member
from fleet.vehicles.consent import withdraw_consent
from fleet.vehicles.models import Connection
from fleet.vehicles.services import end_link, remove_vehicle
from tests.commands.rig import carry, carrying, known, press, wait_for
from tests.factories import make_member

SYSTEM = "system:test"
WHAT_ENDS = {
    "role changed": "rights_changed",
    "member removed": "rights_changed",
    "consent withdrawn": "consent_changed",
    "link ended": "consent_changed",
    "vehicle removed": "consent_changed",
    "share ran out": "consent_changed",
}


def end_right(what, link, member):
    match what:
        case "role changed":
            change_role(membership=member, role=Role.VIEWER, actor=SYSTEM)
        case "member removed":
            remove_member(membership=member, actor=SYSTEM)
        case "consent withdrawn":
            withdraw_consent(link=link, scope="control_security", actor=SYSTEM)
        case "link ended":
            end_link(link=link, actor=SYSTEM)
        case "vehicle removed":
            remove_vehicle(vehicle=link.vehicle, actor=SYSTEM)
        case "share ran out":
            Connection.objects.update(ends_at=timezone.now())


@pytest.fixture
def member(link):
    return make_member(link.team, Role.OPERATOR)


@pytest.mark.parametrize(("what", "reason"), WHAT_ENDS.items())
def test_unlock_when_a_right_ends_while_it_waits_then_it_is_refused_with_the_reason(link, car, member, what, reason):
    command = press(link, Unlock(), by=member)

    end_right(what, link, member)
    carry()

    assert known(command) == ("refused", "", reason, "")
    assert (car.requests(), command.attempts) == ([], 0)


@pytest.mark.parametrize(("what", "reason"), WHAT_ENDS.items())
def test_unlock_when_a_right_ends_while_the_car_is_woken_then_it_is_refused_with_the_reason(
    link, car, member, what, reason
):
    car.set(online="asleep")
    car.behave(wake_s=1.0)
    command = press(link, Unlock(), by=member)

    with carrying():
        wait_for(command, "claimed", waking=True)
        end_right(what, link, member)

    assert known(command) == ("refused", "", reason, "")
    assert (car.wakes(), car.requests()) == (1, [])


def test_unlock_when_another_member_changes_role_then_it_is_sent(link, car, member):
    command = press(link, Unlock())

    change_role(membership=member, role=Role.VIEWER, actor=SYSTEM)
    carry()

    assert known(command)[0] == "confirmed"


def test_request_when_the_role_is_too_small_then_nothing_is_written(link, member):
    change_role(membership=member, role=Role.VIEWER, actor=SYSTEM)

    with pytest.raises(NotAllowed, match="role"):
        press(link, Unlock(), by=member)

    assert not link.vehicle.command_set.exists()


def test_request_when_the_member_was_removed_but_a_stale_page_still_holds_the_membership_then_it_is_not_sent(
    link, car, member
):
    stale = type(member).objects.select_related("authority", "user", "team").get(pk=member.pk)
    remove_member(membership=member, actor=SYSTEM)

    command = press(link, Unlock(), by=stale)
    carry()

    assert known(command) == ("refused", "", "rights_changed", "")
    assert car.requests() == []


def test_request_when_the_owner_did_not_allow_it_then_nothing_is_written(link):
    withdraw_consent(link=link, scope="control_charge", actor=SYSTEM)

    with pytest.raises(NotAllowed, match="no_consent"):
        press(link, SetChargeLimit(80))

    assert not link.vehicle.command_set.exists()


def test_request_when_the_connection_has_ended_then_nothing_is_written(link):
    end_link(link=link, actor=SYSTEM)

    with pytest.raises(NotSupported, match="connection_ended"):
        press(link, Unlock())

    assert not link.vehicle.command_set.exists()
