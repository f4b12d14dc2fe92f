"""The demo world: one pretend owner with cars in different situations at every brand, from data/demo_cars.toml."""

import tomllib
from pathlib import Path

from simulator.accounts import DEMO_EMAIL, DEMO_PASSWORD
from simulator.brands import BRANDS
from simulator.world import World

_CARS = Path(__file__).parent / "data" / "demo_cars.toml"


def seed_demo(world: World) -> None:
    """Fill an empty world. The owner is the same pretend person at every brand, with an account of its own there."""
    accounts = {key: world.accounts.register(brand=key, email=DEMO_EMAIL, password=DEMO_PASSWORD) for key in BRANDS}
    now = world.now()
    for demo in tomllib.loads(_CARS.read_text(encoding="utf-8"))["cars"]:
        car = world.garage.create(
            account_id=accounts[demo["brand"]].id,
            brand_name=BRANDS[demo["brand"]].name,
            now=now,
            model=demo["model"],
            year=demo["year"],
            display_name=demo["display_name"],
            license_plate=demo["license_plate"],
            not_capable=frozenset(demo.get("not_capable", ())),
            is_unpaired=demo.get("needs_pairing", False),
        )
        world.set_car(car, signals=demo["state"], online=demo.get("online"))
        if "seen_h_ago" in demo:
            car.last_known_at = now - demo["seen_h_ago"] * 3600
    world.changes += 1
