"""A car that gained or lost a command is told of once: whatever changed, and whatever crashed in between."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from compatibility import gains
from compatibility.answers import Answer
from compatibility.gains import LOOK_AGAIN_AFTER, compare, tell_gains_and_losses
from compatibility.lookup import Declared
from compatibility.models import Fact, KnownAbility
from compatibility.words import CONTROLS, Support
from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from fleet.vehicles.models import VehicleLink
from tests.factories import join_simulated_car, make_member, make_team
from tests.fleet.notifications.conftest import read, says
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Simulator

FULL, PARTIAL, NONE, UNKNOWN = Support.FULL, Support.PARTIAL, Support.NONE, Support.UNKNOWN


def answers(**supports: Support) -> dict[str, Answer]:
    return {
        kind: Answer(kind, supports.get(kind, UNKNOWN), "car", "", "", Declared(kind, UNKNOWN)) for kind in CONTROLS
    }


@pytest.mark.parametrize(
    ("known", "now", "gained", "lost", "kept"),
    [
        ({}, FULL, [], [], "full"),
        ({}, NONE, [], [], "none"),
        ({"lock": "full"}, NONE, [], ["lock"], "none"),
        ({"lock": "partial"}, NONE, [], ["lock"], "none"),
        ({"lock": "none"}, PARTIAL, ["lock"], [], "partial"),
        ({"lock": "full"}, PARTIAL, [], [], "partial"),
        ({"lock": "full"}, UNKNOWN, [], [], "full"),
        ({"lock": "none"}, UNKNOWN, [], [], "none"),
        ({}, UNKNOWN, [], [], None),
    ],
)
def test_compare_when_an_answer_changes_then_only_yes_to_no_and_back_are_news(
    known: dict[str, str], now: Support, gained: list[str], lost: list[str], kept: str | None
) -> None:
    change = compare(known, answers(lock=now))

    assert (change.gained, change.lost, change.known.get("lock")) == (gained, lost, kept)


@pytest.fixture
def owner(committed_db: CommittedDatabase) -> Membership:
    membership = make_team()
    read()
    return membership


@pytest.fixture
def link(owner: Membership, simulator: Simulator) -> VehicleLink:
    """The team's car, whose maker said that it can do everything, and which was looked at a while ago."""
    link = join_simulated_car(owner, simulator)
    tell_gains_and_losses(timezone.now() - LOOK_AGAIN_AFTER)
    return link


def make_say(link: VehicleLink, answer: str, *kinds: str) -> None:
    """Let the car's maker say something else of some commands."""
    link.refresh_from_db()
    link.capabilities |= {kind: link.capabilities[kind] | {"answer": answer} for kind in kinds}
    link.save(update_fields=["capabilities"])


def told() -> list[tuple[str, Any]]:
    events = Event.objects.filter(kind__in=["vehicle.lost_command", "vehicle.gained_command"]).order_by("id")
    return [(event.kind.removeprefix("vehicle."), event.data["commands"]) for event in events]


def test_car_when_it_is_seen_first_then_its_abilities_are_only_noted(link: VehicleLink) -> None:
    known = KnownAbility.objects.get()

    assert (known.link_id, known.team_id, known.abilities["unlock"], told()) == (link.id, link.team_id, "full", [])


def test_car_when_its_maker_changes_its_mind_then_managers_hear_once_and_others_do_not(
    owner: Membership, link: VehicleLink
) -> None:
    operator = make_member(owner.team, Role.OPERATOR)
    manager = make_member(owner.team, Role.MANAGER)
    now = timezone.now()
    make_say(link, "no", "unlock", "honk_horn")

    written = [tell_gains_and_losses(now + turn * LOOK_AGAIN_AFTER) for turn in range(3)]
    read()
    lost = says(manager.user)
    make_say(link, "yes", "unlock")
    tell_gains_and_losses(now + 3 * LOOK_AGAIN_AFTER)
    read()

    assert written == [1, 0, 0]
    assert told() == [("lost_command", ["unlock", "honk_horn"]), ("gained_command", ["unlock"])]
    assert "Volkswagen ID.3 can no longer do this: Unlock, Honk horn." in lost
    assert says(operator.user) == []


def test_car_when_the_look_crashes_before_its_commit_then_it_is_told_by_the_next_one_and_once(
    link: VehicleLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_say(link, "no", "unlock")

    with monkeypatch.context() as patched:
        patched.setattr(gains, "_tell", _crash_after(gains._tell))
        with pytest.raises(InterruptedError):
            tell_gains_and_losses()
    after_the_crash = told(), KnownAbility.objects.get().abilities["unlock"]
    tell_gains_and_losses()
    tell_gains_and_losses(timezone.now() + LOOK_AGAIN_AFTER)

    assert after_the_crash == ([], "full")
    assert told() == [("lost_command", ["unlock"])]


def _crash_after(tell: Any) -> Any:
    def crash(*arguments: Any) -> int:
        tell(*arguments)
        raise InterruptedError

    return crash


def test_car_when_its_maker_was_not_asked_yet_then_it_is_not_looked_at_for_a_day(
    owner: Membership, simulator: Simulator
) -> None:
    join_simulated_car(owner, simulator, learn=False)
    now = timezone.now()

    tell_gains_and_losses(now)
    at_once = KnownAbility.objects.count()
    tell_gains_and_losses(now + timedelta(days=1, minutes=1))

    assert (at_once, KnownAbility.objects.count()) == (0, 1)


@pytest.mark.facts
def test_car_when_new_data_says_otherwise_then_it_is_told_as_well_unless_its_maker_spoke(
    owner: Membership, simulator: Simulator
) -> None:
    silent, spoken = (join_simulated_car(owner, simulator, learn=learn) for learn in (False, True))
    now = timezone.now() + timedelta(days=2)
    tell_gains_and_losses(now)

    Fact.objects.filter(provider="simulator", make="Volkswagen", ability="unlock").update(support=NONE)
    tell_gains_and_losses(now + LOOK_AGAIN_AFTER)

    events = Event.objects.filter(kind="vehicle.lost_command")
    assert list(events.values_list("vehicle_id", "subject", "actor", "data")) == [
        (silent.vehicle_id, f"link:{silent.id}", "system:compatibility", {"commands": ["unlock"]})
    ]
    assert spoken.capabilities["unlock"]["answer"] == "yes"
