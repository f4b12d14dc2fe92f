"""OAuth 2 authorization code with PKCE, once, for all makers that follow RFC 6749 and 7636."""

from __future__ import annotations

import base64
import hashlib
import math
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from fleet.adapters.errors import AdapterError, GrantRefused
from fleet.adapters.http import Http, NoAnswer

# What an access token is taken to live when the maker says nothing believable (B051).
CAUTIOUS_LIFE_S = 300
LONGEST_LIFE_S = 30 * 24 * 3600


@dataclass(frozen=True)
class AppCredential:
    """Our registration at a maker. `urls` holds authorize, token, revoke and api.

    secrets: what the maker wants beside id and secret (an API key, a signing key as PEM), by the words of its card.
    options: what is no secret ("mode", "domain").
    """

    urls: Mapping[str, str]
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TokenSet:
    """What a token endpoint gave. expires_in_s is already made believable; scopes None means the maker did not say.

    region: where the login lives, for makers whose clouds differ by region.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in_s: int
    scopes: frozenset[str] | None
    account_id: str | None
    region: str = ""


def make_verifier() -> str:
    """Return a PKCE code verifier (RFC 7636, 43 characters)."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def authorize_url(app: AppCredential, *, state: str, verifier: str, scopes: Iterable[str], language: str) -> str:
    """Return the address at which the owner signs in at the maker."""
    query = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": app.redirect_uri,
        "scope": " ".join(sorted(scopes)),
        "state": state,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        "ui_locales": language,
    }
    return f"{app.urls['authorize']}?{urlencode(query)}"


async def exchange_code(
    http: Http,
    app: AppCredential,
    *,
    code: str,
    verifier: str,
    more: Mapping[str, str] | None = None,
    is_basic: bool = False,
) -> TokenSet:
    """Trade a code for tokens. Raises GrantRefused (the code is no good) or AdapterError.

    more: further fields that a maker wants. is_basic: id and secret go in the Authorization header, not in the form.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": app.redirect_uri,
        "code_verifier": verifier,
    }
    return read_token_answer(await ask_token(http, app, form | dict(more or {}), is_basic=is_basic))


async def refresh_tokens(http: Http, app: AppCredential, *, refresh_token: str, is_basic: bool = False) -> TokenSet:
    """Trade a refresh token for new tokens. Raises GrantRefused only for invalid_grant; all else keeps the grant."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return read_token_answer(await ask_token(http, app, form, is_basic=is_basic))


async def ask_application_token(
    http: Http, app: AppCredential, *, more: Mapping[str, str] | None = None, is_basic: bool = False
) -> TokenSet:
    """Ask for a token of the application itself (RFC 6749, 4.4). Raises AdapterError; setup_required for wrong ids."""
    form = {"grant_type": "client_credentials", **(more or {})}
    return read_token_answer(await ask_token(http, app, form, is_basic=is_basic))


async def revoke_token(http: Http, app: AppCredential, *, token: str) -> None:
    """End the grant at the maker (RFC 7009). Raises AdapterError when the maker did not confirm it."""
    form = {"token": token, "client_id": app.client_id, "client_secret": app.client_secret}
    try:
        answer = await http.ask("POST", app.urls["revoke"], form=form)
    except NoAnswer as error:
        raise AdapterError("upstream_down", detail=error.detail) from error
    if answer.status != 200:
        raise AdapterError("upstream_error", detail=f"HTTP {answer.status}")


async def ask_token(
    http: Http, app: AppCredential, form: dict[str, str], *, is_basic: bool = False
) -> Mapping[str, Any]:
    """Ask the token endpoint and return its answer as it stands. Raises GrantRefused or AdapterError."""
    headers = {}
    if is_basic:
        pair = f"{quote(app.client_id, safe='')}:{quote(app.client_secret, safe='')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    else:
        form = form | {"client_id": app.client_id, "client_secret": app.client_secret}
    try:
        answer = await http.ask("POST", app.urls["token"], form=form, headers=headers, timeout_s=10)
    except NoAnswer as error:
        raise AdapterError("upstream_down", detail=error.detail) from error
    body = answer.json()
    if answer.status == 200 and body is not None:
        return body
    error_word = body.get("error") if body is not None else None
    if answer.status in {400, 401} and error_word == "invalid_grant":
        raise GrantRefused
    if answer.status in {400, 401} and error_word in {"invalid_client", "unauthorized_client"}:
        raise AdapterError("setup_required", detail=str(error_word))
    if answer.status == 429:
        raise AdapterError("rate_limited", detail="HTTP 429", retry_after_s=answer.retry_after_s() or 30.0)
    raise AdapterError("upstream_down", detail=f"HTTP {answer.status}")


def read_token_answer(body: Mapping[str, Any]) -> TokenSet:
    """Read a token answer that may be sloppy: lifetimes as text, negative, infinite or missing. Raises AdapterError."""
    access_token = body.get("access_token")
    if not isinstance(access_token, str) or not access_token:
        raise AdapterError("upstream_error", detail="no access token in the answer")
    refresh_token = body.get("refresh_token")
    scope = body.get("scope")
    account_id = body.get("account_id")
    return TokenSet(
        access_token=access_token,
        refresh_token=refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        expires_in_s=_believable_life_s(body.get("expires_in")),
        scopes=frozenset(scope.split()) if isinstance(scope, str) else None,
        account_id=account_id if isinstance(account_id, str) and account_id else None,
    )


def _believable_life_s(raw: object) -> int:
    try:
        seconds = math.nan if isinstance(raw, bool) else float(raw)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return CAUTIOUS_LIFE_S
    if not math.isfinite(seconds) or seconds < 1:
        return CAUTIOUS_LIFE_S
    return int(min(seconds, LONGEST_LIFE_S))
