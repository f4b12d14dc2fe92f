"""Tesla's token endpoint: a code, a refresh token or our own name for tokens; what Tesla calls a definite no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fleet.adapters.errors import AdapterError, GrantRefused
from fleet.adapters.http import Http, NoAnswer
from fleet.adapters.oauth import AppCredential, TokenSet, read_token_answer
from fleet.adapters.providers.tesla.scopes import read_claims, to_ours

TIMEOUT_S = 10.0
# "login_required" with 401 is what Tesla says of a grant that was withdrawn and of a refresh token that was used up
# (vehicle-command issues 132 and 160); RFC 6749 would have it "invalid_grant".
REFUSED = frozenset({"login_required", "invalid_grant", "invalid_auth_code"})
NOT_SET_UP = frozenset({"invalid_client", "unauthorized_client"})


async def ask_for_tokens(http: Http, app: AppCredential, form: Mapping[str, str]) -> TokenSet:
    """Return tokens, with whose they are, what they allow and where the login lives as the token itself says it.

    Raises GrantRefused (definite) or AdapterError (the grant may still live).
    """
    # No secret in a refresh: Tesla documents none there, and an open-source application has none at all.
    is_refresh = form["grant_type"] == "refresh_token"
    secret = {} if is_refresh or not app.client_secret else {"client_secret": app.client_secret}
    try:
        answer = await http.ask(
            "POST", app.urls["token"], form={"client_id": app.client_id, **secret, **form}, timeout_s=TIMEOUT_S
        )
    except NoAnswer as error:
        raise AdapterError("upstream_down", detail=error.detail) from error
    body = answer.json()
    if answer.status == 200 and body is not None:
        return _with_claims(read_token_answer(body))
    word = body.get("error") if body is not None else None
    if answer.status in {400, 401, 403} and isinstance(word, str):
        if word in REFUSED:
            raise GrantRefused
        if word in NOT_SET_UP:
            raise AdapterError("setup_required", detail=word)
    if answer.status == 429:
        raise AdapterError("rate_limited", detail="HTTP 429", retry_after_s=answer.retry_after_s() or 30.0)
    raise AdapterError("upstream_down", detail=f"HTTP {answer.status}")


def _with_claims(tokens: TokenSet) -> TokenSet:
    """The answer around a token says neither whose it is nor what was granted; what is in it says both."""
    claims = read_claims(tokens.access_token)
    granted = claims.scopes if claims.scopes is not None else tokens.scopes
    return replace(
        tokens,
        scopes=None if granted is None else to_ours(granted),
        account_id=claims.account_id or tokens.account_id,
        region=claims.region,
    )
