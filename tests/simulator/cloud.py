"""A simulator process and a plain HTTP client for it: what the tests here share. No assertion lives here."""

import base64
import hashlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

REPOSITORY = Path(__file__).parents[2]
CLIENT_ID, CLIENT_SECRET = "fleetwell-tests", "a secret"
REDIRECT_URI = "http://127.0.0.1:9/back"
PASSWORD = "open sesame"
READS = ["vin", "odometer", "battery", "charge", "location", "lock_state", "climate", "fuel", "tires"]
CONTROLS = ["security", "charge", "climate", "navigation", "pin", "trunk", "engine"]
SCOPES = [*(f"read_{word}" for word in READS), *(f"control_{word}" for word in CONTROLS)]
VERIFIER = "v" * 43


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> dict[str, str]:
        """The query of the address that a redirect leads to."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.headers["Location"]).query).items()}


@dataclass
class Simulator:
    """One running process and requests to it."""

    process: subprocess.Popen[str]
    address: str
    counter: int = field(default=0)

    @property
    def host(self) -> tuple[str, int]:
        parts = urlsplit(self.address)
        return parts.hostname or "", parts.port or 0

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
        timeout=10.0,
    ) -> Answer:
        connection = HTTPConnection(*self.host, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the control API and return what it said; anything but a success is a mistake of the test."""
        answer = self.request(method, f"/_control/{path}", None if body is None else json.dumps(body))
        if answer.status != 200:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.text}")
        return answer.json()

    def form(self, path: str, fields: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self.request("POST", path, urlencode(fields, doseq=True), headers)

    def behave(self, car: str = "*", **fields: Any) -> None:
        self.control("PUT", "behaviour", {"car": car, **fields})

    def add_owner(self, *vehicles: dict[str, Any], brand: str = "volkswagen", scopes: list[str] = SCOPES) -> "Owner":
        self.counter += 1
        email = f"owner{self.counter}-{time.monotonic_ns()}@simulator.example"
        account = self.control(
            "POST",
            "accounts",
            {"brand": brand, "email": email, "password": PASSWORD, "vehicles": list(vehicles)},
        )
        tokens = self.control(
            "POST", "tokens", {"account_id": account["account_id"], "client_id": CLIENT_ID, "scopes": scopes}
        )
        cars = [vehicle["id"] for vehicle in account["vehicles"]]
        return Owner(self, account["account_id"], brand, email, cars, account["vehicles"], tokens)

    def token(self, brand: str, **fields: str) -> Answer:
        return self.form(f"/{brand}/oauth/token", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **fields})

    def entries(self, car: str, **wanted: str) -> list[dict[str, Any]]:
        return self.control("GET", "ledger?" + urlencode({"car": car, **wanted}))["entries"]

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


@dataclass
class Owner:
    """An account with its cars, and a client's tokens for it."""

    simulator: Simulator
    account_id: str
    brand: str
    email: str
    cars: list[str]
    vehicles: list[dict[str, Any]]
    tokens: dict[str, Any]

    @property
    def car(self) -> str:
        return self.cars[0]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    def get(self, path: str) -> Answer:
        return self.simulator.request("GET", f"/api/v1/{path}", headers=self.headers)

    def send(self, command: str, request_id: str = "", timeout=10.0, **parameters: Any) -> Answer:
        return self.simulator.request(
            "POST",
            f"/api/v1/vehicles/{self.car}/commands",
            json.dumps({"command": command, "parameters": parameters}),
            {**self.headers, "X-Request-Id": request_id},
            timeout=timeout,
        )

    def wake(self) -> Answer:
        return self.simulator.request("POST", f"/api/v1/vehicles/{self.car}/wake", headers=self.headers)

    def signals(self) -> dict[str, Any]:
        return {
            name: signal["value"] for name, signal in self.get(f"vehicles/{self.car}/state").json()["signals"].items()
        }

    def set(self, online: str | None = None, **signals: Any) -> dict[str, Any]:
        return self.simulator.control("POST", f"cars/{self.car}", {"signals": signals, "online": online})

    def truth(self) -> dict[str, Any]:
        return self.simulator.control("GET", f"cars/{self.car}")

    def entry(self) -> dict[str, Any]:
        """The one line that the ledger has for this car."""
        (entry,) = self.simulator.entries(self.car)
        return entry


def start_simulator(*arguments: str) -> Simulator:
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", "0", *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=None,
        text=True,
        env={**os.environ, "SIMULATOR_CLIENT_SECRET": CLIENT_SECRET},
    )
    ready, _, _ = select.select([process.stdout], [], [], 20)
    line = process.stdout.readline() if ready else ""
    if not line.startswith("simulator ready "):
        process.kill()
        process.wait()
        raise AssertionError(f"the simulator did not start: {line!r}")
    return Simulator(process, line.split()[-1])


def make_client_arguments() -> list[str]:
    return ["--client-id", CLIENT_ID, "--redirect-uri", REDIRECT_URI]


def send_raw_command(owner: Owner, command: str) -> tuple[bytes, type[OSError] | None]:
    """Send one command over a bare socket; return every byte that came and the error that ended the connection."""
    body = json.dumps({"command": command, "parameters": {}})
    head = (
        f"POST /api/v1/vehicles/{owner.car}/commands HTTP/1.1\r\nHost: simulator\r\n"
        f"Authorization: Bearer {owner.tokens['access_token']}\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    received = b""
    with socket.create_connection(owner.simulator.host, timeout=10) as connection:
        connection.sendall((head + body).encode())
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except OSError as error:
            return received, type(error)
    return received, None


def wait_until(is_so: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Ask again and again until it is so or the time is up; return whether it became so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        select.select([], [], [], 0.01)
    return False


def make_challenge(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class PageReader(HTMLParser):
    """What a test needs of a page: hidden fields, labels, buttons and the words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.inputs: dict[str, dict[str, str | None]] = {}
        self.scopes: list[str] = []
        self.labelled: set[str] = set()
        self.language = ""
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        fields = dict(attributes)
        if tag == "html":
            self.language = fields.get("lang") or ""
        if tag == "label":
            self.labelled.add(fields.get("for") or "")
        if tag == "input":
            self.inputs[fields.get("id") or fields.get("name") or ""] = fields
            if fields.get("name") == "scope":
                self.scopes.append(fields.get("value") or "")

    def handle_data(self, data: str) -> None:
        self.words += data

    @property
    def ticket(self) -> str:
        return self.inputs["ticket"]["value"] or ""
