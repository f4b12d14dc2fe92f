"""The token and revocation endpoints over HTTP (RFC 6749, RFC 7009)."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web

from simulator.brands import BRANDS
from simulator.errors import ApiError
from simulator.faults import json_response, serve
from simulator.keys import WORLD
from simulator.oauth import Client, OAuthError
from simulator.world import World

NEVER_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
Form = Mapping[str, str]


async def issue_token(request: web.Request) -> web.StreamResponse:
    return await _answer(request, _issue_token)


async def revoke_token(request: web.Request) -> web.StreamResponse:
    return await _answer(request, _revoke_token)


async def _answer(
    request: web.Request, step: Callable[[World, str, Client, Form], dict[str, Any]]
) -> web.StreamResponse:
    world, brand = request.app[WORLD], request.match_info["brand"]
    if brand not in BRANDS:
        raise ApiError(404, "not_found")
    used_basic = "Authorization" in request.headers
    form = await request.post()

    def act() -> web.Response:
        try:
            fields = read_form(request, form)
            client = authenticate(world, request, fields)
            return json_response(step(world, brand, client, fields), headers=NEVER_STORE)
        except OAuthError as error:
            status = 401 if error.error == "invalid_client" else 400
            headers = (
                {**NEVER_STORE, "WWW-Authenticate": f'Basic realm="{brand}"'}
                if status == 401 and used_basic
                else NEVER_STORE
            )
            return json_response(
                {"error": error.error, "error_description": error.description}, status=status, headers=headers
            )

    return await serve(request, world, world.behaviours.for_all(), act)


def read_form(request: web.Request, form: Any) -> Form:
    """Return the fields of a posted form. Raises OAuthError when it is none or repeats one."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "The body must be a form.")
    if len(form) != len(set(form)):
        raise OAuthError("invalid_request", "A parameter is repeated.")
    return form


def authenticate(world: World, request: web.Request, form: Form) -> Client:
    """Return the client by HTTP Basic or by its form fields. Raises OAuthError invalid_client."""
    header = request.headers.get("Authorization")
    if header is None:
        return world.authorizations.authenticate_client(form.get("client_id", ""), form.get("client_secret", ""))
    scheme, _, credentials = header.partition(" ")
    try:
        words = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthError("invalid_client", "Malformed credentials.") from error
    client_id, colon, secret = words.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise OAuthError("invalid_client", "Malformed credentials.")
    return world.authorizations.authenticate_client(unquote_plus(client_id), unquote_plus(secret))


def _issue_token(world: World, brand: str, client: Client, form: Form) -> dict[str, Any]:
    kind = form.get("grant_type")
    if kind == "authorization_code":
        return _exchange_code(world, brand, client, form)
    if kind == "refresh_token":
        return _refresh(world, brand, client, form)
    raise OAuthError("unsupported_grant_type" if kind else "invalid_request", "Unknown or missing grant_type.")


def _exchange_code(world: World, brand: str, client: Client, form: Form) -> dict[str, Any]:
    for name in ("code", "redirect_uri", "code_verifier"):
        if not form.get(name):
            raise OAuthError("invalid_request", f"{name} is missing.")
    answer = world.authorizations.exchange_code(
        client=client,
        brand=brand,
        code=form["code"],
        redirect_uri=form["redirect_uri"],
        verifier=form["code_verifier"],
        life_s=world.behaviours.for_all().access_token_s,
        now=world.now(),
    )
    world.changes += 1
    return answer


def _refresh(world: World, brand: str, client: Client, form: Form) -> dict[str, Any]:
    if not form.get("refresh_token"):
        raise OAuthError("invalid_request", "refresh_token is missing.")
    world.changes += 1
    presented = form["refresh_token"]
    grant = world.authorizations.find_refreshable(
        client=client,
        brand=brand,
        refresh_token=presented,
        grace_s=world.behaviours.for_all().refresh_grace_s,
        now=world.now(),
    )
    account = world.accounts.find(grant.account_id)
    if account is None or any(behaviour.token_revoked for behaviour in world.behaviour_of_account(account)):
        raise OAuthError("invalid_grant", "The owner has withdrawn the grant.")
    return world.authorizations.rotate(
        grant, presented=presented, life_s=world.access_token_life_s(account), now=world.now()
    )


def _revoke_token(world: World, _brand: str, client: Client, form: Form) -> dict[str, Any]:
    if not form.get("token"):
        raise OAuthError("invalid_request", "token is missing.")
    world.authorizations.revoke_token(client=client, token=form["token"])
    world.changes += 1
    return {}
