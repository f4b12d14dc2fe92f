"""Loads the demo fleet: one person, one team, and the simulator's demo cars, joined as if their owners had come."""

import json
import os
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from connect.brands import refresh_brands
from connect.demo import Demo, ensure_team, join_demo_cars, read_demo_cars
from fleet.adapters.errors import AdapterError
from fleet.adapters.oauth import TokenSet, read_token_answer
from fleet.vehicles.providers import ensure_simulator

READY_WITHIN_S = 15.0
ASK_AGAIN_AFTER_S = 0.1
TIMEOUT_S = 10.0
# The pretend owner who has an account at every brand; the simulator shows this sign-in on its own page.
OWNER_EMAIL = "demo@simulator.example"
OWNER_PASSWORD = "drive-safely"  # noqa: S105 - printed on the sign-in page of a pretend maker


class Command(BaseCommand):
    help = "Load the demo fleet from the simulator. Safe to run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--owner-email", default=OWNER_EMAIL, help="the pretend owner at the simulator's brands")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        if not settings.SIMULATOR_URL:
            raise CommandError("Set FLEETWELL_SIMULATOR_URL: the demo fleet lives in the simulator.")
        simulator = SimulatorControl(settings.SIMULATOR_URL)
        simulator.wait_until_ready()
        app = ensure_simulator(
            url=settings.SIMULATOR_URL,
            client_id=settings.SIMULATOR_CLIENT_ID,
            client_secret=settings.SIMULATOR_CLIENT_SECRET,
        )
        team = ensure_team(
            email=_from_environment("FLEETWELL_DEMO_EMAIL"), password=_from_environment("FLEETWELL_DEMO_PASSWORD")
        )
        try:
            demo = Demo(team, app)
            for brand in refresh_brands(app):
                scopes = demo.scopes_for(brand.key)
                tokens = simulator.grant(brand=brand.key, email=options["owner_email"], scopes=scopes)
                join_demo_cars(demo, brand, tokens)
            count = read_demo_cars(demo)
        except AdapterError as error:
            raise CommandError(
                f"The simulator at {settings.SIMULATOR_URL} did not answer as it should: {error}"
            ) from error
        self.stdout.write(f"{count} demo vehicles in “{team.name}”.")


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise CommandError(f"Set {name} in the environment: the demo account is made with it.")
    return value


class SimulatorControl:
    """What the demo asks of the simulator beyond what a maker offers: its control API, for this machine alone."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def wait_until_ready(self) -> None:
        """Wait until it answers. Raises CommandError after some seconds."""
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                self._ask("GET", "/healthz")
            except (OSError, ValueError) as error:
                if time.monotonic() >= deadline:
                    raise CommandError(f"The simulator at {self.url} does not answer: {error}") from error
                time.sleep(ASK_AGAIN_AFTER_S)
            else:
                return

    def grant(self, *, brand: str, email: str, scopes: list[str]) -> TokenSet:
        """Return tokens of the pretend owner's account at a brand, as if the owner had signed in and agreed."""
        try:
            account = self._ask(
                "POST", "/_control/accounts", {"brand": brand, "email": email, "password": OWNER_PASSWORD}
            )
            wanted = {
                "account_id": account["account_id"],
                "client_id": settings.SIMULATOR_CLIENT_ID,
                "scopes": scopes,
            }
            return read_token_answer(self._ask("POST", "/_control/tokens", wanted))
        except urllib.error.HTTPError as error:
            with error:
                raise CommandError(f"The simulator refused the demo account: HTTP {error.code}") from error

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - an address of our own settings
            self.url + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
        return answer
