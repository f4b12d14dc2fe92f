"""Tesla's token endpoint and the access tokens it gives: JSON Web Tokens around the simulator's own."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from simulator.behaviours import PLAIN
from simulator.dialects.frame import unauthorized
from simulator.dialects.tesla.lab import BRAND, REGIONS, find_lab, make_base_url, region_of
from simulator.dialects.tesla.scopes import KNOWN, name_granted
from simulator.errors import ApiError
from simulator.faults import json_response, serve
from simulator.keys import WORLD
from simulator.oauth import Client, Grant, OAuthError, make_challenge
from simulator.secrets_seen import note
from simulator.world import World

ACCESS_TOKEN_S = 28_800.0
# The refresh token that was spent last stays good for a day, for answers that were lost.
REFRESH_GRACE_S = 86_400.0
# Stands in for a client with a secret that sends no PKCE, which the maker allows and the sign-in page does not.
NO_PKCE = "a client that keeps a secret needs no proof of its own"[:43].replace(" ", "-")
_HEADER = {"alg": "HS256", "typ": "JWT"}
_NEVER_STORE = {"Cache-Control": "no-store"}
Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Partner:
    """A client that speaks for itself and for no owner."""

    client_id: str


# Access tokens


def make_token(secret: str, claims: dict[str, Any]) -> str:
    """Return a token with these claims, signed with `secret`, by which it is found when it comes back."""
    signed = f"{_pack(_HEADER)}.{_pack({**claims, 'jti': secret})}"
    # The signature tells the whole of it, the header is that of every other too.
    return f"{signed}.{note(_encode(_sign(note(secret), signed)))}"


def open_token(token: str) -> str:
    """Return the secret in a token, or the token itself when it is none of ours: the control API gives plain ones."""
    signed, _, signature = token.rpartition(".")
    try:
        secret = json.loads(_decode(signed.split(".")[1]))["jti"]
        return secret if hmac.compare_digest(_decode(signature), _sign(secret, signed)) else ""
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error, AttributeError):
        return token


def authorize_either(request: web.Request) -> tuple[World, Grant | Partner]:
    """Return whom the bearer token speaks for. Raises ApiError 401, or 429 when its client is over its quota."""
    world = request.app[WORLD]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or world.behaviours.for_all().token_revoked:
        raise unauthorized()
    secret = open_token(token)
    grant = world.authorizations.find_by_access_token(secret, now=world.now())
    if grant is not None and grant.brand == BRAND:
        world.quotas.take(grant.client_id, world.now())
        return world, grant
    client_id, ends_at = find_lab(world).partner_tokens.get(secret, ("", 0.0))
    if world.now() >= ends_at:
        raise ApiError(401, "token_expired") if secret not in ("", token) else unauthorized()
    world.quotas.take(client_id, world.now())
    return world, Partner(client_id)


# The endpoint


async def issue_token(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    form = await request.post()

    def act() -> web.Response:
        try:
            return json_response(_issue(world, request, _read_form(request, form)), headers=_NEVER_STORE)
        except OAuthError as error:
            status, code = _ERRORS.get(error.error, (400, error.error))
            return json_response(
                {"error": code, "error_description": error.description}, status=status, headers=_NEVER_STORE
            )

    return await serve(request, world, world.behaviours.for_all(), act, word_error=_word_error)


# The simulator's words for what the maker words in its own way.
_ERRORS = {
    "invalid_client": (400, "unauthorized_client"),
    "invalid_code": (400, "invalid_auth_code"),
    "invalid_grant": (401, "login_required"),
}


def _word_error(error: ApiError) -> web.Response:
    return json_response(
        {"error": "server_error" if error.status >= 500 else error.code},
        status=error.status,
        headers=error.headers,
    )


def _read_form(request: web.Request, form: Any) -> Form:
    if request.content_type != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "The body must be a form.")
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _issue(world: World, request: web.Request, form: Form) -> dict[str, Any]:
    kind = form.get("grant_type")
    if kind == "authorization_code":
        return _exchange_code(world, request, form)
    if kind == "refresh_token":
        return _refresh(world, request, form)
    if kind == "client_credentials":
        return _give_partner_token(world, request, form)
    raise OAuthError("unsupported_grant_type" if kind else "invalid_request", "Unknown or missing grant_type.")


def _exchange_code(world: World, request: web.Request, form: Form) -> dict[str, Any]:
    for name in ("code", "redirect_uri", "audience"):
        _require(form, name)
    _check_audience(request, form["audience"])
    verifier = form.get("code_verifier", "")
    client = _find_client(world, form, needs_secret=not verifier)
    life_s = world.behaviours.for_all().access_token_s
    try:
        answer = world.authorizations.exchange_code(
            client=client,
            brand=BRAND,
            code=form["code"],
            redirect_uri=form["redirect_uri"],
            verifier=verifier or NO_PKCE,
            life_s=ACCESS_TOKEN_S if life_s == PLAIN.access_token_s else life_s,
            now=world.now(),
        )
    except OAuthError as error:
        raise OAuthError("invalid_code", error.description) from error
    world.changes += 1
    asked = find_lab(world).asked.get((client.client_id, make_challenge(verifier or NO_PKCE)))
    return word_tokens(world, request, answer, asked=asked)


def _refresh(world: World, request: web.Request, form: Form) -> dict[str, Any]:
    _require(form, "refresh_token")
    client = _find_client(world, form, needs_secret=False)
    presented = form["refresh_token"].removeprefix("NA_").removeprefix("EU_")
    world.changes += 1
    grant = world.authorizations.find_refreshable(
        client=client,
        brand=BRAND,
        refresh_token=presented,
        grace_s=world.behaviours.for_all().refresh_grace_s or REFRESH_GRACE_S,
        now=world.now(),
    )
    account = world.accounts.find(grant.account_id)
    if account is None or any(behaviour.token_revoked for behaviour in world.behaviour_of_account(account)):
        raise OAuthError("invalid_grant", "The owner has withdrawn the grant.")
    life_s = world.access_token_life_s(account)
    answer = world.authorizations.rotate(
        grant,
        presented=presented,
        life_s=ACCESS_TOKEN_S if life_s == PLAIN.access_token_s else life_s,
        now=world.now(),
    )
    return word_tokens(world, request, answer)


def _give_partner_token(world: World, request: web.Request, form: Form) -> dict[str, Any]:
    _require(form, "audience")
    _check_audience(request, form["audience"])
    client = _find_client(world, form, needs_secret=True)
    scopes = form.get("scope", "").split()
    if not set(scopes) <= KNOWN:
        raise OAuthError("invalid_scope", "Unknown scope.")
    secret, now = secrets.token_urlsafe(32), world.now()
    find_lab(world).partner_tokens[secret] = (client.client_id, now + ACCESS_TOKEN_S)
    claims = {
        "sub": client.client_id,
        "azp": client.client_id,
        "gty": "client-credentials",
        "scp": scopes,
        "aud": form["audience"],
        "iat": int(now),
        "exp": int(now + ACCESS_TOKEN_S),
    }
    return {"access_token": make_token(secret, claims), "expires_in": int(ACCESS_TOKEN_S), "token_type": "Bearer"}


def word_tokens(
    world: World, request: web.Request, answer: dict[str, Any], *, asked: list[str] | None = None
) -> dict[str, Any]:
    """Return the simulator's tokens as Tesla words them: claims in the token, the region before the refresh token.

    asked: Tesla's scopes that the client asked for; kept with the grant for the refreshes to come.
    """
    now = world.now()
    grant = world.authorizations.find_by_access_token(answer["access_token"], now=now)
    if grant is None:  # a life of nothing at all
        raise OAuthError("invalid_grant", "The grant is gone.")
    kept = world.shelf(BRAND).setdefault("asked", {})
    if asked is not None:
        kept[grant.id] = asked
    scopes, region = name_granted(grant.scopes, kept.get(grant.id)), region_of(world, grant.account_id).upper()
    claims = {
        "iss": f"{request.scheme}://{request.host}/dialects/tesla/oauth2/v3",
        "azp": grant.client_id,
        "sub": grant.account_id,
        "aud": [*(make_base_url(request, known) for known in REGIONS)],
        "scp": scopes,
        "ou_code": region,
        "iat": int(now),
        "exp": int(now + answer["expires_in"]),
    }
    words = {
        "access_token": make_token(answer["access_token"], claims),
        "expires_in": answer["expires_in"],
        "token_type": "Bearer",
    }
    if "openid" in scopes:
        words["id_token"] = make_token(secrets.token_urlsafe(8), {**claims, "aud": grant.client_id})
    if "offline_access" in scopes:
        words["refresh_token"] = f"{region}_{answer['refresh_token']}"
    return words


def _find_client(world: World, form: Form, *, needs_secret: bool) -> Client:
    client_id, secret = form.get("client_id", ""), form.get("client_secret")
    if secret is not None or needs_secret:
        return world.authorizations.authenticate_client(client_id, secret or "")
    client = world.authorizations.clients.get(client_id)
    if client is None:
        raise OAuthError("invalid_client", "We don't recognize this client_id and client_secret combination.")
    return client


def _check_audience(request: web.Request, audience: str) -> None:
    if audience.rstrip("/") not in {make_base_url(request, region) for region in REGIONS}:
        raise OAuthError("invalid_request", "The audience is no base URL of the API.")


def _require(form: Form, name: str) -> None:
    if not form.get(name):
        raise OAuthError("invalid_request", f"{name} is missing.")


def _sign(secret: str, signed: str) -> bytes:
    return hmac.new(hashlib.sha256(secret.encode()).digest(), signed.encode(), hashlib.sha256).digest()


def _pack(claims: dict[str, Any]) -> str:
    return _encode(json.dumps(claims, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(words: str) -> bytes:
    return base64.urlsafe_b64decode(words + "=" * (-len(words) % 4))
