"""A real simulator process for the whole run, and a small client for its control API."""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from fleet.run.environment import ROOT
from fleet.run.errors import tail
from fleet.run.processes import kill_group, start_process, wait_until
from tests.infrastructure.canary import Canary
from tests.infrastructure.servers import servers

CLIENT_ID = "fleetwell-test"
CLIENT_SECRET = "only-for-tests"
PASSWORD = "correct horse battery"
READS = ("vin", "odometer", "battery", "charge", "location", "lock_state", "climate", "fuel", "tires")
CONTROLS = ("security", "charge", "climate", "navigation", "pin", "trunk", "engine")
ALL_SCOPES = [*(f"read_{name}" for name in READS), *(f"control_{name}" for name in CONTROLS)]
READY_WITHIN_S = 20.0


@dataclass(frozen=True)
class Account:
    """An owner's login at a pretend maker; `cars` as the control API answered, each with "id" and "vin"."""

    id: str
    brand: str
    email: str
    password: str
    cars: list[dict[str, Any]]


class Simulator:
    """What a test tells the pretend maker, and what it asks about what really reached a car."""

    def __init__(self, url: str):
        self.url = url
        self.changed_all_cars = False

    def account(self, *vehicles: dict[str, Any], brand: str = "volkswagen", email: str | None = None) -> Account:
        """A new account of its own; without vehicles it gets one electric car, online. Facts left out are filled in."""
        email = email or f"{uuid.uuid4().hex[:12]}@owner.example"
        wanted = [{"make": "Volkswagen", "model": "ID.3", "year": 2023, **vehicle} for vehicle in vehicles or ({},)]
        answer = self._ask(
            "POST", "/_control/accounts", {"brand": brand, "email": email, "password": PASSWORD, "vehicles": wanted}
        )
        return Account(answer["account_id"], brand, email, PASSWORD, answer["vehicles"])

    def behaviour(self, *, car: str = "*", **fields: Any) -> None:
        """Fields as in the control API, e.g. car=id, lose_reply=1. What is set for all cars ends with the test."""
        self.changed_all_cars |= car == "*"
        self._ask("PUT", "/_control/behaviour", {"car": car, **fields})

    def clear_behaviour(self, *, car: str = "*") -> None:
        self._ask("DELETE", "/_control/behaviour", car=car)

    def car(self, car: str) -> dict[str, Any]:
        """The whole truth about one car."""
        return self._ask("GET", f"/_control/cars/{car}")

    def set_car(self, car: str, *, online: str | None = None, **signals: Any) -> dict[str, Any]:
        state = {"signals": signals} | ({"online": online} if online else {})
        return self._ask("POST", f"/_control/cars/{car}", state)

    def ledger(self, *, car: str | None = None, command: str | None = None) -> list[dict[str, Any]]:
        """Every command request that reached a car, in order."""
        return self._ask("GET", "/_control/ledger", car=car, command=command)["entries"]

    def count(self, *, car: str | None = None, command: str | None = None) -> int:
        return self._ask("GET", "/_control/ledger/count", car=car, command=command)["count"]

    def quota(self, *, client: str = CLIENT_ID, **fields: Any) -> None:
        """What a client may: limit=, window_s=, per_minute=, minute_s=; nothing takes its quota away."""
        self._ask("PUT", "/_control/quota", {"client": client, **fields})

    def quota_use(self, *, client: str = CLIENT_ID) -> dict[str, Any]:
        """What a client used of its quota: "windows", "allowed", "violations"."""
        lines = self._ask("GET", "/_control/quota")["clients"]
        return next(line for line in lines if line["client"] == client)

    def reset(self, *, everything: bool = False) -> None:
        """Behaviours and ledger of all; with everything=True also accounts, grants and clients."""
        self._ask("POST", "/_control/reset", {"everything": everything})
        if everything:
            self.register_client()

    def token(self, account: Account, *, scopes: list[str] | None = None, client_id: str = CLIENT_ID) -> dict[str, Any]:
        """An answer as from the token endpoint, without a browser; all scopes unless told."""
        wanted = {"account_id": account.id, "client_id": client_id, "scopes": ALL_SCOPES if scopes is None else scopes}
        return self._ask("POST", "/_control/tokens", wanted)

    def token_counts(self) -> dict[str, int]:
        """Of all clients: "rotations" of refresh tokens, "reuses" of spent ones, "grants" that live."""
        return self._ask("GET", "/_control/tokens")

    def register_client(
        self, *redirect_uris: str, client_id: str = CLIENT_ID, client_secret: str = CLIENT_SECRET
    ) -> None:
        uris = list(redirect_uris) or ["http://testserver/connect/callback/"]
        client = {"client_id": client_id, "client_secret": client_secret, "redirect_uris": uris}
        self._ask("POST", "/_control/clients", client)

    def secrets(self) -> list[str]:
        """Every token, code, key and PIN that went in or out, whatever was reset since."""
        return self._ask("GET", "/_control/secrets")["secrets"]

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None, **query: str | None) -> dict[str, Any]:
        given = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}?{given}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{method} {path} {body}: {error.code} {error.read().decode()}") from error


@pytest.fixture(scope="session")
def simulator(canary: Canary) -> Iterator[Simulator]:
    """The pretend maker at settings.SIMULATOR_URL. Tests stay apart by accounts and cars of their own."""
    log = servers.folder / "simulator.log"
    command = [sys.executable, "-m", "simulator", "--port", str(servers.simulator_port)]
    process = start_process(command, log=log, cwd=ROOT)
    ready = wait_until(
        lambda: process.poll() is not None or "simulator ready" in "".join(tail(log, lines=5)),
        within_s=READY_WITHIN_S,
    )
    try:
        if not ready or process.poll() is not None:
            pytest.fail("The simulator did not start:\n" + "\n".join(tail(log, lines=20)))
        client = Simulator(f"http://127.0.0.1:{servers.simulator_port}")
        client.register_client()
        yield client
        canary.tell(*client.secrets())
    finally:
        kill_group(process)


@pytest.fixture(autouse=True)
def _behaviour_of_all_cars_ends_with_the_test(request: pytest.FixtureRequest) -> Iterator[None]:
    client = request.getfixturevalue("simulator") if "simulator" in request.fixturenames else None
    yield
    if isinstance(client, Simulator) and client.changed_all_cars:
        client.clear_behaviour(car="*")
        client.changed_all_cars = False
