"""The page of the trail: who may read it, whose names it shows, what filters leave, and how many queries it takes."""

from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.audit.access import events_of
from fleet.audit.entries import PAGE_SIZE
from fleet.audit.filters import AuditFilter
from fleet.audit.people import MOST_FOUND, find_people
from fleet.events import personal
from fleet.events.models import Event
from fleet.teams.grants import Grant
from fleet.teams.models import Membership, User
from fleet.teams.roles import Role
from fleet.teams.services import add_member, remove_member
from fleet.vehicles.models import Owner
from tests.factories import make_member, make_team, make_user
from tests.fleet.audit.conftest import Happen, make_vehicle
from tests.infrastructure.databases import CommittedDatabase


def rows_of(answer: Any) -> list[tuple[str, str, str]]:
    """What each row says: the sentence, who, the vehicle."""
    return [(entry.says, entry.who, entry.vehicle_name) for entry in answer.context["entries"]]


def kinds_of(answer: Any) -> list[str]:
    return [entry.event.kind for entry in answer.context["entries"]]


@pytest.mark.parametrize(
    ("role", "status"), [(Role.ADMIN, 200), (Role.MANAGER, 200), (Role.OPERATOR, 403), (Role.VIEWER, 403)]
)
def test_list_when_a_role_asks_shows_the_trail_to_those_who_may(owner: Membership, role: Role, status: int) -> None:
    client = Client()
    client.force_login(make_member(owner.team, role).user)

    answer = client.get("/audit/")

    assert answer.status_code == status
    entry = 'href="/audit/"'
    assert (entry in client.get("/commands/").content.decode()) == (status == 200)


def test_list_when_things_happened_tells_them_newest_first_by_name(
    owner: Membership, pages: Client, happen: Happen
) -> None:
    member = add_member(team=owner.team, user=make_user("Mia Muster"), role=Role.OPERATOR, actor=owner.user.actor)
    car = make_vehicle(owner, "AU-D 1")
    lender = Owner.objects.create(team=owner.team, name="Olga Owner")
    happen("vehicle.joined", actor=f"owner:{lender.id}", vehicle_id=car.id)
    happen("command.queued", actor=member.user.actor, vehicle_id=car.id, data={"kind": "unlock"})
    happen("command.refused", actor="system:dispatcher", vehicle_id=car.id, data={"kind": "unlock", "error": "role"})

    answer = pages.get("/audit/")

    assert rows_of(answer) == [
        ("Unlock: refused.", "Fleetwell: sending of commands", "AU-D 1"),
        ("Unlock: requested.", "Mia Muster", "AU-D 1"),
        ("Joined a vehicle.", "Olga Owner", "AU-D 1"),
        ("Added Mia Muster as Operator.", "Robin Example", ""),
        ("Added Robin Example as Owner.", "Robin Example", ""),
        ("Created the team.", "Robin Example", ""),
    ]
    shown = unescape(answer.content.decode())
    assert all(says in shown and who in shown for says, who, _ in rows_of(answer))


def test_list_when_people_and_cars_are_gone_uses_neutral_words(
    owner: Membership, pages: Client, happen: Happen
) -> None:
    leaver = make_member(owner.team, Role.OPERATOR)
    remove_member(membership=leaver, actor=owner.user.actor)
    stranger = make_user("Secret Stranger")
    happen("vehicle.removed", actor=stranger.actor, vehicle_id=uuid4())
    happen("vehicle.joined", actor=f"owner:{uuid4()}")
    happen("rule.added", actor="user:nonsense")
    happen("member.added", data={"user": str(stranger.id), "role": "driver"})
    happen("vehicle.flown", actor="system:balloon")

    assert rows_of(pages.get("/audit/"))[:6] == [
        ("vehicle.flown", "Fleetwell", ""),
        ("Added Somebody who is gone as Driver.", "Robin Example", ""),
        ("Added a rule.", "Somebody who is gone", ""),
        ("Joined a vehicle.", "A vehicle owner", ""),
        ("Removed a vehicle.", "Somebody who is gone", "A vehicle that is gone"),
        (f"Removed {leaver.user.name} from the team.", "Robin Example", ""),
    ]


def test_list_when_an_event_speaks_of_a_personal_value_shows_it_until_it_is_shredded(
    owner: Membership, pages: Client, happen: Happen
) -> None:
    reference = personal.keep("ada@example.com", team_id=owner.team_id)
    happen("invitation.made", data={"address": reference, "role": "viewer"})
    before = pages.get("/audit/").content.decode()

    personal.shred("ada@example.com", team_id=owner.team_id, actor=owner.user.actor)

    after = pages.get("/audit/").content.decode()
    assert ("ada@example.com" in before, "ada@example.com" in after) == (True, False)
    assert "Invited ada@example.com as Viewer." in before
    assert "Invited somebody as Viewer." in after


def test_list_when_filtered_leaves_what_was_asked_for(owner: Membership, pages: Client, happen: Happen) -> None:
    member = make_member(owner.team, Role.OPERATOR)
    car, other = make_vehicle(owner, "AU-D 1", name="Vanessa"), make_vehicle(owner, "AU-D 2")
    happen("rule.added", actor=member.user.actor)
    happen("command.queued", actor=member.user.actor, vehicle_id=car.id, data={"kind": "lock"})
    happen("command.failed", actor="system:dispatcher", vehicle_id=other.id, data={"kind": "lock"})
    today = timezone.localdate(timezone=owner.team.zone)

    def ask(**query: object) -> list[str]:
        answer = pages.get("/audit/", query)
        assert answer.status_code == 200
        return kinds_of(answer)

    everything = ["command.failed", "command.queued", "rule.added", "member.added", "member.added", "team.created"]
    assert ask() == everything
    assert ask(who=member.user.actor) == ["command.queued", "rule.added"]
    assert ask(who="system") == ["command.failed", "member.added"]  # the factory adds members in the system's name
    assert ask(what="rule") == ["rule.added"]
    assert ask(what="command") == ["command.failed", "command.queued"]
    assert ask(what="command.failed") == ["command.failed"]
    assert ask(vehicle="au-d 1") == ask(vehicle="vanessa") == ask(vehicle=car.id) == ["command.queued"]
    assert ask(who=member.user.actor, what="command", vehicle="AU-D 1") == ["command.queued"]
    assert ask(who=member.user.actor, what="team") == []
    assert ask(since=today, until=today) == everything
    assert ask(since=today + timedelta(days=1)) == ask(until=today - timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("who=user:1", "who"),
        ("who=owner:x", "who"),
        ("what=nonsense", "what"),
        ("vehicle=NO-PE 1", "vehicle"),
        ("vehicle=%00", "vehicle"),
        ("vehicle=" + "x" * 200, "vehicle"),
        ("since=yesterday", "since"),
        ("since=2026-02-30", "since"),
        ("since=2026-03-02&until=2026-03-01", "until"),
    ],
)
def test_list_when_a_filter_makes_no_sense_says_so_at_the_field(pages: Client, query: str, field: str) -> None:
    answer = pages.get(f"/audit/?{query}")

    assert (answer.status_code, list(answer.context["form"].errors), rows_of(answer)) == (422, [field], [])
    assert f'id="audit-{field}-errors"' in answer.content.decode()


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_list_when_asked_for_the_ends_of_time_answers(pages: Client, day: str) -> None:
    assert {pages.get(f"/audit/?{name}={day}").status_code for name in ("since", "until")} <= {200, 422}


def test_list_when_there_are_many_turns_pages_without_gap_or_repeat(
    owner: Membership, pages: Client, happen: Happen
) -> None:
    for _ in range(PAGE_SIZE + 20):
        happen("rule.added")
    seen, cursor = [], ""
    while True:
        answer = pages.get("/audit/", {"cursor": cursor, "what": "rule"})
        seen += [entry.event.id for entry in answer.context["entries"]]
        cursor = answer.context["next_cursor"]
        if not cursor:
            break

    expected = Event.objects.filter(team_id=owner.team_id, kind="rule.added").order_by("-id")
    assert seen == list(expected.values_list("id", flat=True))


@pytest.mark.parametrize("cursor", ["x", "%00", "MjAyNg==", "MjAyNi0wMS0wMVQwMDowMDowMHwx", "é" * 300])
def test_list_when_the_cursor_makes_no_sense_shows_the_first_page(pages: Client, cursor: str) -> None:
    answer = pages.get("/audit/", {"cursor": cursor})

    assert (answer.status_code, kinds_of(answer)) == (200, ["member.added", "team.created"])


def test_list_when_there_are_thirty_rows_asks_as_many_queries_as_for_one(
    owner: Membership, pages: Client, happen: Happen
) -> None:
    def one_of_each(turn: int) -> None:
        member = make_member(owner.team, Role.OPERATOR)
        car = make_vehicle(owner, f"AU-D {turn}")
        lender = Owner.objects.create(team=owner.team, name="Olga")
        happen("vehicle.joined", actor=f"owner:{lender.id}", vehicle_id=car.id)
        reference = personal.keep("a@example.com", team_id=owner.team_id)
        happen("invitation.made", actor=member.user.actor, data={"address": reference})

    one_of_each(0)
    pages.get("/audit/")
    with CaptureQueriesContext(connection) as few:
        pages.get("/audit/")
    for turn in range(1, 16):
        one_of_each(turn)
    with CaptureQueriesContext(connection) as many:
        answer = pages.get("/audit/")

    assert len(answer.context["entries"]) > 30
    assert len(many) == len(few)


def test_list_when_another_team_did_things_shows_none_of_them(owner: Membership, pages: Client, happen: Happen) -> None:
    other = make_team("Another Fleet")
    car = make_vehicle(other, "SE-C 1")
    happen("vehicle.joined", team_id=other.team_id, vehicle_id=car.id)

    assert kinds_of(pages.get("/audit/")) == ["member.added", "team.created"]
    assert pages.get(f"/audit/?vehicle={car.id}").status_code == 422
    assert pages.get(f"/audit/?who={other.user.actor}").status_code == 422


def test_list_when_the_reach_is_small_leaves_other_cars_out(owner: Membership, happen: Happen) -> None:
    mine, other = make_vehicle(owner, "AU-D 1"), make_vehicle(owner, "AU-D 2")
    for car in (mine, other):
        happen("vehicle.joined", vehicle_id=car.id)
    grant = Grant(Role.MANAGER, reaches_all=False, vehicle_ids=(mine.id,))
    manager = add_member(team=owner.team, user=make_user(), role=grant, actor="system:test")
    client = Client()
    client.force_login(manager.user)

    answer = client.get("/audit/")

    assert [row[2] for row in rows_of(answer) if row[2]] == ["AU-D 1"]
    assert client.get(f"/audit/?vehicle={other.id}").status_code == 422


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({}, "event_of_team_by_time"),
        ({"who": "user"}, "event_by_somebody"),
        ({"what": "rule"}, "event_of_area"),
        ({"what": "command.failed"}, "event_of_rare_kind"),
        ({"vehicle": "AU-D 1"}, "event_of_vehicle"),
        ({"until": "2020-01-01"}, "event_of_team_by_time"),
    ],
    ids=str,
)
def test_filter_when_the_log_is_long_begins_where_an_index_says(
    committed_db: CommittedDatabase, as_owner: psycopg.Connection, asked: dict[str, str], index: str
) -> None:
    owner = make_team()
    make_vehicle(owner, "AU-D 1")
    as_owner.execute(
        "INSERT INTO events_event (at, team_id, vehicle_id, kind, actor) "
        "SELECT now() - n * interval '1 minute', %s, gen_random_uuid(), 'command.sent', 'system:dispatcher' "
        "FROM generate_series(1, 20000) n",
        [owner.team_id],
    )
    as_owner.execute("ANALYZE events_event")
    given = {key: owner.user.actor if value == "user" else value for key, value in asked.items()}
    form = AuditFilter(given, membership=owner)
    assert form.is_valid()

    plan = form.narrow(events_of(owner))[: PAGE_SIZE + 1].explain()

    assert f"using {index}" in plan
    assert "Sort" not in plan


@pytest.fixture
def people(owner: Membership) -> dict[str, str]:
    """Anna, Annabel who left, an owner Anna, and a stranger of another team: their names in the log."""
    anna = add_member(team=owner.team, user=make_user("Anna Berg"), role=Role.OPERATOR, actor="system:test")
    annabel = add_member(team=owner.team, user=make_user("Annabel Çelik"), role=Role.OPERATOR, actor="system:test")
    remove_member(membership=annabel, actor=owner.user.actor)
    lender = Owner.objects.create(team=owner.team, name="Anna Lender")
    other = make_team("Another Fleet")
    User.objects.filter(pk=other.user_id).update(name="Annalena Stranger")
    return {
        "anna": anna.user.actor,
        "annabel": annabel.user.actor,
        "lender": f"owner:{lender.id}",
        "address": anna.user.email,
        "stranger": other.user.email,
    }


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("berg", ["anna"]),
        ("ANNA BERG", ["anna"]),
        ("{address}", ["anna"]),
        ("Anna Berg <{address}>", ["anna"]),
        ("çel", ["annabel"]),
        ("lender", ["lender"]),
        ("anna", ["anna", "annabel", "lender"]),
        ("{stranger}", []),
        ("Annalena", []),
        ("%", []),
        ("_nna", []),
    ],
)
def test_who_when_a_part_is_typed_then_those_of_the_team_are_found(
    owner: Membership, people: dict[str, str], typed: str, found: list[str]
) -> None:
    text = typed.format(**people)

    assert [person.actor for person in find_people(text, team_id=owner.team_id)] == [people[name] for name in found]


def test_who_when_one_is_meant_then_the_field_names_them_and_asks_for_the_same_again(
    pages: Client, people: dict[str, str], happen: Happen
) -> None:
    happen("rule.added", actor=people["anna"])

    by_part = pages.get("/audit/", {"who": "berg"})
    shown = by_part.context["form"]["who"].value()
    again = pages.get("/audit/", {"who": shown})

    assert shown == f"Anna Berg <{people['address']}>"
    assert kinds_of(by_part) == kinds_of(again) == ["rule.added"]
    taken = pages.post("/audit/export/", {"who": shown, "format": "csv"})
    assert (taken.status_code, Event.objects.get(kind="audit.exported").data["who"]) == (200, people["anna"])


def test_who_when_several_are_meant_then_each_is_a_link_that_keeps_the_rest_of_the_filter(
    pages: Client, people: dict[str, str]
) -> None:
    answer = pages.get("/audit/", {"who": "anna", "what": "rule"})

    page = unescape(answer.content.decode())
    assert (answer.status_code, answer.context["form"].errors.keys()) == (422, {"who"})
    assert [person.actor for person in answer.context["form"].people] == [
        people["anna"],
        people["annabel"],
        people["lender"],
    ]
    for name in ("anna", "annabel", "lender"):
        assert f'href="?who={people[name].replace(":", "%3A")}&what=rule"' in page
    assert pages.get("/audit/", {"who": people["lender"], "what": "rule"}).status_code == 200


def test_who_when_many_are_meant_then_some_are_shown_and_the_page_lists_none(owner: Membership, pages: Client) -> None:
    users = User.objects.bulk_create(
        [User(email=f"m{n}@example.com", name=f"Member {n}", password="!") for n in range(30)]
    )
    for user in users:
        add_member(team=owner.team, user=user, role=Role.VIEWER, actor="system:test")

    several = pages.get("/audit/", {"who": "member"})

    assert (len(several.context["form"].people), several.context["form"].more_people) == (MOST_FOUND, True)
    assert 'name="who" type="text"' in pages.get("/audit/").content.decode()
