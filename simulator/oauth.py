"""OAuth 2 as data: clients, codes, grants, access tokens and rotating refresh tokens. HTTP and pages are elsewhere."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from simulator.commands import CONTROL_SCOPES
from simulator.secrets_seen import note
from simulator.signals import READ_SCOPES

SCOPES = READ_SCOPES + CONTROL_SCOPES
CODE_LIFE_S = 60.0
_CHALLENGE = re.compile(r"\A[A-Za-z0-9_-]{43}\Z")
_VERIFIER = re.compile(r"\A[A-Za-z0-9._~-]{43,128}\Z")


class OAuthError(Exception):
    """An error of RFC 6749, by its word."""

    def __init__(self, error: str, description: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.description = description


@dataclass(slots=True)
class Client:
    client_id: str
    client_secret: str
    redirect_uris: list[str]
    name: str  # as owners read it on the pages


@dataclass(slots=True)
class Code:
    client_id: str
    redirect_uri: str
    challenge: str
    account_id: str
    brand: str
    scopes: list[str]
    expires_at: float
    grant_id: str | None = None  # set once it was exchanged


@dataclass(slots=True)
class Grant:
    id: str
    client_id: str
    account_id: str
    brand: str
    scopes: list[str]
    refresh_token: str = ""
    spent_refresh_tokens: list[str] = field(default_factory=list)
    access_tokens: dict[str, float] = field(default_factory=dict)  # token -> expires_at
    rotated_at: float = 0.0


class Authorizations:
    """Everything clients hold. All steps are synchronous, so two requests never see a half-done rotation."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self.grants: dict[str, Grant] = {}
        self._codes: dict[str, Code] = {}
        self._by_access: dict[str, tuple[Grant, float]] = {}
        self._by_refresh: dict[str, Grant] = {}
        self.rotations = 0
        # How often a spent refresh token came again, and its grant was revoked for it.
        self.reuses = 0

    # Clients

    def register_client(
        self, *, client_id: str, client_secret: str, redirect_uris: list[str], name: str | None = None
    ) -> Client:
        note(client_secret)
        client = self.clients[client_id] = Client(client_id, client_secret, list(redirect_uris), name or client_id)
        return client

    def authenticate_client(self, client_id: str, client_secret: str) -> Client:
        client = self.clients.get(client_id)
        expected = client.client_secret if client else ""
        matches = hmac.compare_digest(expected.encode(), client_secret.encode())
        if client is None or not matches or not expected:
            raise OAuthError("invalid_client", "Unknown client or wrong secret.")
        return client

    # Codes

    def issue_code(
        self,
        *,
        client_id: str,
        redirect_uri: str,
        challenge: str,
        account_id: str,
        brand: str,
        scopes: list[str],
        now: float,
    ) -> str:
        code = note(secrets.token_urlsafe(24))
        self._codes[code] = Code(client_id, redirect_uri, challenge, account_id, brand, scopes, now + CODE_LIFE_S)
        return code

    def exchange_code(
        self, *, client: Client, brand: str, code: str, redirect_uri: str, verifier: str, life_s: float, now: float
    ) -> dict[str, Any]:
        note(verifier)
        kept = self._codes.get(code)
        if kept is None or kept.client_id != client.client_id or kept.brand != brand:
            raise OAuthError("invalid_grant", "The code is not known.")
        if kept.grant_id is not None:
            # A code used twice may have been stolen: what it gave is taken back (RFC 6749, 4.1.2).
            self.revoke_grant(kept.grant_id)
            raise OAuthError("invalid_grant", "The code was used before.")
        if now >= kept.expires_at:
            raise OAuthError("invalid_grant", "The code has expired.")
        if kept.redirect_uri != redirect_uri:
            raise OAuthError("invalid_grant", "The redirect URI is not the one of the authorization request.")
        if not _VERIFIER.match(verifier) or not hmac.compare_digest(make_challenge(verifier), kept.challenge):
            raise OAuthError("invalid_grant", "The code verifier does not match.")
        grant = self.create_grant(
            client_id=client.client_id, account_id=kept.account_id, brand=brand, scopes=kept.scopes
        )
        kept.grant_id = grant.id
        return self._issue_tokens(grant, life_s=life_s, now=now)

    # Grants and tokens

    def create_grant(self, *, client_id: str, account_id: str, brand: str, scopes: list[str]) -> Grant:
        grant = Grant(f"grant_{secrets.token_hex(8)}", client_id, account_id, brand, list(scopes))
        self.grants[grant.id] = grant
        return grant

    def grant_directly(
        self, *, client_id: str, account_id: str, brand: str, scopes: list[str], life_s: float, now: float
    ) -> dict[str, Any]:
        grant = self.create_grant(client_id=client_id, account_id=account_id, brand=brand, scopes=scopes)
        return self._issue_tokens(grant, life_s=life_s, now=now)

    def find_refreshable(
        self, *, client: Client, brand: str, refresh_token: str, grace_s: float = 0.0, now: float = 0.0
    ) -> Grant:
        """Return the grant of a current refresh token; one that was spent before revokes its grant.

        grace_s: for so long the last spent one still counts, as some makers have it for answers that were lost.
        """
        grant = self._by_refresh.get(refresh_token)
        if grant is None or grant.client_id != client.client_id or grant.brand != brand:
            raise OAuthError("invalid_grant", "The refresh token is not known.")
        if grant.refresh_token != refresh_token:
            is_last = bool(grant.spent_refresh_tokens) and grant.spent_refresh_tokens[-1] == refresh_token
            if is_last and now - grant.rotated_at < grace_s:
                return grant
            self.reuses += 1
            self.revoke_grant(grant.id)
            raise OAuthError("invalid_grant", "The refresh token was used before; the grant is revoked.")
        return grant

    def rotate(self, grant: Grant, *, presented: str, life_s: float, now: float) -> dict[str, Any]:
        """Spend the current refresh token and issue another. One presented in its grace gets a successor as well."""
        self.rotations += 1
        if presented == grant.refresh_token:
            grant.spent_refresh_tokens.append(grant.refresh_token)
            grant.rotated_at = now
        else:  # what its first answer carried was lost: that successor is never seen again
            grant.spent_refresh_tokens.insert(0, grant.refresh_token)
        return self._issue_tokens(grant, life_s=life_s, now=now)

    def find_by_access_token(self, token: str, *, now: float) -> Grant | None:
        found = self._by_access.get(token)
        return found[0] if found is not None and now < found[1] else None

    def find_by_refresh_token(self, token: str) -> Grant:
        """Return the grant of a refresh token that was issued just now. Raises KeyError for one that was not."""
        return self._by_refresh[token]

    def revoke_token(self, *, client: Client, token: str) -> None:
        grant = self._by_refresh.get(token)
        if grant is None and token in self._by_access:
            grant = self._by_access[token][0]
        if grant is not None and grant.client_id == client.client_id:
            self.revoke_grant(grant.id)

    def revoke_grant(self, grant_id: str) -> None:
        grant = self.grants.pop(grant_id, None)
        if grant is None:
            return
        for token in grant.access_tokens:
            self._by_access.pop(token, None)
        for token in (grant.refresh_token, *grant.spent_refresh_tokens):
            self._by_refresh.pop(token, None)

    def restore_grant(self, grant: Grant) -> None:
        self.grants[grant.id] = grant
        for token, expires_at in grant.access_tokens.items():
            self._by_access[token] = (grant, expires_at)
        for token in (grant.refresh_token, *grant.spent_refresh_tokens):
            self._by_refresh[token] = grant

    def clear(self) -> None:
        for kept in (self.clients, self.grants, self._codes, self._by_access, self._by_refresh):
            kept.clear()
        self.rotations = self.reuses = 0

    def _issue_tokens(self, grant: Grant, *, life_s: float, now: float) -> dict[str, Any]:
        self._forget_expired(grant, now)
        access_token = note(secrets.token_urlsafe(32))
        grant.refresh_token = note(secrets.token_urlsafe(32))
        grant.access_tokens[access_token] = now + life_s
        self._by_access[access_token] = (grant, now + life_s)
        self._by_refresh[grant.refresh_token] = grant
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": int(life_s),
            "refresh_token": grant.refresh_token,
            "scope": " ".join(grant.scopes),
            "account_id": grant.account_id,
        }

    def _forget_expired(self, grant: Grant, now: float) -> None:
        for token, expires_at in list(grant.access_tokens.items()):
            if expires_at <= now:
                del grant.access_tokens[token]
                self._by_access.pop(token, None)
        for code, kept in list(self._codes.items()):
            if kept.expires_at + 600 < now:
                del self._codes[code]


def is_challenge(challenge: str) -> bool:
    return _CHALLENGE.match(challenge) is not None


def make_challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def parse_scopes(words: str) -> list[str]:
    """Return the known scopes asked for, each once, in our order; raise OAuthError for an unknown one or none."""
    asked = set(words.split())
    if not asked or not asked <= set(SCOPES):
        raise OAuthError("invalid_scope", "Unknown or missing scope.")
    return [scope for scope in SCOPES if scope in asked]
