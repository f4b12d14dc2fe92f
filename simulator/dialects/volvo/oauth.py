"""Volvo ID: the authorization page and the token endpoint: PKCE, HTTP Basic, rotating refresh tokens, an id_token."""

import base64
import hashlib
import hmac
import json
from typing import Any

from aiohttp import web

from simulator.authorize_pages import begin_sign_in, send_back, show_problem, speak
from simulator.behaviours import PLAIN
from simulator.brands import BRANDS
from simulator.dialects.volvo.face import FACE
from simulator.dialects.volvo.scopes import (
    DIALECT,
    VOLVO_SCOPES,
    find_scopes,
    keep_ticked,
    list_granted,
    remember,
)
from simulator.faults import json_response, serve
from simulator.keys import WORLD
from simulator.oauth import Client, Grant, OAuthError, is_challenge
from simulator.secrets_seen import note
from simulator.sign_ins import LIFE_S, SignIn
from simulator.token_endpoint import NEVER_STORE, Form, authenticate, read_form
from simulator.world import World

ISSUER = "https://volvoid.eu.volvocars.com"
ACCESS_TOKEN_S = 1800.0


async def show_authorize(request: web.Request) -> web.StreamResponse:
    """Check what the client asks for and begin the sign-in; mistakes go back once its address is trusted."""
    world = request.app[WORLD]
    return await serve(request, world, world.behaviours.for_all(), lambda: _begin(request, world))


async def issue_token(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    form = await request.post()

    def act() -> web.Response:
        try:
            fields = read_form(request, form)
            if "Authorization" not in request.headers:
                raise OAuthError("invalid_client", "The client must use HTTP Basic.")
            client = authenticate(world, request, fields)
            return json_response(_issue(world, client, fields), headers=NEVER_STORE)
        except OAuthError as error:
            body = {"error": error.error, "error_description": error.description}
            return json_response(body, status=401 if error.error == "invalid_client" else 400, headers=NEVER_STORE)

    return await serve(request, world, world.behaviours.for_all(), act, word_error=FACE.error)


async def revoke_token(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    form = await request.post()
    try:
        fields = read_form(request, form)
        client = authenticate(world, request, fields)
    except OAuthError as error:
        return json_response({"error": error.error}, status=401 if error.error == "invalid_client" else 400)
    world.authorizations.revoke_token(client=client, token=fields.get("token", ""))
    world.changes += 1
    return json_response({})


def _begin(request: web.Request, world: World) -> web.Response:
    brand, asked = BRANDS[DIALECT], request.query
    client = world.authorizations.clients.get(asked.get("client_id", ""))
    redirect_uri = asked.get("redirect_uri", "")
    if client is None or redirect_uri not in client.redirect_uris:
        return show_problem(request, brand, "unknown_client")
    words = asked.get("scope", "").split()
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
        error_description="The owner has refused.",
    )
    if asked.get("response_type") != "code":
        return send_back(pending, error="unsupported_response_type")
    if asked.get("code_challenge_method") != "S256" or not is_challenge(pending.challenge):
        return send_back(pending, error="invalid_request", description="PKCE with S256 is required.")
    if "openid" not in words or not set(words) <= set(VOLVO_SCOPES):
        return send_back(pending, error="invalid_scope", description="A scope is unknown, or openid is missing.")
    pending.scopes = find_scopes(words)

    def finish(pending: SignIn, ticked: list[str]) -> dict[str, str | None]:
        code = world.authorizations.issue_code(
            client_id=pending.client_id,
            redirect_uri=pending.redirect_uri,
            challenge=pending.challenge,
            account_id=pending.account_id or "",
            brand=brand.key,
            scopes=ticked,
            now=world.now(),
        )
        world.shelf(DIALECT).setdefault("codes", {})[code] = keep_ticked(words, ticked)
        return {"code": code}

    pending.finish = finish
    return begin_sign_in(request, brand, pending)


def _issue(world: World, client: Client, fields: Form) -> dict[str, Any]:
    kind = fields.get("grant_type")
    if kind == "authorization_code":
        for name in ("code", "redirect_uri", "code_verifier"):
            if not fields.get(name):
                raise OAuthError("invalid_request", f"{name} is missing.")
        answer = world.authorizations.exchange_code(
            client=client,
            brand=DIALECT,
            code=fields["code"],
            redirect_uri=fields["redirect_uri"],
            verifier=fields["code_verifier"],
            life_s=make_life_s(world.behaviours.for_all().access_token_s),
            now=world.now(),
        )
        grant = world.authorizations.find_by_refresh_token(answer["refresh_token"])
        words = world.shelf(DIALECT).get("codes", {}).pop(fields["code"], None)
        if words is not None:
            remember(world, grant.id, words)
    elif kind == "refresh_token":
        grant, answer = _refresh(world, client, fields)
    else:
        raise OAuthError("unsupported_grant_type" if kind else "invalid_request", "Unknown or missing grant_type.")
    world.changes += 1
    return word_tokens(world, client, grant, answer)


def word_tokens(world: World, client: Client, grant: Grant, answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of the simulator's token endpoint as Volvo gives it."""
    return {
        "access_token": answer["access_token"],
        "refresh_token": answer["refresh_token"],
        "id_token": _make_id_token(world, client, grant.account_id, answer["expires_in"]),
        "token_type": "Bearer",
        "expires_in": answer["expires_in"],
        "scope": " ".join(list_granted(world, grant)),
    }


def _refresh(world: World, client: Client, fields: Form) -> tuple[Grant, dict[str, Any]]:
    """A refresh token works once: the one before it is worthless at once, and using it ends the grant."""
    presented = fields.get("refresh_token", "")
    grant = world.authorizations.find_refreshable(
        client=client,
        brand=DIALECT,
        refresh_token=presented,
        grace_s=world.behaviours.for_all().refresh_grace_s,
        now=world.now(),
    )
    account = world.accounts.find(grant.account_id)
    if account is None or any(behaviour.token_revoked for behaviour in world.behaviour_of_account(account)):
        raise OAuthError("invalid_grant", "The owner has withdrawn the grant.")
    life_s = make_life_s(world.access_token_life_s(account))
    return grant, world.authorizations.rotate(grant, presented=presented, life_s=life_s, now=world.now())


def make_life_s(told_s: float) -> float:
    """Return the life of an access token: Volvo's half hour unless a behaviour says otherwise."""
    return ACCESS_TOKEN_S if told_s == PLAIN.access_token_s else told_s


def _make_id_token(world: World, client: Client, account_id: str, life_s: int) -> str:
    """Volvo signs with a key of its own; here it is the client's secret, as OpenID Connect allows (HS256)."""
    now = int(world.now())
    claims = {"iss": ISSUER, "sub": account_id, "aud": client.client_id, "iat": now, "exp": now + life_s}
    signed = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(claims)}"
    tag = hmac.new(client.client_secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{note(base64.urlsafe_b64encode(tag).rstrip(b'=').decode())}"


def _encode(fields: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields, separators=(",", ":")).encode()).rstrip(b"=").decode()
