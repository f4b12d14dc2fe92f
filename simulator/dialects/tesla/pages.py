"""Tesla's pages for owners: the way to the sign-in, and the page that lets a domain's key into a car."""

from urllib.parse import urlencode

from aiohttp import web

from simulator.authorize_pages import page, show_problem, speak
from simulator.brands import BRANDS
from simulator.cars import Car
from simulator.dialects.tesla.lab import BRAND, PREFIX, find_domain_key, find_lab, let_key_in
from simulator.dialects.tesla.scopes import KNOWN, translate
from simulator.dialects.tesla.tokens import NO_PKCE
from simulator.keys import WORLD
from simulator.oauth import make_challenge
from simulator.pages import fill, words

_PASSED_ON = ("client_id", "redirect_uri", "response_type", "state", "ui_locales")


async def begin_sign_in(request: web.Request) -> web.StreamResponse:
    """Send the owner on to the brand's own sign-in, with the scopes in the simulator's words."""
    asked = request.query.get("scope", "").split()
    # An unknown scope is passed on as it is: the sign-in page knows how to refuse it.
    scopes = translate(asked) if set(asked) <= KNOWN else asked
    fields = {name: request.query[name] for name in _PASSED_ON if name in request.query}
    fields["scope"] = " ".join(scopes)
    if "code_challenge" in request.query:
        fields["code_challenge"] = request.query["code_challenge"]
        fields["code_challenge_method"] = request.query.get("code_challenge_method", "")
    else:
        fields |= {"code_challenge": make_challenge(NO_PKCE), "code_challenge_method": "S256"}
    if "locale" in request.query:
        fields["ui_locales"] = request.query["locale"]
    find_lab(request.app[WORLD]).remember_question(fields.get("client_id", ""), fields["code_challenge"], asked)
    return web.Response(
        status=302,
        headers={"Location": f"/{BRAND}/oauth/authorize?{urlencode(fields)}", "Cache-Control": "no-store"},
    )


async def show_pairing(request: web.Request) -> web.StreamResponse:
    """Ask. Nothing happens by looking: programs that read mail open links too."""
    car, key = _find(request)
    if car is None or key is None:
        return _show_problem(request, "unknown_car" if key else "unknown_client")
    text = words(speak(request))
    body = fill(
        "pairing.html",
        {
            "heading": text["pair_heading"],
            "lead": text["pair_lead"].format(car=car.display_name),
            "action": f"{PREFIX}/_ak/{request.match_info['domain']}?{urlencode({'vin': car.vin})}",
            "allow": text["pair_allow"],
        },
    )
    return page(BRANDS[BRAND], speak(request), text["pair_heading"], body)


async def pair(request: web.Request) -> web.StreamResponse:
    car, key = _find(request)
    if car is None or key is None:
        return _show_problem(request, "unknown_car" if key else "unknown_client")
    let_key_in(request.app[WORLD], car, key)
    car.is_unpaired = False
    text = words(speak(request))
    body = fill(
        "problem.html", {"heading": text["paired_heading"], "text": text["paired_text"].format(car=car.display_name)}
    )
    return page(BRANDS[BRAND], speak(request), text["paired_heading"], body)


def _find(request: web.Request) -> tuple[Car | None, bytes | None]:
    """Return the car of the VIN in the address and the key of its domain; None for what is not known."""
    world, vin = request.app[WORLD], request.query.get("vin", "")
    key = find_domain_key(world, request.match_info["domain"])
    car = next((car for car in world.garage if vin and car.vin == vin), None)
    account = world.accounts.find(car.account_id) if car is not None else None
    return car if account is not None and account.brand == BRAND else None, key


def _show_problem(request: web.Request, problem: str) -> web.Response:
    return show_problem(request, BRANDS[BRAND], problem)
