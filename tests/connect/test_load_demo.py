"""The demo fleet from the real simulator: loaded once, loaded twice, and what it says when it can't."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from fleet.budgets.models import Budget
from fleet.teams.models import Membership, User
from fleet.vehicles.models import Consent, ProviderApp, Vehicle, VehicleLink, VehicleSignal
from tests.infrastructure.servers import free_port
from tests.infrastructure.simulator import Simulator

OWNER_EMAIL = "demo-fleet@owner.example"
CARS = {
    "volkswagen": "ID.3",
    "volvo": "EX30",
    "peugeot": "e-208",
    "tesla": "Model 3",
    "ford": "Mustang Mach-E",
    "polestar": "2",
}
PROVIDERS = {
    "volkswagen": "simulator",
    "volvo": "volvo",
    "peugeot": "simulator",
    "tesla": "tesla",
    "ford": "smartcar",
    "polestar": "enode",
}


@pytest.fixture
def demo_cars(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """One car at some brands for a demo owner of this test; by brand, its VIN."""
    monkeypatch.setenv("FLEETWELL_DEMO_EMAIL", "demo@fleetwell.example")
    monkeypatch.setenv("FLEETWELL_DEMO_PASSWORD", "slow-river-boats")
    simulator.register_client()
    made = {}
    for brand, model in CARS.items():
        car = {"make": brand.title(), "model": model, "year": 2023}
        body = {"brand": brand, "email": OWNER_EMAIL, "password": "drive-safely", "vehicles": [car]}
        made[brand] = simulator._ask("POST", "/_control/accounts", body)["vehicles"][0]["vin"]
    return made


def load() -> str:
    said = StringIO()
    call_command("load_demo", owner_email=OWNER_EMAIL, stdout=said)
    return said.getvalue()


def fleet() -> set[tuple[str, str]]:
    return set(Vehicle.objects.values_list("make", "vin"))


def test_load_demo_when_run_makes_a_person_a_team_and_cars_that_were_read(db: None, demo_cars: dict[str, str]) -> None:
    said = load()

    user = User.objects.get(email="demo@fleetwell.example")
    assert (user.name, user.check_password("slow-river-boats")) == ("Dana Demo", True)
    assert Membership.objects.get(user=user).team.name == "Nordlicht Logistik (demo)"
    assert {vin for _, vin in fleet()} >= set(demo_cars.values())
    assert set(Vehicle.objects.values_list("plate", flat=True)) >= {"DEMO 01", "DEMO 02", "DEMO 03"}
    for vin in demo_cars.values():
        vehicle = Vehicle.objects.get(vin=vin)
        assert VehicleSignal.objects.filter(vehicle=vehicle, signal="odometer_km").exists()
    assert f"{Vehicle.objects.count()} demo vehicles" in said


def test_load_demo_when_run_then_each_car_comes_through_its_provider_and_says_what_that_one_can(
    db: None, demo_cars: dict[str, str]
) -> None:
    load()

    links = {brand: VehicleLink.objects.get(vehicle__vin=vin) for brand, vin in demo_cars.items()}
    assert {brand: link.connection.account.app.provider for brand, link in links.items()} == PROVIDERS
    answers = {brand: link.capability("lock")["answer"] for brand, link in links.items()}
    assert answers == dict.fromkeys(CARS, "yes") | {"polestar": "unknown"}
    assert links["polestar"].capability("start_charge")["answer"] == "yes"
    tesla = links["tesla"].connection.account
    assert (tesla.region, Budget.objects.filter(app=tesla.app).exists()) == ("eu", True)


def test_load_demo_when_run_again_changes_nothing(
    db: None, demo_cars: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    before = (fleet(), VehicleLink.objects.count(), User.objects.count(), ProviderApp.objects.count())

    load()

    assert (fleet(), VehicleLink.objects.count(), User.objects.count(), ProviderApp.objects.count()) == before


def test_load_demo_when_loaded_shows_what_an_owner_did_not_allow(db: None, demo_cars: dict[str, str]) -> None:
    load()

    allowed = {
        brand: set(
            Consent.objects.filter(link__vehicle__vin=vin, scope__startswith="control_").values_list("scope", flat=True)
        )
        for brand, vin in demo_cars.items()
    }
    assert allowed["peugeot"] == set()
    assert "control_security" in allowed["volkswagen"] - allowed["volvo"]


def test_load_demo_when_simulator_is_away_says_so(
    db: None, demo_cars: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect.lab.READY_WITHIN_S", 0.2)

    with (
        override_settings(SIMULATOR_URL=f"http://127.0.0.1:{free_port()}"),
        pytest.raises(CommandError, match="does not answer"),
    ):
        load()

    assert not User.objects.exists()


def test_load_demo_when_password_is_missing_says_which(
    db: None, demo_cars: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLEETWELL_DEMO_PASSWORD")

    with pytest.raises(CommandError, match="FLEETWELL_DEMO_PASSWORD"):
        load()

    assert not User.objects.exists()
