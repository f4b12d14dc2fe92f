"""Smartcar Connect and its tokens: choice of make, the maker's sign-in, the way back, and the token endpoints."""

import json
import secrets
from typing import Any

from aiohttp import web

from simulator.authorize_pages import begin_sign_in, send_back, show_problem, speak
from simulator.brands import BRANDS, Brand
from simulator.dialects.broker_pages import has_cancelled, make_broker, show_brands, show_broker_look
from simulator.dialects.brokers import find_brand_by_make, issue_application_token
from simulator.dialects.smartcar.connections import DIALECT, MODES, choose_user, connect
from simulator.dialects.smartcar.face import FACE
from simulator.dialects.smartcar.permissions import find_scopes, keep_ticked, parse_permissions
from simulator.faults import json_response, serve
from simulator.keys import WORLD
from simulator.oauth import Client, OAuthError
from simulator.secrets_seen import note
from simulator.sign_ins import LIFE_S, SignIn
from simulator.token_endpoint import NEVER_STORE, authenticate, read_form
from simulator.world import World

PREFIX = "/dialects/smartcar"
BROKER = make_broker(prefix=PREFIX, name="Smartcar", account_name="Smartcar Connect", accent="#1a5fb4")
APPLICATION_TOKEN_S = 3600.0
USER_TOKEN_S = 7200.0
CODE_S = 600.0
REFUSAL = "User denied access to application."


async def show_connect(request: web.Request) -> web.StreamResponse:
    """Ask for the make, then begin the maker's sign-in; mistakes go back once the address is trusted."""
    world, asked = request.app[WORLD], request.query
    client = world.authorizations.clients.get(asked.get("client_id") or asked.get("application_id") or "")
    redirect_uri = asked.get("redirect_uri") or (client.redirect_uris[0] if client and client.redirect_uris else "")
    if client is None or redirect_uri not in client.redirect_uris:
        return show_problem(request, BROKER, "unknown_client")
    brand = find_brand_by_make(asked.get("make", "")) or _find_brand_of_vin(world, asked.get("single_select_vin"))
    pending = _make_pending(request, client, redirect_uri, brand or BROKER)
    permissions = parse_permissions(asked.get("scope", ""))
    if asked.get("response_type") not in ("code", "none") or permissions is None:
        return send_back(pending, error="invalid_request", description="The request is not valid.")
    if has_cancelled(request):
        return send_back(pending, error="access_denied", description=REFUSAL)
    if brand is None:
        return show_brands(request, BROKER, client_name=client.name, parameter="make")
    names, required = permissions
    pending.scopes, pending.required = find_scopes(names), tuple(find_scopes(required))
    pending.finish = _finish_with(world, names)
    return begin_sign_in(request, brand, pending)


async def show_look(_request: web.Request) -> web.StreamResponse:
    return show_broker_look(BROKER)


async def issue_application(request: web.Request) -> web.StreamResponse:
    """The token of v3: client credentials in a form, in JSON or by HTTP Basic; an hour, no refresh token."""
    world = request.app[WORLD]
    fields = await _read_fields(request)

    def act() -> web.Response:
        try:
            if fields.get("grant_type") != "client_credentials":
                raise OAuthError("invalid_request", "grant_type must be client_credentials.")
            client = authenticate(world, request, fields)
        except OAuthError as error:
            return _word_oauth_error(error)
        life_s = min(APPLICATION_TOKEN_S, world.behaviours.for_all().access_token_s)
        token = issue_application_token(world, DIALECT, client.client_id, life_s=life_s)
        return json_response(
            {"access_token": token, "token_type": "Bearer", "expires_in": int(life_s)}, headers=NEVER_STORE
        )

    return await serve(request, world, world.behaviours.for_all(), act, word_error=FACE.error)


async def exchange_code(request: web.Request) -> web.StreamResponse:
    """The exchange of v2, for a token of one user: the maker's own client makes its three reads of v3 with it."""
    world = request.app[WORLD]
    form = await request.post()
    try:
        fields = read_form(request, form)
        client = authenticate(world, request, fields)
        codes = world.shelf(DIALECT).setdefault("codes", {})
        kept = codes.pop(fields.get("code", ""), None)
        if fields.get("grant_type") != "authorization_code" or kept is None or kept["client_id"] != client.client_id:
            raise OAuthError("invalid_grant", f"Invalid code: {fields.get('code', '')}.")
        if kept["expires_at"] <= world.now() or kept["redirect_uri"] != fields.get("redirect_uri"):
            raise OAuthError("invalid_grant", f"Invalid code: {fields['code']}.")
    except OAuthError as error:
        return _word_oauth_error(error)
    token = issue_application_token(world, DIALECT, client.client_id, life_s=USER_TOKEN_S, user_id=kept["user_id"])
    return json_response(
        {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(USER_TOKEN_S),
            "refresh_token": note(secrets.token_urlsafe(24)),
        },
        headers=NEVER_STORE,
    )


def connect_account(
    world: World,
    *,
    client_id: str,
    account_id: str,
    permissions: list[str],
    external_id: str | None = None,
    mode: str = "live",
    only_vin: str | None = None,
    is_single: bool = False,
) -> tuple[str, list[dict[str, Any]]]:
    """Connect the cars of an account and return the user and the connections."""
    cars = [car for car in world.cars_of(account_id) if only_vin in (None, car.vin)]
    user_id = choose_user(client_id, account_id, external_id)
    return user_id, [
        connect(
            world,
            client_id=client_id,
            user_id=user_id,
            external_id=external_id,
            car=car,
            permissions=permissions,
            mode=mode,
        )
        for car in (cars[:1] if is_single else cars)
    ]


def _make_pending(request: web.Request, client: Client, redirect_uri: str, brand: Brand) -> SignIn:
    asked = request.query
    vin = asked.get("single_select_vin")
    return SignIn(
        brand=brand.key,
        client_id=client.client_id,
        client_name=client.name,
        redirect_uri=redirect_uri,
        state=asked.get("state"),
        challenge="",
        scopes=[],
        language=speak(request),
        expires_at=request.app[WORLD].now() + LIFE_S,
        error_description=REFUSAL,
        carried={
            "external_id": asked.get("external_id") or None,
            "mode": asked.get("mode") if asked.get("mode") in MODES else "live",
            "only_vin": vin,
            "is_single": vin is not None or asked.get("single_select") == "true",
            "wants_code": asked.get("response_type") == "code",
        },
    )


def _finish_with(world: World, names: list[str]) -> Any:
    def finish(pending: SignIn, ticked: list[str]) -> dict[str, str | None]:
        carried = dict(pending.carried)
        wants_code = carried.pop("wants_code")
        user_id, connections = connect_account(
            world,
            client_id=pending.client_id,
            account_id=pending.account_id or "",
            permissions=keep_ticked(names, ticked),
            **carried,
        )
        if not connections:
            return {"error": "no_vehicles", "error_description": "No vehicles found in the account."}
        code = None
        if wants_code:
            code = note(f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-4{secrets.token_hex(8)}")
            world.shelf(DIALECT).setdefault("codes", {})[code] = {
                "client_id": pending.client_id,
                "redirect_uri": pending.redirect_uri,
                "user_id": user_id,
                "expires_at": world.now() + CODE_S,
            }
        return {"code": code, "user_id": user_id, "external_id": carried["external_id"]}

    return finish


def _find_brand_of_vin(world: World, vin: str | None) -> Brand | None:
    if vin is None:
        return None
    account = next((world.accounts.find(car.account_id) for car in world.garage if car.vin == vin), None)
    return BRANDS.get(account.brand) if account is not None else None


async def _read_fields(request: web.Request) -> dict[str, str]:
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            return {}
        return {name: str(value) for name, value in body.items()} if isinstance(body, dict) else {}
    form = await request.post()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _word_oauth_error(error: OAuthError) -> web.Response:
    # Never without a description: the maker's own client fails on an error that has none.
    body = {"error": error.error, "error_description": error.description or error.error}
    return json_response(body, status=401 if error.error == "invalid_client" else 400, headers=NEVER_STORE)
