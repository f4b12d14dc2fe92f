"""What the cars of a pass can't do of what a link asks for, as the maker tells before the owner decides."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence

from fleet.adapters.base import Access, Adapter, RemoteVehicle
from fleet.adapters.capabilities import Answer, Capability
from fleet.adapters.commands import KINDS
from fleet.adapters.errors import AdapterError

logger = logging.getLogger(__name__)

# The owner waits meanwhile: only so many cars are asked about, a few at once, for so long in all.
MOST_CARS = 20
AT_ONCE = 5
ANSWER_WITHIN_S = 8.0
# By scope, why a car can't do anything of it.
Refusals = Mapping[str, str]


async def ask_refusals(
    adapter: Adapter, access_token: str, cars: Sequence[RemoteVehicle], scopes: Collection[str]
) -> dict[str, Refusals]:
    """Return by the maker's id of a car which of the scopes it can't do. What the maker does not say is not in it.

    Never fails: a maker that is slow or in trouble here has only not told, and the owner goes on.
    """
    controls = [scope for scope in scopes if scope.startswith("control_")]
    if not controls:
        return {}
    found: dict[str, Refusals] = {}
    slots = asyncio.Semaphore(AT_ONCE)

    async def ask(car: RemoteVehicle) -> None:
        async with slots:
            try:
                said = await adapter.read_capabilities(Access(car.provider_vehicle_id, access_token))
            except AdapterError as error:
                logger.info("what a car can do is not known: %s", error)
                return
            found[car.provider_vehicle_id] = refusals_in(said, controls, offered=adapter.manifest.commands)

    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await asyncio.gather(*(ask(car) for car in cars[:MOST_CARS]))
    except TimeoutError:
        logger.info("what the cars can do was not told within %s s", ANSWER_WITHIN_S)
    return found


def refusals_in(said: Mapping[str, Capability], scopes: Collection[str], *, offered: Collection[str]) -> dict[str, str]:
    """Return the scopes of which a car can do no command at all, each with why.

    offered: the commands that the adapter has. A car that only waits for being paired can do what it is asked.
    """
    refused: dict[str, str] = {}
    for scope in scopes:
        answers = [said.get(kind) for kind, command in KINDS.items() if command.scope == scope and kind in offered]
        if answers and all(
            answer is not None and answer.answer is Answer.NO and answer.why != "needs_pairing" for answer in answers
        ):
            refused[scope] = answers[0].why if answers[0] is not None else ""
    return refused
