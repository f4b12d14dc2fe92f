"""The page on which an owner lets a service's key into a car, as some makers ask for before they take commands."""

from aiohttp import web

from simulator.authorize_pages import find_brand, page, show_problem, speak
from simulator.cars import Car
from simulator.keys import WORLD
from simulator.pages import fill, words


async def show_pairing(request: web.Request) -> web.StreamResponse:
    """Ask. Nothing happens by looking: programs that read mail open links too."""
    brand, car = find_brand(request), _find_car(request)
    if car is None:
        return show_problem(request, brand, "unknown_car")
    if not car.is_unpaired:
        return _show_paired(request, car)
    text = words(speak(request))
    body = fill(
        "pairing.html",
        {
            "heading": text["pair_heading"],
            "lead": text["pair_lead"].format(car=car.display_name),
            "action": f"/{brand.key}/pair/{car.id}",
            "allow": text["pair_allow"],
        },
    )
    return page(brand, speak(request), text["pair_heading"], body)


async def pair(request: web.Request) -> web.StreamResponse:
    brand, car = find_brand(request), _find_car(request)
    if car is None:
        return show_problem(request, brand, "unknown_car")
    car.is_unpaired = False
    request.app[WORLD].changes += 1
    return _show_paired(request, car)


def _show_paired(request: web.Request, car: Car) -> web.Response:
    text = words(speak(request))
    body = fill(
        "problem.html", {"heading": text["paired_heading"], "text": text["paired_text"].format(car=car.display_name)}
    )
    return page(find_brand(request), speak(request), text["paired_heading"], body)


def _find_car(request: web.Request) -> Car | None:
    """Return the car if it is of this brand."""
    world, brand = request.app[WORLD], find_brand(request)
    car = world.garage.find(request.match_info["id"])
    account = world.accounts.find(car.account_id) if car else None
    return car if account is not None and account.brand == brand.key else None
