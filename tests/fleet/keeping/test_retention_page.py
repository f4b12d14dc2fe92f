"""The page that says how long what is over is kept: less is asked twice, with what would go and who it is."""

import pytest
from django.test import Client

from fleet.events.models import Event
from fleet.teams.models import Membership, Team
from fleet.teams.roles import Role
from fleet.vehicles.models import VehicleLink
from tests.factories import make_member
from tests.fleet.keeping.conftest import Pass, finish
from tests.signing_in import sign_in

PATH = "/teams/keeping/"


def kept(owner: Membership) -> tuple[int | None, int | None]:
    team = Team.objects.get(pk=owner.team_id)
    return team.keep_history_days, team.keep_names_days


def test_page_when_less_is_kept_then_it_asks_first_and_says_what_goes(
    owner: Membership, link: VehicleLink, days_pass: Pass
) -> None:
    finish(link)
    finish(link)
    days_pass(50)
    browser = sign_in(Client(), owner)

    asked = browser.post(PATH, {"history_days": "45", "names_days": ""})
    before = kept(owner)
    done = browser.post(PATH, {"history_days": "45", "names_days": "", "confirm": "1"})

    assert (asked.status_code, before) == (200, (None, None))
    assert "2 commands" in asked.content.decode()
    assert (done.status_code, kept(owner)) == (302, (45, None))
    event = Event.objects.get(kind="team.retention_changed")
    assert (event.actor, event.data) == (owner.user.actor, {"history_days": 45, "names_days": None})


def test_page_when_less_is_kept_but_nobody_proved_who_it_is_then_nothing_changes(owner: Membership) -> None:
    browser = sign_in(Client(), owner, minutes_ago=20)

    asked = browser.post(PATH, {"history_days": "45"})
    refused = browser.post(PATH, {"history_days": "45", "confirm": "1", "password": "wrong"})

    assert 'name="password"' in asked.content.decode()
    assert (refused.status_code, kept(owner)) == (422, (None, None))


def test_page_when_more_is_kept_then_it_is_saved_at_once(owner: Membership) -> None:
    Team.objects.filter(pk=owner.team_id).update(keep_history_days=45, keep_names_days=90)
    browser = sign_in(Client(), owner, minutes_ago=20)

    answer = browser.post(PATH, {"history_days": "400", "names_days": ""})

    assert (answer.status_code, kept(owner)) == (302, (400, None))


@pytest.mark.parametrize("value", ["29", "-1", "0", "3651", "99999999999999999999", "1.5", "all", "৩০০", "1e3"])
def test_page_when_the_number_is_bad_then_422_at_the_field(owner: Membership, value: str) -> None:
    browser = sign_in(Client(), owner)

    answer = browser.post(PATH, {"history_days": value, "names_days": "31", "confirm": "1"})

    if value == "৩০০":  # digits of another script are digits
        assert (answer.status_code, kept(owner)) == (302, (300, 31))
        return
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["history_days"]
    assert kept(owner) == (None, None)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.OPERATOR, Role.VIEWER])
def test_page_when_the_role_may_not_then_403(owner: Membership, role: Role) -> None:
    browser = sign_in(Client(), make_member(owner.team, role))

    assert [browser.get(PATH).status_code, browser.post(PATH, {"history_days": "45"}).status_code] == [403, 403]
    assert kept(owner) == (None, None)
