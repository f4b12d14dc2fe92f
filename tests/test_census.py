"""Two censuses that grow by themselves: no route shows another team's objects, no row points into another team.

A new route or model is covered the day it is written; what the census cannot judge makes it fail and ask.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from commands.jobs.services import create_job
from commands.rules.services import add_rule
from commands.rules.values import Area
from commands.services import request_command
from compatibility.my_fleet import kinds_of
from connect.models import Recipient, ReturnAddress
from fleet.adapters.commands import FlashLights, Unlock
from fleet.events.models import Event
from fleet.members.invitations import invite_by_link
from fleet.teams.custom_roles import save_role
from fleet.teams.grants import Grant
from fleet.teams.models import Membership
from fleet.teams.roles import Permission, Rights, Role
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.groups import save_group
from fleet.vehicles.saved_filters import save_filter
from tests.commands.alerts.rows import make_alert
from tests.commands.programs.scheduling import make_schedule, make_timed
from tests.factories import PASSWORD, join_simulated_car, make_member, make_share_link, make_team, make_visit
from tests.fleet.budgets.rows import make_budget_of
from tests.fleet.notifications.rows import fill_bell
from tests.fleet.registrations.rows import keeper_of, make_registration
from tests.fleet.sign_on.rows import make_open_domain
from tests.infrastructure.simulator import Simulator

# Routes that belong to nobody's team: signing in and up, one's own account, the installation, health, language, what is
# said of cars in general, and the owner's flow, which goes by a secret of its own or by the browser's session.
# Everything else is a team's.
PUBLIC = re.compile(
    r"^(home|healthz|set_language|(account|mfa|usersessions|sign_on)_\w+|connect:(start|brand|go|refuse|wish|callback|out|logo|look_css)"
    r"|installation(_providers)?:\w+|tesla_public_key|members:(join|open|switch)|portal:(open|again|forgotten|leave)"
    r"|compatibility:(matrix|car|compare|vin|ask|export|changes|changes_feed|provider|sources)"
    r"|api:(compatibility|compatibility_answer|compatibility_ask|problem|not_found))$"
)
# Reached by the browser session that began the visit, by nobody else, signed in or not.
BY_BROWSER = re.compile(r"^connect:(wait|review|decline|done|check|portal_link|letter)$")
# An owner's own pages, reached by the browser that came in by their key; to anybody else they do not exist.
BY_OWNER = re.compile(r"^portal:(home|log|hours|export|forget|stop|stop_car|scope|revoke_links)$")
# Team pages without an object in the address: they show the asker's own team.
OWN_TEAM = {"vehicles:list", "commands:list", "connect:links", "live:stream"}
OWN_TEAM |= {"connect:returns"} | {f"connect:{name}" for name in ("new_link", "preview", "look")}
OWN_TEAM |= {"connect:connections", "connect:ask_several"}
OWN_TEAM |= {"alerts:list", "alerts:count"}
OWN_TEAM |= {"budgets:list", "budgets:notices"}
OWN_TEAM |= {"rules:list", "rules:new", "rules:say", "rules:check_first"}
OWN_TEAM |= {"vehicles:keep_filter", "jobs:list", "jobs:running", "jobs:new", "jobs:draft"}
OWN_TEAM |= {"programs:list", "programs:new"}
OWN_TEAM |= {"teams:settings", "teams:new"}
# A person's own acts: no role in any team is asked for.
OF_ANYBODY = {"teams:choose", "teams:new"}
OF_ANYBODY |= {f"notifications:{name}" for name in ("open", "read", "read_all", "settings")}
OWN_TEAM |= {f"notifications:{name}" for name in ("list", "bell", "read_all", "settings")}
OWN_TEAM |= {f"members:{name}" for name in ("list", "invite", "roles", "new_role", "groups", "new_group", "no_team")}
OWN_TEAM |= {"audit:list", "audit:export"}
OWN_TEAM |= {"keeping:retention", "keeping:close", "keeping:reopen"}
OWN_TEAM |= {"sign_on:domains"}
OWN_TEAM |= {"compatibility:my_cars"}
OWN_TEAM |= {"registrations:list", "registrations:new"}


@dataclass(frozen=True)
class Route:
    name: str
    pattern: str
    parameters: frozenset[str]


def routes() -> list[Route]:
    return sorted(_walk(get_resolver().url_patterns, "", ""), key=lambda route: route.name)


def _walk(patterns: list[Any], prefix: str, namespace: str) -> Iterator[Route]:
    for item in patterns:
        path = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            inner = f"{namespace}{item.namespace}:" if item.namespace else namespace
            yield from _walk(item.url_patterns, path, inner)
        elif isinstance(item, URLPattern):
            parameters = frozenset(item.pattern.converters) | frozenset(item.pattern.regex.groupindex)
            yield Route(f"{namespace}{item.name or path}", path, parameters)


@dataclass(frozen=True)
class Objects:
    """One of everything that a team can have, by the name its address uses."""

    membership: Membership
    ids: dict[str, str]
    secrets: tuple[str, ...]


@pytest.fixture
def foreign(committed_db: Any, simulator: Simulator) -> Objects:
    membership = make_team("Secretive Cargo")
    link = join_simulated_car(membership, simulator, license_plate="SC-RET 1")
    command = request_command(vehicle=link.vehicle, membership=membership, order=Unlock())
    job = create_job(membership=membership, cars=VehicleFilter(), order=FlashLights())
    saved = save_filter(membership=membership, name="Secretive filter", cars=VehicleFilter(text="SC-RET"))
    share_link, _ = make_share_link(membership)
    visit = make_visit(membership, link.connection.account.app)
    yard = Area(52.52, 13.405, radius_km=2, is_inside=True, name="SC-RET yard")
    rule = add_rule(membership=membership, kind="area", commands=["lock"], values=yard, blocks_unknown=True)
    role = save_role(membership=membership, name="SC-RET role", rights=Rights(frozenset({Permission.VIEW})))
    group = save_group(membership=membership, name="SC-RET group", vehicle_ids=[link.vehicle_id])
    invitation, _ = invite_by_link(membership=membership, grant=Grant(Role.VIEWER))
    ids = {
        "team_id": str(membership.team_id),
        "membership_id": str(membership.id),
        "invitation_id": str(invitation.id),
        "role_id": str(role.id),
        "group_id": str(group.id),
        "domain_id": str(make_open_domain(membership).id),
        "registration_id": str(make_registration(keeper_of(membership), name="SC-RET provider").id),
        "provider": "simulator",
        "vehicle_id": str(link.vehicle_id),
        "command_id": str(command.id),
        "job_id": str(job.id),
        "filter_id": str(saved.id),
        "link_id": str(share_link.id),
        "connection_id": str(link.connection_id),
        "car_id": str(link.id),
        "scope": "read_location",
        "visit_id": str(visit.id),
        "recipient_id": str(Recipient.objects.create(team=membership.team, link=share_link, name="SC-RET owner").id),
        "return_id": str(ReturnAddress.objects.create(team=membership.team, url="https://sc-ret.example/").id),
        "rule_id": str(rule.id),
        "budget_id": str(make_budget_of(membership).id),
        "alert_id": str(make_alert(link).id),
        "schedule_id": str(make_schedule(membership, name="SC-RET morning").id),
        "timed_id": str(make_timed(link, membership).id),
        "kind": "unlock",
        "kind_key": kinds_of(membership, timezone.now())[0].key,
        "notice_id": str(fill_bell(membership)[0].id),
    }
    return Objects(
        membership,
        ids,
        (
            "Secretive Cargo",
            "SC-RET 1",
            "SC-RET yard",
            "SC-RET morning",
            "SC-RET role",
            "SC-RET group",
            "SC-RET provider",
            link.vehicle.vin,
        ),
    )


@pytest.fixture
def outsider(foreign: Objects) -> Client:
    return signed_in(make_team("Another Fleet"))


def signed_in(membership: Membership) -> Client:
    client = Client(raise_request_exception=False)
    assert client.login(email=membership.user.email, password=PASSWORD)
    return client


def address(route: Route, ids: dict[str, str]) -> str:
    missing = route.parameters - ids.keys()
    assert not missing, f"{route.name} takes {missing}: give the census an object for it"
    filled = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: ids[match.group(1)], route.pattern)
    return "/" + filled.replace("^", "").replace("$", "").replace("\\Z", "")


def plain(answer: HttpResponse, url: str) -> str:
    """What an answer shows, without the CSRF token and its own address."""
    return re.sub(r"[A-Za-z0-9]{64}", "TOKEN", answer.content.decode()).replace(url, "ADDRESS")


def team_routes() -> list[Route]:
    return [route for route in routes() if not PUBLIC.match(route.name)]


def _is_by_session(route: Route) -> bool:
    """Whether a route goes by what a browser holds, not by who is signed in."""
    return bool(BY_BROWSER.match(route.name) or BY_OWNER.match(route.name))


def object_routes() -> list[Route]:
    return [route for route in team_routes() if route.name not in OWN_TEAM]


def test_census_when_asked_without_signing_in_then_every_team_page_asks_to_sign_in(foreign: Objects) -> None:
    client = Client()

    answers = {
        route.name: (client.get(address(route, foreign.ids)), client.post(address(route, foreign.ids)))
        for route in team_routes()
        if not _is_by_session(route)
    }

    for name, (got, posted) in answers.items():
        if name == "live:stream":
            assert got.status_code == 204
            continue
        assert {got.status_code, posted.status_code} <= {302, 403, 405}, name
        for answer in (got, posted):
            assert answer.status_code != 302 or answer.url.startswith("/accounts/login/"), name
    assert {302} <= {got.status_code for got, _ in answers.values()}


def test_census_when_an_outsider_asks_then_every_foreign_object_is_absent(foreign: Objects, outsider: Client) -> None:
    before = Event.objects.count()

    for route in object_routes():
        url = address(route, foreign.ids)
        unknown = address(route, {**{name: str(uuid.uuid4()) for name in foreign.ids}, "kind": "unlock", "scope": "x"})
        for ask in (outsider.get, outsider.post):
            answer, absent = ask(url), ask(unknown)
            assert answer.status_code in {404, 405}, (route.name, answer.status_code)
            # Foreign and absent look alike, but for what is drawn anew and the address that was asked for.
            assert (answer.status_code, plain(answer, url)) == (absent.status_code, plain(absent, unknown)), route.name
    assert Event.objects.count() == before


def test_census_when_an_outsider_looks_around_then_nothing_of_the_other_team_shows(
    foreign: Objects, outsider: Client
) -> None:
    for route in [route for route in team_routes() if route.name in OWN_TEAM - {"live:stream"}]:
        for query in ("", f"?vehicle={foreign.ids['vehicle_id']}", "?q=SC-RET", "?page=2", "?cursor=x"):
            answer = outsider.get(address(route, foreign.ids) + query)

            assert not [secret for secret in foreign.secrets if secret in answer.content.decode()], route.name
    assert outsider.get(f"/live/?vehicle={foreign.ids['vehicle_id']}").status_code == 204


def test_census_when_a_viewer_posts_then_nothing_happens(foreign: Objects) -> None:
    client = signed_in(make_member(foreign.membership.team, Role.VIEWER))
    before = Event.objects.count()

    statuses = {
        route.name: client.post(address(route, foreign.ids)).status_code
        for route in team_routes()
        if not _is_by_session(route) and route.name not in OF_ANYBODY
    }

    assert {name: status for name, status in statuses.items() if status not in {403, 405}} == {}
    assert Event.objects.count() == before


def test_census_when_a_post_has_no_csrf_token_then_it_is_refused(foreign: Objects) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(foreign.membership.user)

    statuses = {
        route.name: client.post(address(route, foreign.ids)).status_code
        for route in team_routes()
        if not _is_by_session(route)
    }

    assert {name: status for name, status in statuses.items() if status not in {403, 405}} == {}


# --- Objects ---------------------------------------------------------------------------------------------------------


def team_models() -> list[type[models.Model]]:
    """Every model whose rows belong to exactly one team."""
    return [
        model
        for model in apps.get_models()
        if any(field.name == "team" and not field.null for field in model._meta.concrete_fields)
    ]


def pointers() -> list[tuple[str, str, str]]:
    """(table, column, target table) of every foreign key from one team's row to another team's row."""
    tables = {model._meta.db_table for model in team_models()}
    return sorted(
        (model._meta.db_table, str(field.column), field.related_model._meta.db_table)
        for model in team_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.related_model._meta.db_table in tables
    )


@pytest.mark.django_db
def test_census_of_objects_when_a_row_points_at_another_then_the_database_holds_them_in_one_team() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conrelid::regclass::text, confrelid::regclass::text, (
                SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY(conkey))
            FROM pg_constraint WHERE contype = 'f' AND cardinality(conkey) = 2
            """
        )
        held = {
            (table, column, target)
            for table, target, columns in cursor.fetchall()
            if "team_id" in columns
            for column in columns
            if column != "team_id"
        }

    assert pointers()
    assert [pointer for pointer in pointers() if pointer not in held] == []


def test_census_of_objects_when_a_model_is_new_then_it_belongs_to_a_team_or_is_named_here() -> None:
    # Installation-wide on purpose: people, teams, the log (by key), logins at makers and their brands, physical cars,
    # what applications may ask of makers and have used of it,
    # signs of life, wrong guesses at link secrets.
    nobodys = {
        "teams.installation",
        "teams.user",
        "teams.team",
        "events.event",
        "events.seal",
        "events.anchor",
        "events.personalvalue",
        "vehicles.applicationtoken",
        "vehicles.carsession",
        "vehicles.providerapp",
        "vehicles.provideraccount",
        "vehicles.lane",
        "budgets.budget",
        "budgets.budgetuse",
        "budgets.wake",
        "commands.dispatcher",
        "live.heartbeat",
        "keeping.grantending",
        "connect.brandlist",
        "connect.linkmiss",
        # A person's own, from all their teams: asked for by who they are, and by what they may see of the team now.
        "notifications.notice",
        "notifications.line",
        "notifications.letter",
        "notifications.preferences",
        "notifications.knownbrowser",
        "notifications.reader",
        "notifications.postoffice",
    }
    ours = {
        "teams",
        "events",
        "vehicles",
        "budgets",
        "commands",
        "rules",
        "jobs",
        "programs",
        "alerts",
        "connect",
        "live",
        "members",
        "sign_on",
        "audit",
        "keeping",
        "notifications",
    }

    teamless = {
        model._meta.label_lower
        for model in apps.get_models()
        if model._meta.app_label in ours and model not in team_models()
    }

    assert teamless == nobodys


def test_census_when_routes_are_listed_then_it_sees_them() -> None:
    names = {route.name for route in routes()}

    assert {"vehicles:detail", "commands:press", "commands:cancel", "connect:links", "live:stream"} <= names
