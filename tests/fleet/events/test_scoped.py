"""Querysets that refuse to run without a team while a request is answered."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse

from fleet.events.models import Event
from fleet.events.scoped import Unscoped, scoped, within_teams
from fleet.teams.models import Authority, Membership
from tests.factories import make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine() -> Membership:
    return make_team()


@pytest.fixture(autouse=True)
def _strict(mine: Membership) -> Iterator[None]:
    with within_teams():
        yield


UNSCOPED: dict[str, Callable[[Membership], Any]] = {
    "all": lambda _: list(Membership.objects.all()),
    "get by id": lambda mine: Membership.objects.get(pk=mine.pk),
    "first": lambda mine: Membership.objects.filter(pk=mine.pk).first(),
    "exists": lambda _: Membership.objects.exists(),
    "count": lambda _: Membership.objects.count(),
    "aggregate": lambda _: Membership.objects.aggregate(Count("id")),
    "iterator": lambda _: list(Membership.objects.iterator()),
    "values": lambda _: list(Membership.objects.values_list("id")),
    "in bulk": lambda mine: Membership.objects.in_bulk([mine.pk]),
    "update": lambda mine: Membership.objects.filter(pk=mine.pk).update(role="viewer"),
    "delete": lambda mine: Membership.objects.filter(pk=mine.pk).delete(),
    "locked": lambda mine: Authority.objects.select_for_update().get(pk=mine.authority_id),
    "of another one": lambda mine: list(Membership.objects.exclude(team_id=mine.team_id)),
    "one way or the other": lambda mine: list(Membership.objects.filter(Q(team_id=mine.team_id) | Q(role="owner"))),
    "of a list that contains nothing": lambda _: list(Membership.objects.filter(vehicle_ids__contains=[])),
    "joined": lambda _: list(Membership.objects.select_related("team")),
    "event": lambda _: list(Event.objects.filter(kind="team.created")),
}


@pytest.mark.parametrize("ask", UNSCOPED.values(), ids=UNSCOPED)
def test_query_when_it_names_no_team_then_it_is_refused(mine: Membership, ask: Callable[[Membership], Any]) -> None:
    with pytest.raises(Unscoped):
        ask(mine)
    with within_teams(is_strict=False):
        assert Membership.objects.filter(pk=mine.pk, role="owner").exists()


SCOPED: dict[str, Callable[[Membership], Any]] = {
    "its team": lambda mine: Membership.objects.get(pk=mine.pk, team_id=mine.team_id).pk,
    "its team as an object": lambda mine: Membership.objects.get(team=mine.team).pk,
    "some teams": lambda mine: Membership.objects.get(team_id__in=[mine.team_id, uuid4()]).pk,
    "either of its teams": lambda mine: Membership.objects.get(Q(team_id=uuid4()) | Q(team_id=mine.team_id)).pk,
    "an object in hand": lambda mine: Membership.objects.get(authority=mine.authority).pk,
    "a related manager": lambda mine: mine.team.membership_set.get().pk,
    "this very row": lambda mine: Membership.objects.this(mine).select_for_update().get().pk,
    "all teams, on purpose": lambda mine: Membership.objects.across_teams().filter(user=mine.user).get().pk,
}


@pytest.mark.parametrize("ask", SCOPED.values(), ids=SCOPED)
def test_query_when_it_names_a_team_then_it_runs(mine: Membership, ask: Callable[[Membership], Any]) -> None:
    assert ask(mine) == mine.pk


def test_query_when_it_asks_for_what_is_no_teams_then_it_runs(mine: Membership) -> None:
    assert not Event.objects.filter(team_id=None, actor=mine.user.actor).exists()


def test_middleware_when_a_request_is_over_then_workers_are_not_asked(mine: Membership) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        with pytest.raises(Unscoped):
            Membership.objects.count()
        return HttpResponse("seen")

    with within_teams(is_strict=False):
        assert scoped(view)(HttpRequest()).content == b"seen"  # type: ignore[union-attr]
        assert Membership.objects.count() == 1
