"""In which units people read and type: miles and °F where their team wishes so. Whatever is kept or sent is metric.

As with languages and time zones, one choice is active at a time: during a request that of the team in which the person
works, anywhere else metric, unless override() says otherwise, as for a letter.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from asgiref.local import Local
from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django.utils.formats import number_format

from fleet.teams.access import current_membership
from fleet.teams.models import Team

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Unit:
    """One way to say a measure. name: what ends the names of fields; decimals: as people read it.

    A metric value times `factor`, plus `zero`, is the value in this unit.
    """

    name: str
    sign: str
    decimals: int
    factor: float = 1.0
    zero: float = 0.0

    @property
    def is_metric(self) -> bool:
        return self.factor == 1.0

    def from_metric(self, value: float) -> float:
        return value * self.factor + self.zero

    def to_metric(self, value: float) -> float:
        return (value - self.zero) / self.factor


KM = Unit("km", "km", 0)
MILES = Unit("mi", "mi", 0, factor=1 / 1.609344)
CELSIUS = Unit("c", "°C", 1)
# Whole degrees: half a degree Celsius, the step of most cars, is finer, so that what somebody types comes back.
FAHRENHEIT = Unit("f", "°F", 0, factor=1.8, zero=32.0)
DISTANCES = {unit.name: unit for unit in (KM, MILES)}
TEMPERATURES = {unit.name: unit for unit in (CELSIUS, FAHRENHEIT)}


@dataclass(frozen=True)
class Units:
    """What a team chose."""

    distance: Unit = KM
    temperature: Unit = CELSIUS

    def instead_of(self, sign: str) -> Unit | None:
        """Return in what a quantity with a metric sign is read; None for one that is the same everywhere."""
        return {KM.sign: self.distance, CELSIUS.sign: self.temperature}.get(sign)


METRIC = Units()
_active = Local()


def units_of(team: Team) -> Units:
    """Return what the people of a team read and type."""
    return Units(DISTANCES[team.distance_unit], TEMPERATURES[team.temperature_unit])


def current() -> Units:
    """Return the units that are active now."""
    ask: Callable[[], Units] | None = getattr(_active, "ask", None)
    return METRIC if ask is None else ask()


@contextmanager
def override(units: Units) -> Iterator[None]:
    """Speak in these units inside the block."""
    with _asking(lambda: units):
        yield


def shown(value: float, sign: str, decimals: int | None = None) -> tuple[str, str]:
    """Return a metric value as a number in the reader's language and unit, and the sign of that unit."""
    unit = current().instead_of(sign)
    if unit is not None and not unit.is_metric:
        value, sign, decimals = unit.from_metric(value), unit.sign, unit.decimals
    elif decimals is None:
        decimals = unit.decimals if unit is not None else 0
    # Adding nothing makes 0 of -0.
    return number_format(round(value, decimals) + 0, decimals, force_grouping=True), sign


def temperature(value_c: float) -> str:
    """Return a temperature as people read it: "21.5 °C", "71 °F"."""
    return NO_BREAK_SPACE.join(shown(value_c, CELSIUS.sign))


def radius(value_km: float) -> str:
    """Return a short distance with no more decimals than it has: "2 km", "1.24 mi"."""
    unit = current().distance
    value = round(unit.from_metric(value_km), 2)
    decimals = next((places for places in (0, 1) if round(value, places) == value), 2)
    return f"{number_format(value, decimals, force_grouping=True)}{NO_BREAK_SPACE}{unit.sign}"


@contextmanager
def _asking(ask: Callable[[], Units]) -> Iterator[None]:
    before = getattr(_active, "ask", None)
    _active.ask = ask
    try:
        yield
    finally:
        _active.ask = before


View = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def speak_in_units(get_response: View) -> View:
    """Let a request speak in the units of the team that is worked in; looked up once something asks for them.

    A file that is streamed is written after the request, and so is metric.
    """
    answer: Any
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            with _asking(lambda: _units_of_request(request)):
                return await get_response(request)

        answer = answer_async
    else:

        def answer_sync(request: HttpRequest) -> HttpResponseBase:
            with _asking(lambda: _units_of_request(request)):
                return get_response(request)  # type: ignore[return-value]

        answer = answer_sync
    return answer  # type: ignore[no-any-return]


def _units_of_request(request: HttpRequest) -> Units:
    membership = current_membership(request)
    return METRIC if membership is None else units_of(membership.team)
