"""Cars of four makers and brokers join on the owner's phone, and obey: each what its provider offers, and no more."""

from playwright.sync_api import Browser, Playwright, expect

from fleet.adapters.commands import KINDS
from tests.journeys.conftest import Fleet
from tests.journeys.makers import (
    OFFERED,
    Order,
    join_through_connect,
    open_phone,
    press,
    register_team,
    wait_for_tiles,
)

# Unlike any other number of the run, as it is looked for at its end: tests/infrastructure/canary.py.
PIN = "7391"
# A maker's word that it is done, and the car's own.
BY_MAKER = "The maker reported that it is done"
BY_CAR = "The car answered itself"


def tiles(*offered: str, missing: str, **others: str) -> dict[str, str]:
    """Return every tile of the panel: those offered, those with words of their own, and the words of all others."""
    return dict.fromkeys(KINDS, missing) | dict.fromkeys(offered, OFFERED) | others


def test_volvo_when_joined_through_connect_then_it_obeys_and_the_rest_says_why(
    fleet: Fleet, browser: Browser, playwright: Playwright
) -> None:
    app = register_team(fleet, "volvo")
    account = fleet.stack.simulator.account(
        {"make": "Volvo", "model": "EX30", "year": 2024, "state": {"locked": False}}, brand="volvo"
    )

    phone = open_phone(fleet, browser, playwright)
    link = join_through_connect(fleet, phone, app, account, "Volvo")
    fleet.open(link)

    wait_for_tiles(
        fleet.page,
        "volvo",
        tiles(
            *("lock", "unlock", "start_climate", "stop_climate", "flash_lights", "honk_horn"),
            missing="Not offered by Volvo",
            start_engine="This car cannot do it",
            stop_engine="This car cannot do it",
        ),
    )
    car = account.cars[0]["id"]
    press(fleet, Order("lock", "lock", "Lock", BY_MAKER), car)
    press(fleet, Order("start_climate", "climate.start", "Start climate", BY_MAKER), car)
    press(fleet, Order("flash_lights", "lights.flash", "Flash lights", BY_MAKER), car)


def test_smartcar_when_joined_through_connect_then_it_obeys_and_the_rest_says_why(
    fleet: Fleet, browser: Browser, playwright: Playwright
) -> None:
    app = register_team(fleet, "smartcar")
    account = fleet.stack.simulator.account({"state": {"locked": True}})

    phone = open_phone(fleet, browser, playwright)
    link = join_through_connect(fleet, phone, app, account, "Volkswagen")
    fleet.open(link)

    wait_for_tiles(
        fleet.page,
        "smartcar",
        tiles(
            *("lock", "unlock", "start_charge", "stop_charge", "set_charge_limit"),
            *("open_charge_port", "close_charge_port", "send_destination"),
            missing="Not offered by Smartcar",
        ),
    )
    car = account.cars[0]["id"]
    press(fleet, Order("unlock", "unlock", "Unlock", BY_MAKER), car)
    press(
        fleet,
        Order(
            "set_charge_limit",
            "charge.set_limit",
            "Charge limit to 90\N{NO-BREAK SPACE}%",
            BY_MAKER,
            {"limit_percent": "90"},
        ),
        car,
    )


def test_enode_when_joined_through_connect_then_it_charges_and_the_rest_says_why(
    fleet: Fleet, browser: Browser, playwright: Playwright
) -> None:
    app = register_team(fleet, "enode")
    account = fleet.stack.simulator.account({"state": {"plugged_in": True, "charging_state": "stopped"}})

    phone = open_phone(fleet, browser, playwright)
    link = join_through_connect(fleet, phone, app, account, "Volkswagen")
    fleet.open(link)

    wait_for_tiles(fleet.page, "enode", tiles("start_charge", "stop_charge", missing="Not offered by Enode"))
    car = account.cars[0]["id"]
    press(fleet, Order("start_charge", "charge.start", "Start charging", "The car said “Charging”"), car)
    press(fleet, Order("stop_charge", "charge.stop", "Stop charging", "The car said “Not charging”"), car)


def test_tesla_when_its_owner_lets_the_key_in_then_it_obeys_signed_commands(
    fleet: Fleet, browser: Browser, playwright: Playwright
) -> None:
    app = register_team(fleet, "tesla")
    account = fleet.stack.simulator.account(
        {"make": "Tesla", "model": "Model 3", "year": 2024, "needs_pairing": True, "state": {"locked": False}},
        brand="tesla",
    )

    phone = open_phone(fleet, browser, playwright)
    link = join_through_connect(fleet, phone, app, account, "Tesla")
    fleet.open(link)
    signed = KINDS.keys() - {"close_frunk", "stop_engine", "send_destination"}
    needs_key = dict.fromkeys(signed, "The owner has to pair the car first")
    wait_for_tiles(fleet.page, "tesla", tiles("send_destination", missing="Not offered by Tesla", **needs_key))
    phone.page.reload()
    with phone.page.context.expect_page() as opened:
        phone.page.get_by_role("link", name="Let the key in").click()
    maker = opened.value
    assert "/dialects/tesla/_ak/" in maker.url
    maker.locator("form button").click()
    phone.page.bring_to_front()
    phone.page.get_by_role("button", name="Check again").click()
    expect(phone.page.locator("#steps")).to_contain_text("Done: the car takes commands.", timeout=30_000)

    wait_for_tiles(fleet.page, "tesla", tiles(*signed, "send_destination", missing="Not offered by Tesla"))
    car = account.cars[0]["id"]
    press(fleet, Order("lock", "lock", "Lock", BY_CAR), car)
    press(
        fleet,
        Order(
            "set_charge_limit",
            "charge.set_limit",
            "Charge limit to 85\N{NO-BREAK SPACE}%",
            BY_CAR,
            {"limit_percent": "85"},
        ),
        car,
    )
    press(fleet, Order("flash_lights", "lights.flash", "Flash lights", BY_CAR), car)
    press(fleet, Order("enable_valet", "valet.enable", "Valet mode on", BY_CAR, {"pin": PIN}), car)
