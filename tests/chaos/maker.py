"""The simulator's control API as the rig uses it; it goes past the proxy, so that no toxic disturbs it."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any

from tests.chaos.records import Request

READS = ("vin", "odometer", "battery", "charge", "location", "lock_state", "climate", "fuel", "tires")
CONTROLS = ("security", "charge", "climate", "navigation", "pin", "trunk", "engine")
ALL_SCOPES = [*(f"read_{name}" for name in READS), *(f"control_{name}" for name in CONTROLS)]
PASSWORD = "correct horse battery"
# How every car behaves that is told nothing else: a maker's cloud takes its time.
LATENCY_S = {"min": 0.2, "max": 1.2}
FAULTS = (
    "effect_s",
    "wake_s",
    "wake_fails",
    "offline",
    "asleep",
    "refuse",
    "never_acts",
    "lose_reply",
    "reset_after_first_byte",
    "hang",
    "status_before",
    "status_after",
    "rate_limit",
    "garbage",
    "slow_body_s",
    "answer",
    "scope",
    "clock_offset_s",
)
NOTHING: dict[str, Any] = dict.fromkeys(FAULTS)


class Maker:
    """What the rig tells the pretend maker, and what it asks about what really reached a car."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def register_client(self, client_id: str, client_secret: str) -> None:
        redirects = ["http://localhost/connect/callback/"]
        self._ask(
            "POST",
            "/_control/clients",
            {"client_id": client_id, "client_secret": client_secret, "redirect_uris": redirects},
        )

    def account(self, email: str, *, brand: str, vehicles: list[dict[str, Any]]) -> dict[str, Any]:
        """A new owner's login with cars; as the control API answers."""
        wanted = {"brand": brand, "email": email, "password": PASSWORD, "vehicles": vehicles}
        return self._ask("POST", "/_control/accounts", wanted)

    def tokens(self, account_id: str, *, client_id: str) -> dict[str, Any]:
        wanted = {"account_id": account_id, "client_id": client_id, "scopes": ALL_SCOPES}
        return self._ask("POST", "/_control/tokens", wanted)

    def set_car(self, car: str, **signals: Any) -> dict[str, Any]:
        return self._ask("POST", f"/_control/cars/{car}", {"signals": signals})

    def signals(self, car: str) -> dict[str, Any]:
        """What is true of a car now."""
        return self._ask("GET", f"/_control/cars/{car}")["signals"]

    def behave(self, car: str, **fields: Any) -> None:
        self._ask("PUT", "/_control/behaviour", {"car": car, **fields})

    def requests(self) -> list[Request]:
        """The whole ledger."""
        entries = self._ask("GET", "/_control/ledger")["entries"]
        for entry in entries:
            for name in ("received_at", "executed_at", "answered_at"):
                entry[name] = None if entry[name] is None else _seconds(entry[name])
        return [Request(**entry) for entry in entries]

    def quota_violations(self) -> int | None:
        """Calls beyond a client's quota; None from a simulator that counts none."""
        try:
            answer = self._ask("GET", "/_control/quota")
        except urllib.error.HTTPError:
            return None
        return sum(int(line.get("violations", 0)) for line in answer.get("clients", []))

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)


def _seconds(raw: str) -> float:
    return datetime.fromisoformat(raw).timestamp()


def misbehaviour(chance: random.Random) -> dict[str, Any]:
    """Draw what is to be wrong with one car for a while; everything else about it is as usual."""
    wrong: list[dict[str, Any]] = [
        {"lose_reply": True},
        {"reset_after_first_byte": True},
        {"hang": 1},
        {"status_before": {"status": 503}},
        {"status_after": {"status": 503}},
        {"status_after": {"status": 500}},
        {"rate_limit": {"retry_after_s": 1}},
        {"rate_limit": {"retry_after_s": 4, "count": 2, "date": True}},
        {"refuse": "busy"},
        {"refuse": "user_present"},
        {"asleep": True, "wake_s": 1.0},
        {"asleep": True, "wake_fails": True},
        {"offline": True},
        {"never_acts": True},
        {"effect_s": 1.5},
        {"answer": "ack"},
        {"garbage": "html"},
        {"garbage": "truncated"},
        {"garbage": "empty"},
        {"slow_body_s": 1.5},
        {"lose_reply": 1, "scope": "all"},
        {"clock_offset_s": 90.0},
        {"clock_offset_s": -90.0},
        {},
    ]
    return NOTHING | chance.choice(wrong)
