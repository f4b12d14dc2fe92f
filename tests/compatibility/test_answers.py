"""One answer out of two layers: what the maker said of this car beats what is declared of cars like it."""

from collections.abc import Callable
from datetime import date

import pytest
from pytest_django import DjangoAssertNumQueries

from commands.availability import Availability, check_availability, code_of_answer
from commands.bulk import check_many
from commands.declared import what_is_declared, why_not_offered
from commands.services import NotSupported, request_command
from compatibility.answers import Answer, answers_for, weigh
from compatibility.eligibility import makes_that_cannot
from compatibility.lookup import Declared
from compatibility.words import Support
from fleet.adapters.commands import HonkHorn, Lock, OpenTrunk, Unlock
from fleet.adapters.registry import ADAPTERS
from fleet.vehicles.models import VehicleLink
from fleet.vehicles.services import read_vehicle
from tests.factories import join_simulated_car, make_team
from tests.infrastructure.simulator import Simulator

AS_OF = date(2022, 8, 1)
NO, YES, MAYBE = ({"answer": answer, "why": "", "checked_at": "2026-11-01"} for answer in ("no", "yes", "unknown"))


def declare(support: str, about: str = "model") -> Declared:
    return Declared("lock", Support(support), "", AS_OF, "list", 7, about)


@pytest.mark.parametrize(
    ("capability", "declared", "expected"),
    [
        (NO, declare("full"), ("none", "car", "car_says_no")),
        (NO, declare("partial"), ("none", "car", "")),
        (NO, declare("none"), ("none", "car", "")),
        (NO, declare("unknown", ""), ("none", "car", "")),
        (YES, declare("full"), ("full", "car", "")),
        (YES, declare("none"), ("full", "car", "car_says_yes")),
        (YES, declare("unknown"), ("full", "car", "")),
        (MAYBE, declare("full"), ("full", "declared", "")),
        (MAYBE, declare("none"), ("none", "declared", "")),
        (None, declare("partial"), ("partial", "declared", "")),
        (None, declare("unknown"), ("unknown", "declared", "")),
        (None, declare("unknown", ""), ("unknown", "", "")),
    ],
)
def test_weigh_lets_the_car_speak_first_and_tells_where_the_two_disagree(
    capability: dict[str, str] | None, declared: Declared, expected: tuple[str, str, str]
) -> None:
    answer = weigh(capability, declared, "simulator")

    assert (answer.support.value, answer.layer, answer.disagreement) == expected
    assert answer.declared == declared
    assert answer.can is {"full": True, "partial": True, "none": False, "unknown": None}[expected[0]]


def test_weigh_of_a_command_that_the_adapter_lacks_says_so_whatever_is_declared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(ADAPTERS, "small", "tests.compatibility.small_adapter.SmallAdapter")
    declared = Declared("unlock", Support.FULL, "", AS_OF, "list", 7, "model")

    answer = weigh(YES, declared, "small")

    assert answer == Answer("unlock", Support.NONE, "adapter", "not_offered", "", declared, provider="Simulator")
    assert why_not_offered(available(answer)) == "Not offered by Simulator"


def test_why_not_offered_when_the_car_waits_for_our_key_then_its_owner_has_to_pair_it() -> None:
    said = {"answer": "no", "why": "needs_pairing", "checked_at": "2026-11-20T08:00:00+00:00"}

    answer = weigh(said, Declared("unlock", Support.FULL, "", AS_OF, "list", 7, "model"), "simulator")

    assert code_of_answer(answer) == "needs_pairing"
    assert why_not_offered(available(answer)) == "The owner has to pair the car first"


def available(answer: Answer) -> Availability:
    return Availability(answer.ability, code_of_answer(answer), is_certain=True, ranges={}, answer=answer)


ROWS = ("*,,*,DE,none,open_trunk,", "*,,*,DE,partial,unlock,PIN needed", "*,,*,DE,full,lock,")


@pytest.fixture
def link(simulator: Simulator, declare_of_simulator: Callable[..., None]) -> VehicleLink:
    """A car whose maker was not asked, of a make of which three things are declared for Germany."""
    link = join_simulated_car(make_team(), simulator, learn=False)
    declare_of_simulator(link.vehicle.make, *ROWS)
    link.vehicle.country = "DE"
    link.vehicle.save(update_fields=["country"])
    return VehicleLink.objects.select_related("vehicle__team", "connection__account__app").get(pk=link.pk)


def answers_of(link: VehicleLink) -> dict[str, tuple[str, str]]:
    answers = answers_for([link])[link.id]
    kinds = ("lock", "unlock", "open_trunk", "honk_horn")
    return {kind: (answers[kind].support.value, answers[kind].layer) for kind in kinds}


def test_answers_for_a_silent_maker_are_what_is_declared_where_the_car_is_at_home(link: VehicleLink) -> None:
    assert answers_of(link) == {
        "lock": ("full", "declared"),
        "unlock": ("partial", "declared"),
        "open_trunk": ("none", "declared"),
        "honk_horn": ("unknown", ""),
    }


@pytest.mark.parametrize(("of_car", "of_team", "expected"), [("", "DE", "none"), ("FR", "DE", "unknown")])
def test_answers_for_a_car_without_a_country_take_that_of_its_team(
    of_car: str, of_team: str, expected: str, link: VehicleLink
) -> None:
    link.vehicle.country, link.vehicle.team.country = of_car, of_team

    assert answers_for([link])[link.id]["open_trunk"].support.value == expected


def test_button_of_a_command_declared_as_not_offered_says_so_with_its_date_and_cannot_be_pressed(
    link: VehicleLink,
) -> None:
    membership = link.team.membership_set.get()

    available = check_availability(link, membership)

    assert {kind: available[kind].code for kind in ("lock", "unlock", "open_trunk", "honk_horn")} == {
        "lock": "",
        "unlock": "",
        "open_trunk": "not_declared",
        "honk_horn": "",
    }
    assert why_not_offered(available["open_trunk"]) == "Not offered for cars like this (as of August 2022)"
    assert what_is_declared(available["lock"]) == "Works on cars like this"
    assert what_is_declared(available["unlock"]) == "With a condition: PIN needed"
    assert what_is_declared(available["honk_horn"]) == "Not known whether this car can"
    assert not available["lock"].is_certain
    with pytest.raises(NotSupported) as refused:
        request_command(vehicle=link.vehicle, membership=membership, order=OpenTrunk())
    assert refused.value.code == "not_declared"


def test_check_many_answers_as_the_button_of_each_car_does(link: VehicleLink) -> None:
    membership = link.team.membership_set.get()
    available = check_availability(link, membership)

    for order in (Lock(), Unlock(), OpenTrunk(), HonkHorn()):
        assert check_many(membership=membership, vehicle_ids=[link.vehicle_id], order=order) == {
            link.vehicle_id: available[order.kind].code
        }


def test_a_maker_that_says_yes_beats_what_is_declared(link: VehicleLink) -> None:
    membership = link.team.membership_set.get()
    read_vehicle(link, with_capabilities=True)

    assert answers_of(link)["open_trunk"] == ("full", "car")
    assert check_availability(link, membership)["open_trunk"].code == ""
    assert check_many(membership=membership, vehicle_ids=[link.vehicle_id], order=OpenTrunk()) == {link.vehicle_id: ""}
    assert answers_for([link])[link.id]["open_trunk"].disagreement == "car_says_yes"


def test_answers_for_many_cars_ask_twice(
    link: VehicleLink, simulator: Simulator, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    membership = link.team.membership_set.get()
    for _ in range(3):
        join_simulated_car(membership, simulator, learn=False)
    links = list(VehicleLink.objects.select_related("vehicle__team", "connection__account__app"))

    with django_assert_num_queries(2):
        found = answers_for(links)

    assert set(found) == {link.id for link in links}


@pytest.mark.parametrize(
    ("rows", "year", "country", "impossible"),
    [
        (["*,,*,everywhere,none,{trunk},"], None, "", {"control_trunk"}),
        (["*,,*,everywhere,none,{trunk},"], 2020, "DE", {"control_trunk"}),
        (["*,,*,everywhere,none,open_trunk close_trunk,"], 2020, "DE", set()),
        (["*,,*,DE,none,{trunk},"], 2020, "DE", {"control_trunk"}),
        (["*,,*,DE,none,{trunk},"], 2020, "FR", set()),
        (["*,,*,DE,none,{trunk},"], 2020, "", set()),
        (["*,,*,everywhere,none,{trunk},", "*,,*,DE,full,open_trunk,"], 2020, "DE", set()),
        (["*,,*,everywhere,none,{trunk},", "*,,*,DE,full,open_trunk,"], 2020, "FR", {"control_trunk"}),
        (["*,,*,everywhere,none,{trunk},", "*,,*,DE,full,open_trunk,"], 2020, "", set()),
        (["*,,*,everywhere,none,{trunk},", "e-tron,,BEV,everywhere,unknown,open_trunk,"], 2020, "DE", set()),
        (
            ["*,,*,everywhere,none,{trunk},", "e-tron,2022-,BEV,everywhere,full,open_trunk,"],
            2020,
            "DE",
            {"control_trunk"},
        ),
        (["*,,*,everywhere,none,{trunk},", "e-tron,2022-,BEV,everywhere,full,open_trunk,"], 2022, "DE", set()),
        (["*,,ICE,everywhere,none,{trunk},"], 2020, "DE", set()),
        (["*,-2020,*,everywhere,none,{trunk},"], 2020, "DE", {"control_trunk"}),
        (["*,-2020,*,everywhere,none,{trunk},"], 2021, "DE", set()),
        (["*,-2020,*,everywhere,none,{trunk},"], None, "DE", set()),
    ],
)
def test_makes_that_cannot_are_those_of_which_every_car_is_declared_unable(
    rows: list[str],
    year: int | None,
    country: str,
    impossible: set[str],
    declare_of_simulator: Callable[..., None],
) -> None:
    trunk = "open_trunk close_trunk open_frunk close_frunk"
    declare_of_simulator("Audi", *(row.format(trunk=trunk) for row in rows))

    asked = ("simulator", "Audi", year)
    found = makes_that_cannot([asked], country=country, scopes=["control_trunk", "read_location"])

    assert found.get(asked, frozenset()) == impossible
