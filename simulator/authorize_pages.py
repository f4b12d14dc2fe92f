"""Sign-in and consent in the browser, from the client's request to the way back. Templates are in pages/."""

from dataclasses import replace

from aiohttp import web

from simulator.accounts import DEMO_EMAIL, DEMO_PASSWORD, Account
from simulator.brands import BRANDS, Brand
from simulator.faults import serve
from simulator.keys import SIGN_INS, WORLD
from simulator.oauth import OAuthError, is_challenge, parse_scopes
from simulator.pages import Markup, choose_language, fill, render_look, render_page, words
from simulator.sign_ins import LIFE_S, SignIn, add_to_uri
from simulator.world import World

# Chromium checks form-action against where the answer to a form leads, so the way back must be named there.
_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'{origin}; base-uri 'none'; frame-ancestors 'none'"


async def show_sign_in(request: web.Request) -> web.StreamResponse:
    """Check what the client asks for and show the first page; mistakes go back once its address is trusted."""
    world = request.app[WORLD]
    return await serve(request, world, world.behaviours.for_all(), lambda: _begin(request, world))


async def sign_in(request: web.Request) -> web.StreamResponse:
    world, brand = request.app[WORLD], find_brand(request)
    form = await request.post()
    ticket, email = _text(form, "ticket"), _text(form, "email")
    pending = request.app[SIGN_INS].find(ticket, brand=brand.key, now=world.now())
    if pending is None:
        return show_problem(request, brand, "expired")
    account = world.accounts.sign_in(brand=brand.key, email=email, password=_text(form, "password"))
    if account is None:
        return _show_sign_in_form(world, brand, pending, ticket, email=email, problem="wrong")
    # A new ticket: the one from before the sign-in may have been seen elsewhere.
    request.app[SIGN_INS].take(ticket, brand=brand.key, now=world.now())
    signed_in = replace(pending, account_id=account.id)
    return _show_consent(world, brand, signed_in, request.app[SIGN_INS].begin(signed_in, now=world.now()), account)


async def decide(request: web.Request) -> web.StreamResponse:
    world, brand, sign_ins = request.app[WORLD], find_brand(request), request.app[SIGN_INS]
    form = await request.post()
    ticket = _text(form, "ticket")
    pending = sign_ins.find(ticket, brand=brand.key, now=world.now())
    if pending is None:
        return show_problem(request, brand, "expired")
    if form.get("decision") == "cancel":
        sign_ins.take(ticket, brand=brand.key, now=world.now())
        return send_back(pending, error="access_denied", description=pending.error_description)
    account = world.accounts.find(pending.account_id or "")
    if account is None or form.get("decision") != "allow":
        return show_problem(request, brand, "expired")
    ticked = [scope for scope in pending.scopes if scope in (*form.getall("scope", []), *pending.required)]
    if not ticked:
        return _show_consent(world, brand, pending, ticket, account, problem="none_ticked")
    sign_ins.take(ticket, brand=brand.key, now=world.now())
    if pending.finish is not None:
        return send_back_with(pending, pending.finish(pending, ticked))
    code = world.authorizations.issue_code(
        client_id=pending.client_id,
        redirect_uri=pending.redirect_uri,
        challenge=pending.challenge,
        account_id=account.id,
        brand=brand.key,
        scopes=ticked,
        now=world.now(),
    )
    return send_back(pending, code=code)


async def show_look(request: web.Request) -> web.StreamResponse:
    return web.Response(
        text=render_look(find_brand(request)), content_type="text/css", headers={"Cache-Control": "max-age=3600"}
    )


def _begin(request: web.Request, world: World) -> web.Response:
    brand, asked = find_brand(request), request.query
    client = world.authorizations.clients.get(asked.get("client_id", ""))
    redirect_uri = asked.get("redirect_uri", "")
    if client is None or redirect_uri not in client.redirect_uris:
        return show_problem(request, brand, "unknown_client")
    pending = SignIn(
        brand=brand.key,
        client_id=client.client_id,
        client_name=client.name,
        redirect_uri=redirect_uri,
        state=asked.get("state"),
        challenge=asked.get("code_challenge", ""),
        scopes=[],
        language=speak(request),
        expires_at=world.now() + LIFE_S,
    )
    if asked.get("response_type") != "code":
        return send_back(
            pending, error="unsupported_response_type" if asked.get("response_type") else "invalid_request"
        )
    if asked.get("code_challenge_method") != "S256" or not is_challenge(pending.challenge):
        return send_back(pending, error="invalid_request", description="PKCE with S256 is required.")
    try:
        pending.scopes = parse_scopes(asked.get("scope", ""))
    except OAuthError as error:
        return send_back(pending, error=error.error, description=error.description)
    return begin_sign_in(request, brand, pending)


def begin_sign_in(request: web.Request, brand: Brand, pending: SignIn) -> web.Response:
    """Show the brand's sign-in page for what a client asked, once the asking is known to be in order."""
    world = request.app[WORLD]
    ticket = request.app[SIGN_INS].begin(pending, now=world.now())
    return _show_sign_in_form(world, brand, pending, ticket)


def _show_sign_in_form(
    world: World, brand: Brand, pending: SignIn, ticket: str, *, email: str = "", problem: str | None = None
) -> web.Response:
    text = words(pending.language)
    has_demo = world.accounts.find_by_email(brand.key, DEMO_EMAIL) is not None
    hint = fill("hint.html", {"label": text["hint"], "email": DEMO_EMAIL, "password": DEMO_PASSWORD})
    body = fill(
        "sign_in.html",
        {
            "heading": text["sign_in_heading"],
            "lead": text["sign_in_lead"].format(client=pending.client_name, brand=brand.account_name),
            "alert": _alert(text, problem),
            "action": f"/{brand.key}/oauth/sign-in",
            "cancel_action": f"/{brand.key}/oauth/consent",
            "ticket": ticket,
            "email_label": text["email"],
            "password_label": text["password"],
            "email": email,
            "email_focus": "" if problem else "autofocus",
            "password_focus": "autofocus" if problem else "",
            "invalid": Markup(' aria-invalid="true" aria-describedby="problem"') if problem else "",
            "submit": text["submit"],
            "cancel": text["cancel"],
            "hint": hint if has_demo else "",
        },
    )
    return page(brand, pending.language, text["sign_in_heading"], body, origin=pending.redirect_origin)


def _show_consent(
    world: World, brand: Brand, pending: SignIn, ticket: str, account: Account, *, problem: str | None = None
) -> web.Response:
    text = words(pending.language)
    count = len(world.cars_of(account.id))
    cars = text["many_cars"].format(count=count) if count > 1 else text["one_car"] if count else text["no_cars"]
    body = fill(
        "consent.html",
        {
            "heading": text["consent_heading"],
            "lead": text["consent_lead"].format(client=pending.client_name),
            "signed_in": text["signed_in"].format(email=account.email, cars=cars),
            "alert": _alert(text, problem),
            "action": f"/{brand.key}/oauth/consent",
            "ticket": ticket,
            "reads": _scope_group(
                text, "reads", [scope for scope in pending.scopes if scope.startswith("read_")], pending, problem
            ),
            "controls": _scope_group(
                text, "controls", [scope for scope in pending.scopes if scope.startswith("control_")], pending, problem
            ),
            "note": text["note"],
            "allow": text["allow"],
            "cancel": text["cancel"],
        },
    )
    return page(brand, pending.language, text["consent_heading"], body, origin=pending.redirect_origin)


def _scope_group(text: dict[str, str], legend: str, scopes: list[str], pending: SignIn, problem: str | None) -> Markup:
    if not scopes:
        return Markup()
    usual = "" if problem else "checked"
    rows = [
        fill(
            "scope.html",
            {
                "scope": scope,
                "text": text[scope],
                "checked": "checked disabled" if scope in pending.required else usual,
            },
        )
        for scope in scopes
    ]
    return fill("scope_group.html", {"legend": text[legend], "rows": Markup("".join(rows))})


def _alert(text: dict[str, str], problem: str | None) -> Markup:
    return fill("alert.html", {"text": text[problem]}) if problem else Markup()


def show_problem(request: web.Request, brand: Brand, problem: str) -> web.Response:
    """Answer with a page that says why it does not go on; the text is found by its key."""
    language = speak(request)
    text = words(language)
    body = fill("problem.html", {"heading": text["problem_heading"], "text": text[problem]})
    return page(brand, language, text["problem_heading"], body, status=400)


def page(
    brand: Brand, language: str, title: str, body: Markup, *, status: int = 200, origin: str | None = None
) -> web.Response:
    return web.Response(
        text=render_page(brand, language, title=title, body=body),
        status=status,
        content_type="text/html",
        headers={
            "Content-Security-Policy": _POLICY.format(origin=f" {origin}" if origin else ""),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


def send_back(
    pending: SignIn, *, code: str | None = None, error: str | None = None, description: str | None = None
) -> web.Response:
    """Redirect to the client with a code or an error."""
    return send_back_with(pending, {"code": code, "error": error, "error_description": description})


def send_back_with(pending: SignIn, fields: dict[str, str | None]) -> web.Response:
    """Redirect to the client with these fields and its state."""
    fields = {**fields, "state": pending.state}
    return web.Response(
        status=302, headers={"Location": add_to_uri(pending.redirect_uri, fields), "Cache-Control": "no-store"}
    )


def find_brand(request: web.Request) -> Brand:
    """Return the brand in the address; 404 when there is none."""
    brand = BRANDS.get(request.match_info["brand"])
    if brand is None:
        raise web.HTTPNotFound
    return brand


def speak(request: web.Request) -> str:
    """Return the language of the page."""
    return choose_language(request.query.get("ui_locales", ""), request.headers.get("Accept-Language", ""))


def _text(form: object, name: str) -> str:
    value = form.get(name, "")  # type: ignore[attr-defined]
    return value if isinstance(value, str) else ""
