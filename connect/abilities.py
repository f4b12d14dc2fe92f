"""What the cars of a pass can't do of what a link asks for, before the owner decides: their maker's word, and what is
declared of cars like them.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence

from compatibility.answers import weigh
from compatibility.eligibility import Refusals, commands_of, refused_scopes
from compatibility.lookup import Car, Declared, declared_for
from compatibility.words import Support
from fleet.adapters.base import Adapter, Login, RemoteVehicle
from fleet.adapters.capabilities import Capability
from fleet.adapters.commands import KINDS
from fleet.adapters.errors import AdapterError

logger = logging.getLogger(__name__)

# The owner waits meanwhile: only so many cars are asked about, a few at once, for so long in all.
MOST_CARS = 20
AT_ONCE = 5
ANSWER_WITHIN_S = 8.0
Said = Mapping[str, Capability]


async def ask_abilities(
    adapter: Adapter, login: Login, cars: Sequence[RemoteVehicle], scopes: Collection[str]
) -> dict[str, Said]:
    """Return by the maker's id of a car what the maker says that it can do; nothing when only reads are asked for.

    Never fails: a maker that is slow or in trouble here has only not told, and the owner goes on.
    """
    found: dict[str, Said] = {}
    if not any(scope.startswith("control_") for scope in scopes):
        return found
    slots = asyncio.Semaphore(AT_ONCE)

    async def ask(car: RemoteVehicle) -> None:
        async with slots:
            try:
                said = await adapter.read_capabilities(login.to(car.provider_vehicle_id))
            except AdapterError as error:
                logger.info("what a car can do is not known: %s", error)
                return
            found[car.provider_vehicle_id] = said

    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await asyncio.gather(*(ask(car) for car in cars[:MOST_CARS]))
    except TimeoutError:
        logger.info("what the cars can do was not told within %s s", ANSWER_WITHIN_S)
    return found


def refusals_of_cars(
    provider: str, cars: Sequence[RemoteVehicle], said: Mapping[str, Said], *, country: str, scopes: Collection[str]
) -> dict[str, Refusals]:
    """Return by the maker's id of a car which of the scopes it can do nothing of, each with why. Two queries."""
    if not any(scope.startswith("control_") for scope in scopes):
        return {}
    described = {car.provider_vehicle_id: _describe(car, country) for car in cars}
    kinds = [kind for scope in scopes for kind in commands_of(scope)]
    declared = declared_for(((provider, car) for car in described.values()), abilities=kinds)
    return {
        car_id: refusals_in(provider, said.get(car_id, {}), declared[provider, car], scopes)
        for car_id, car in described.items()
    }


def refusals_in(provider: str, said: Said, declared: Mapping[str, Declared], scopes: Collection[str]) -> dict[str, str]:
    """Return the scopes of which one car can do no command at all, each with why. said: by its maker."""
    answers = {
        kind: weigh(_plain(said.get(kind)), declared.get(kind) or Declared(kind, Support.UNKNOWN), provider)
        for kind in KINDS
    }
    return refused_scopes(answers, scopes)


def _describe(car: RemoteVehicle, country: str) -> Car:
    return Car(car.make, car.model, car.year, car.powertrain or "", country)


def _plain(capability: Capability | None) -> dict[str, str] | None:
    return None if capability is None else {"answer": capability.answer.value, "why": capability.why}
