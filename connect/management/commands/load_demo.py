"""Loads the demo fleet: one person, one team, and the simulator's demo cars, joined as if their owners had come."""

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from connect.brands import refresh_brands
from connect.demo import ACTOR, Demo, ensure_team, join_demo_cars, read_demo_cars, send_demo_key
from connect.lab import PRETENDS, Lab, LabError
from fleet.adapters.errors import AdapterError

# The pretend owner who has an account at every brand; the simulator shows this sign-in on its own page.
OWNER_EMAIL = "demo@simulator.example"


class Command(BaseCommand):
    help = "Load the demo fleet from the simulator. Safe to run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--owner-email", default=OWNER_EMAIL, help="the pretend owner at the simulator's brands")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        if not settings.SIMULATOR_URL:
            raise CommandError("Set FLEETWELL_SIMULATOR_URL: the demo fleet lives in the simulator.")
        email = _from_environment("FLEETWELL_DEMO_EMAIL")
        password = _from_environment("FLEETWELL_DEMO_PASSWORD")
        lab = Lab(settings.SIMULATOR_URL)
        try:
            lab.wait_until_ready()
            simulator = lab.register_simulator()
            apps = [lab.register(pretend, actor=ACTOR) for pretend in PRETENDS]
            demo = Demo(ensure_team(email=email, password=password), simulator)
            of_brand = {brand: app for pretend, app in zip(PRETENDS, apps, strict=True) for brand in pretend.brands}
            for brand in refresh_brands(simulator):
                app = of_brand.get(brand.key, simulator)
                scopes = demo.scopes_for(brand.key, app)
                tokens = lab.grant(app.provider, brand=brand.key, email=options["owner_email"], scopes=scopes)
                join_demo_cars(demo, app, brand, tokens)
            for app in apps:
                refresh_brands(app)
                send_demo_key(app, lab)
            count = read_demo_cars(demo)
        except (AdapterError, LabError) as error:
            raise CommandError(
                f"The simulator at {settings.SIMULATOR_URL} did not answer as it should: {error}"
            ) from error
        self.stdout.write(f"{count} demo vehicles in “{demo.team.name}”.")


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise CommandError(f"Set {name} in the environment: the demo account is made with it.")
    return value
