"""What a VIN tells before any maker is asked."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from compatibility.vins import WMI_FILE, find_fault, make_of, model_year_of
from connect.brands import OfferedBrand
from connect.models import ShareLink
from connect.sending.services import hand_over
from connect.vins import brand_of_make, judge, read_vins
from fleet.adapters.commands import KINDS
from fleet.teams.models import Membership
from fleet.vehicles.models import ProviderApp, Vehicle
from tests.connect.conftest import make_link
from tests.factories import join_simulated_car, make_team
from tests.infrastructure.simulator import Simulator

VW = "WVWZZZ1JZXW000001"
CHARGING = [kind for kind, command in KINDS.items() if command.scope == "control_charge"]
BRANDS = [OfferedBrand(name.lower(), name, uuid4()) for name in ("Volkswagen", "Tesla", "Škoda", "Mercedes-Benz")]


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (VW, ""),
        (f" {VW.lower()}\t", ""),
        (VW[:-1], "vin_length"),
        (VW + "1", "vin_length"),
        ("", "vin_length"),
        ("WVWZZZ1JZXW00000O", "vin_letters"),
        ("WVWZZZ1JZXW00000!", "vin_length"),
        ("\uff37VWZZZ1JZXW00000é", "vin_length"),
        # The check digit counts in North America alone: this one is wrong in Germany's world and nobody minds.
        ("WVWZZZ1J9XW000001", ""),
        ("1M8GDM9AXKP042788", ""),
        ("1M8GDM9A0KP042788", "vin_check"),
        ("5YJ3E1EA1PF000000", "vin_check"),
    ],
)
def test_fault_when_a_text_is_looked_at_then_it_is_named(raw: str, fault: str) -> None:
    assert find_fault(raw) == fault


@pytest.mark.parametrize(("vin", "make"), [(VW, "Volkswagen"), ("5YJ3E1EA1PF000000", "Tesla"), ("ZZZ" + VW[3:], "")])
def test_make_when_the_first_three_characters_are_known_then_it_is_told(vin: str, make: str) -> None:
    assert make_of(vin) == make


@pytest.mark.parametrize(
    ("vin", "year"),
    [
        ("1M8GDM9AXKP042788", 1989),  # the seventh is a digit: before 2010
        ("5YJYGDEE2MF000003", 2021),
        ("5YJYGDEE1MF000003", None),  # its check digit is wrong: nothing about it is certain
        (VW, None),  # outside of North America the tenth character may mean anything
        ("short", None),
    ],
)
def test_year_when_the_tenth_character_is_certain_then_it_is_told(vin: str, year: int | None) -> None:
    assert model_year_of(vin) == year


def test_file_of_makes_when_read_then_every_line_is_a_code_and_a_name() -> None:
    lines = [line for line in WMI_FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    codes = [line.split(",")[0] for line in lines[1:]]

    assert lines[0] == "vin_prefix,make"
    assert codes == sorted(set(codes))
    assert {len(code) for code in codes} == {3}
    assert all(line.count(",") == 1 and line.split(",")[1].strip() for line in lines[1:])


@pytest.mark.parametrize(
    ("make", "brand"),
    [("Volkswagen", "volkswagen"), ("Škoda", "škoda"), ("Mercedes-Benz", "mercedes-benz"), ("Trabant", None)],
)
def test_brand_when_the_make_is_offered_then_it_is_found(make: str, brand: str | None) -> None:
    found = brand_of_make(make, BRANDS)

    assert (found.key if found else None) == brand


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f"{VW}\n\nshort\n", [(1, VW), (3, "short")]),
        (f'plate;"VIN";note\nHH-1;"{VW}";=1+1', [(2, VW)]),
        (f"{VW}, {VW.lower()}", [(1, VW), (1, VW.lower())]),
        ("", []),
    ],
)
def test_vins_when_read_then_each_has_its_line(text: str, rows: list[tuple[int, str]]) -> None:
    assert read_vins(text) == rows


def test_list_when_judged_then_each_car_can_join_or_it_is_said_why(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    link, _ = make_link(manager)
    ours = join_simulated_car(manager, simulator).vehicle.vin
    theirs = join_simulated_car(make_team("Other"), simulator).vehicle.vin
    hand_over(link=link, membership=manager, vins=["WVWZZZ1JZXW000003"])
    vins = [VW, VW.lower(), "nonsense", ours, theirs, "WVWZZZ1JZXW000003", "ZFF00000000000001", "ZZZ00000000000001"]

    rows = judge(enumerate(vins, start=1), link=link, brands=BRANDS)

    # Another team's car can join: that it is in another team is nobody's business.
    assert [row.problem for row in rows] == ["", "twice", "vin_length", "joined", "", "invited", "not_offered", ""]
    assert [row.is_sure for row in rows][-1] is False
    Vehicle.objects.filter(vin=ours).update(removed_at=link.created_at)
    assert judge([(1, ours)], link=link, brands=BRANDS)[0].problem == ""
    link.brands = ["tesla"]
    assert judge([(1, VW)], link=link, brands=BRANDS)[0].problem == "not_for_link"


def test_judging_when_no_car_of_a_make_can_do_what_is_needed_says_so(
    manager: Membership, declare_of_simulator: Callable[..., None]
) -> None:
    brands = [OfferedBrand("vw", "Volkswagen", uuid4(), provider="simulator")]
    declare_of_simulator("Volkswagen", f"*,,*,DE,none,{' '.join(CHARGING)},")
    none, _ = make_link(manager, needed=["control_charge"], country="DE")

    assert judge([(1, VW)], link=none, brands=brands)[0].problem == "unable"
    elsewhere, _ = make_link(manager, needed=["control_charge"], country="FR")
    assert judge([(1, VW)], link=elsewhere, brands=brands)[0].problem == ""
    reading, _ = make_link(manager, needed=["read_charge"], country="DE")
    assert judge([(1, VW)], link=reading, brands=brands)[0].problem == ""


def test_judging_when_the_list_is_long_then_it_asks_no_more_queries(
    manager: Membership, django_assert_num_queries: object
) -> None:
    link: ShareLink = make_link(manager)[0]

    # The team's cars, the personal links, and what is declared of the makes.
    with django_assert_num_queries(3):  # type: ignore[operator]
        judge([(n, f"WVWZZZ1JZXW{n:06}") for n in range(1_000)], link=link, brands=BRANDS)
