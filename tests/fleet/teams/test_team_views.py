"""Settings of a team, another team, and the way from one to the other."""

import pytest
from django.test import Client

from fleet.events.models import Event
from fleet.teams.models import Membership, Team
from fleet.teams.roles import Role
from fleet.teams.services import add_member
from fleet.teams.units import FAHRENHEIT, MILES, Units, units_of
from tests.factories import make_member, make_team
from tests.fleet.teams.factors import give_app, with_session
from tests.signing_in import sign_in

METRIC = {"distance_unit": "km", "temperature_unit": "c"}
GOOD = {"name": "Nordlicht", "time_zone": "Europe/Vienna", "language": "de", **METRIC}


@pytest.fixture
def owner(db: None) -> Membership:
    return make_team("Hafen")


def browser_of(member: Membership) -> Client:
    return sign_in(Client(), member)


def test_settings_when_changed_then_they_hold_and_the_log_names_what_differs(owner: Membership) -> None:
    answer = browser_of(owner).post("/teams/settings/", GOOD)

    team = Team.objects.get(pk=owner.team_id)
    assert (answer.status_code, answer["Location"]) == (302, "/teams/settings/")
    assert (team.name, team.time_zone, team.language) == ("Nordlicht", "Europe/Vienna", "de")
    assert (team.distance_unit, team.temperature_unit, team.requires_second_factor) == ("km", "c", False)
    event = Event.objects.get(kind="team.changed")
    assert (event.actor, event.data) == (owner.user.actor, {"changed": ["language", "name", "time_zone"]})


def test_settings_when_nothing_differs_then_nothing_is_recorded(owner: Membership) -> None:
    answer = browser_of(owner).post("/teams/settings/", {"name": "Hafen", **METRIC})

    assert answer.status_code == 302
    assert not Event.objects.filter(kind="team.changed").exists()


def test_settings_when_the_country_and_sharing_are_chosen_then_they_hold(owner: Membership) -> None:
    browser = browser_of(owner)

    browser.post("/teams/settings/", {"name": "Hafen", **METRIC, "country": "AT", "shares_measurements": "on"})
    chosen = Team.objects.values_list("country", "shares_measurements").get(pk=owner.team_id)
    browser.post("/teams/settings/", {"name": "Hafen", **METRIC, "country": "AT"})

    assert chosen == ("AT", True)
    assert Team.objects.get(pk=owner.team_id).shares_measurements is False
    changes = Event.objects.filter(kind="team.changed").order_by("id").values_list("data", flat=True)
    assert list(changes) == [{"changed": ["country", "shares_measurements"]}, {"changed": ["shares_measurements"]}]


def test_settings_when_the_units_change_then_pages_speak_in_them(owner: Membership) -> None:
    browser = browser_of(owner)

    browser.post("/teams/settings/", {"name": "Hafen", "distance_unit": "mi", "temperature_unit": "f"})

    team = Team.objects.get(pk=owner.team_id)
    assert units_of(team) == Units(MILES, FAHRENHEIT)
    assert Event.objects.get(kind="team.changed").data == {"changed": ["distance_unit", "temperature_unit"]}
    assert "Radius, mi" in browser.get("/rules/new/?kind=area").content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("name", "Ha\u202efen"),
        ("time_zone", "Europe/Atlantis"),
        ("time_zone", "../../etc/passwd"),
        ("language", "xx"),
        ("country", "XX"),
        ("distance_unit", "leagues"),
        ("temperature_unit", ""),
    ],
)
def test_settings_when_a_value_is_bad_then_422_at_the_field_and_nothing_changes(
    owner: Membership, field: str, value: str
) -> None:
    answer = browser_of(owner).post("/teams/settings/", GOOD | {field: value})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert Team.objects.get(pk=owner.team_id).name == "Hafen"


def test_second_factor_when_the_asker_has_none_then_the_team_does_not_ask_for_it(owner: Membership) -> None:
    answer = browser_of(owner).post("/teams/settings/", GOOD | {"requires_second_factor": "on"})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["requires_second_factor"]
    team = Team.objects.get(pk=owner.team_id)
    assert (team.requires_second_factor, team.name) == (False, "Hafen")


def test_second_factor_when_the_asker_gave_one_then_the_team_asks_for_it_from_then_on(owner: Membership) -> None:
    factor = give_app(owner.user)
    browser = with_session(Client(), owner.user, {"method": "password"}, {"method": "mfa", "id": factor.id})

    answer = browser.post("/teams/settings/", GOOD | {"requires_second_factor": "on"})

    assert answer.status_code == 302
    assert Event.objects.get(kind="team.changed").data["requires_second_factor"] is True
    assert browser.get("/vehicles/").status_code == 200
    assert browser_of(owner).get("/vehicles/").status_code == 302


@pytest.mark.parametrize("role", [Role.MANAGER, Role.OPERATOR, Role.DRIVER, Role.VIEWER])
def test_settings_when_the_role_may_not_then_403(owner: Membership, role: Role) -> None:
    browser = browser_of(make_member(owner.team, role))

    answers = [browser.get("/teams/settings/"), browser.post("/teams/settings/", GOOD)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert Team.objects.get(pk=owner.team_id).name == "Hafen"


def test_new_team_when_made_then_its_maker_owns_it_and_works_in_it(owner: Membership) -> None:
    browser = browser_of(owner)

    answer = browser.post("/teams/new/", {"name": "Werft"})

    made = Membership.objects.get(user=owner.user, team__name="Werft")
    assert (answer.status_code, made.role) == (302, "owner")
    assert browser.get("/vehicles/").context["team"] == made.team


def test_team_when_another_is_chosen_then_pages_are_of_that_one_and_lead_back(owner: Membership) -> None:
    second = make_team("Werft")
    add_member(team=second.team, user=owner.user, role=Role.VIEWER, actor="system:test")
    browser = browser_of(owner)

    answer = browser.post(f"/teams/{second.team_id}/choose/")

    page = browser.get("/vehicles/")
    assert (answer.status_code, page.context["team"], page.context["membership"].role) == (302, second.team, "viewer")
    assert page.context["other_teams"] == [owner.team]
    assert f'action="/teams/{owner.team_id}/choose/"' in page.content.decode()


def test_team_when_it_is_foreign_then_it_cannot_be_chosen(owner: Membership) -> None:
    browser = browser_of(owner)
    foreign = make_team("Secretive Cargo")

    answer = browser.post(f"/teams/{foreign.team_id}/choose/")

    assert answer.status_code == 404
    assert browser.get("/vehicles/").context["team"] == owner.team
