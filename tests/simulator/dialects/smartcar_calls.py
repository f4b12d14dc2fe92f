"""Smartcar's dialect as an application asks it: token, connection, commands, signals. No assertion lives here."""

import json
from typing import Any

from tests.simulator.cloud import CLIENT_ID, CLIENT_SECRET, Answer, Owner, Simulator

BASE = "/dialects/smartcar"
CAR = {"model": "ID.4", "year": 2023, "state": {"plugged_in": True, "soc_percent": 50}}
GOLF = {"model": "Golf", "year": 2021, "powertrain": "ICE"}


class Caller:
    """An application with its token, and one user who has connected a car."""

    def __init__(self, lab: Simulator, owner: Owner, **options: Any) -> None:
        self.lab, self.owner = lab, owner
        made = lab.request(
            "POST",
            f"{BASE}/_control/connections",
            json.dumps({"account_id": owner.account_id, "client_id": CLIENT_ID, **options}),
        ).json()
        self.user_id, self.connections = made["user_id"], made["connections"]
        self.vehicle = made["vehicles"][owner.car]
        self.token = get_token(lab).json()["access_token"]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return self.lab.request(
            method,
            f"{BASE}/v3/{path}",
            None if body is None else json.dumps(body),
            {"Authorization": f"Bearer {self.token}", "sc-user-id": self.user_id, **headers},
        )

    def send(self, path: str, **attributes: Any) -> Answer:
        body = {"data": {"attributes": attributes}} if attributes else None
        return self.ask("POST", f"vehicles/{self.vehicle}/commands/{path}", body)

    def signals(self, **headers: str) -> dict[str, dict[str, Any]]:
        return {
            signal["id"]: signal
            for signal in self.ask("GET", f"vehicles/{self.vehicle}/signals", **headers).json()["data"]
        }


def get_token(lab: Simulator, **fields: str) -> Answer:
    asked = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **fields}
    return lab.form(f"{BASE}/oauth2/token", asked)


def name_error(answer: Answer) -> tuple[int, str, str | None, str | None]:
    (error,) = answer.json()["errors"]
    return answer.status, error["type"], error["code"], error["resolution"]["type"]
