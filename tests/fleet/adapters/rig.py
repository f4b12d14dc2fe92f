"""What the contract's tests hold in their hands: a login, one order of each kind, a counted permit, a hasty client."""

from typing import Any

from fleet.adapters.base import Login
from fleet.adapters.commands import (
    KINDS,
    Command,
    EnableValet,
    SendDestination,
    SetChargeLimit,
    SetPin,
    SetTemperature,
    StartClimate,
    StartEngine,
)
from fleet.adapters.http import READ_TIMEOUT_S, Answer, Http

LOGIN = Login("access-token", "owner-1")
ACCESS = LOGIN.to("car 1/2")
# One order per kind, with every parameter that its wire form must carry.
ORDERS: list[Command] = [
    SetChargeLimit(80),
    StartClimate(21.5),
    SetTemperature(19.0),
    SendDestination(52.52, 13.405, "Depot"),
    SetPin("0123"),
    EnableValet("0123"),
    StartEngine(10),
]
ORDERS += [kind() for kind in KINDS.values() if not any(isinstance(order, kind) for order in ORDERS)]
ORDER = {order.kind: order for order in ORDERS}

# How long an answer is waited for where none will come.
HASTE_S = 0.3


class Permit:
    """Given, and counted."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self) -> None:
        self.asked += 1


class Hasty(Http):
    """Waits for nothing longer than HASTE_S."""

    async def ask(self, method: str, url: str, *, timeout_s: float = READ_TIMEOUT_S, **more: Any) -> Answer:
        return await super().ask(method, url, timeout_s=min(timeout_s, HASTE_S), **more)

    async def act(self, method: str, url: str, *, timeout_s: float, **more: Any) -> Answer:
        return await super().act(method, url, timeout_s=min(timeout_s, HASTE_S), **more)
