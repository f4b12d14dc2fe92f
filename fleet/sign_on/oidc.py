"""OpenID Connect by django-allauth's provider and client, with what they leave out: nonce, signature, issuer, limits.

Here a browser leaves for a provider and comes back with a proof of who it is; whose account that opens is in arriving.
"""

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jwt
import requests
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, _build_apps_from_settings, get_adapter
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from fleet.sign_on.errors import SignOnFailed
from fleet.sign_on.http import BoundedSession
from fleet.sign_on.providers import Provider, is_safe_url

# Signatures by a key that only the provider has. Never "none", and never one by a secret that both sides know.
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
CLOCKS_DIFFER_S = 30
KEEP_CONFIGURATION_S = 300
PARAMETER_MAX_LENGTH = 4096
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
# What a strange answer makes the libraries and us raise.
MALFORMED = (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError)
LOGIN, CONFIRM = "login", "confirm"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arrival:
    """What a provider proved of somebody.

    subject: issuer and subject, hashed: the identity, whatever becomes of the address. proved_at: when they showed it
    to the provider, None where it does not say. purpose: LOGIN, or CONFIRM for user_id. next_url: "" for the usual one.
    """

    provider: Provider
    subject: str
    email: str
    is_email_verified: bool
    name: str
    proved_at: float | None
    has_second_factor: bool
    purpose: str
    begun_at: float
    user_id: str
    next_url: str


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Knows the providers of the settings, and none that somebody wrote into the database."""

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[Any]:  # noqa: ARG002
        found = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def get_requests_session(self) -> requests.Session:
        return BoundedSession()


class Client(OAuth2Client):  # type: ignore[misc]
    """An authorization address may bring a query of its own."""

    def get_redirect_url(self, authorization_url: str, scope: list[str], extra_params: dict[str, str]) -> str:
        url: str = super().get_redirect_url(authorization_url, scope, extra_params)
        return url.replace("?", "&").replace("&", "?", 1) if "?" in authorization_url else url


class Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """Finds out how to speak to a provider, and reads what it signs."""

    client_class = Client

    @property
    def openid_config(self) -> dict[str, Any]:
        """Return the provider's description of itself, a few minutes old at most. Raises OAuth2Error, requests' own."""
        provider = self.get_provider()
        key = f"sign-on:{hashlib.sha256(provider.server_url.encode()).hexdigest()}"
        config = cache.get(key)
        if config is None:
            config = _fetch_json(provider.server_url)
            issuer = config["issuer"]
            if issuer.rstrip("/") != provider.app.settings["server_url"].rstrip("/"):
                raise OAuth2Error("another issuer")
            if not all(is_safe_url(config[name]) for name in ENDPOINTS):
                raise OAuth2Error("an endpoint that is not safe")
            cache.set(key, config, KEEP_CONFIGURATION_S)
        return config  # type: ignore[no-any-return]

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:  # noqa: ARG002
        return settings.PUBLIC_URL + reverse("sign_on_callback", args=[self.provider_id])

    def read_token(self, token: Any, *, nonce: str, client_id: str) -> dict[str, Any]:
        """Return what an ID token says, if this provider signed it for us, now, for this browser. Raises PyJWTError."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError
        issuer = self.openid_config["issuer"]
        claims = jwt.decode(
            token,
            self._find_key(header),
            algorithms=[header["alg"]],
            audience=client_id,
            issuer=issuer,
            leeway=CLOCKS_DIFFER_S,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "nonce"]},
        )
        if claims.get("azp", client_id) != client_id or (isinstance(claims["aud"], list) and len(claims["aud"]) > 1):
            raise jwt.InvalidAudienceError
        if not claims["sub"] or not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
            raise jwt.InvalidTokenError
        return claims

    def _find_key(self, header: dict[str, Any]) -> Any:
        # Asked each time, so that a key that was withdrawn, or made today, is known at once.
        keys = jwt.PyJWKSet.from_dict(_fetch_json(self.openid_config["jwks_uri"])).keys
        fitting = [
            key for key in keys if key.public_key_use in {None, "sig"} and header.get("kid") in {None, key.key_id}
        ]
        if len(fitting) != 1:
            raise jwt.InvalidKeyError
        return fitting[0].key

    def ask_for_person(self, access_token: str, subject: str) -> dict[str, Any]:
        """Return what the userinfo endpoint says, for providers whose tokens hold no address."""
        url = self.openid_config.get("userinfo_endpoint")
        if not is_safe_url(url):
            return {}
        told = _fetch_json(str(url), headers={"Authorization": f"Bearer {access_token}"})
        if told.get("sub") != subject:
            raise OAuth2Error("speaks of somebody else")
        return told


class SignOnProvider(OpenIDConnectProvider):  # type: ignore[misc]
    """django-allauth's provider, with our adapter."""

    oauth2_adapter_class = Adapter


def _fetch_json(url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    with get_adapter().get_requests_session() as session:
        response = session.get(url, headers=headers)
    if response.status_code != 200:
        raise requests.HTTPError(str(response.status_code))
    answer = response.json()
    if not isinstance(answer, dict):
        raise OAuth2Error("no object")
    return answer


def leave(request: HttpRequest, provider: Provider, *, purpose: str, next_url: str = "") -> HttpResponseBase:
    """Return the redirect to a provider's sign-in, with what is needed to know this browser again in the session.

    To confirm, the provider is told to ask anew, whoever is signed in there. Raises SignOnFailed.
    """
    nonce = secrets.token_urlsafe(24)
    parameters = {"nonce": nonce}
    if purpose == CONFIRM:
        parameters |= {"prompt": "login", "max_age": "0"}
    asked: dict[str, Any] = {"nonce": nonce, "begun_at": time.time(), "user": str(request.user.pk or "")}
    with _telling(provider):
        allauths = get_adapter(request).get_provider(request, provider=provider.id)
        return allauths.redirect(  # type: ignore[no-any-return]
            request, process=purpose, next_url=next_url or None, auth_params=parameters, **asked
        )


def receive(request: HttpRequest, provider: Provider) -> Arrival:
    """Return who came back from a provider. Each state works once. Raises SignOnFailed."""
    given = {name: request.GET.get(name, "")[:PARAMETER_MAX_LENGTH] for name in ("state", "code", "error", "iss")}
    state = statekit.unstash_state(request, provider_id=provider.id, state_id=given["state"])
    if state is None:
        raise SignOnFailed("strange_state")
    if given["error"] or not given["code"]:
        raise SignOnFailed("cancelled" if given["error"] == "access_denied" else "refused_there")
    with _telling(provider):
        claims = _exchange(request, provider, code=given["code"], issuer=given["iss"], state=state)
    amr = claims.get("amr")
    methods = {method for method in amr if isinstance(method, str)} if isinstance(amr, list) else set()
    levels = {claims["acr"]} if isinstance(claims.get("acr"), str) else set()
    at = claims.get("auth_time")
    return Arrival(
        provider=provider,
        subject=hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest(),
        email=str(claims.get("email") or "").strip().lower(),
        is_email_verified=claims.get("email_verified") is True,
        name=str(claims.get("name") or ""),
        proved_at=float(at) if isinstance(at, int | float) and not isinstance(at, bool) else None,
        has_second_factor=provider.gives_second_factor
        and bool("mfa" in methods or levels & provider.second_factor_acr),
        purpose=str(state.get("process")),
        begun_at=float(state["begun_at"]),
        user_id=str(state.get("user") or ""),
        next_url=str(state.get("next") or ""),
    )


def _exchange(
    request: HttpRequest, provider: Provider, *, code: str, issuer: str, state: dict[str, Any]
) -> dict[str, Any]:
    allauths = get_adapter(request).get_provider(request, provider=provider.id)
    adapter: Adapter = allauths.get_oauth2_adapter(request)
    if issuer and issuer != adapter.openid_config["issuer"]:  # RFC 9207: the answer of another provider
        raise OAuth2Error("another issuer")
    client = adapter.get_client(request, allauths.app)
    answer = client.get_access_token(code, pkce_code_verifier=state["pkce_code_verifier"])
    claims = adapter.read_token(answer["id_token"], nonce=state["nonce"], client_id=provider.client_id)
    if "email" not in claims:
        told = adapter.ask_for_person(answer["access_token"], claims["sub"])
        claims |= {name: told[name] for name in ("email", "email_verified", "name") if name in told}
    return claims


@contextmanager
def _telling(provider: Provider) -> Iterator[None]:
    """Turn whatever goes wrong with a provider into a code; the log gets the kind of error, never its text."""
    try:
        yield
    except requests.exceptions.InvalidJSONError as error:
        raise _failed(provider, "not_valid", error) from None
    except requests.RequestException as error:
        raise _failed(provider, "unreachable", error) from None
    except (OAuth2Error, jwt.PyJWTError, *MALFORMED) as error:
        raise _failed(provider, "not_valid", error) from None


def _failed(provider: Provider, code: str, error: Exception) -> SignOnFailed:
    # Raised without its cause: that may hold a code, a token or the provider's secret.
    logger.warning("sign-on by %s failed: %s, %s", provider.id, code, type(error).__name__)
    return SignOnFailed(code)
