"""A small identity provider (OpenID Connect) behind HTTP: keys of its own, strict with us, faulty on demand."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.infrastructure.servers import servers

CLIENT_SECRET = "secret-of-the-client"
# id -> what the environment says of it beyond the common: servers.identity_providers().
PROVIDERS = ("acme", "harbour")
KID = "key-1"
PARAMETERS = {"client_id", "redirect_uri", "scope", "response_type", "state", "nonce", "code_challenge"}
PARAMETERS |= {"code_challenge_method"}


@dataclass(frozen=True)
class Person:
    """Somebody at the provider, and what it says of them. auth_time: None for now, 0 to leave it out."""

    sub: str
    email: str
    email_verified: Any = True
    name: str = "Robin Example"
    amr: tuple[str, ...] = ("pwd",)
    acr: str = ""
    auth_time: float | None = None


@dataclass
class IdentityProvider:
    """What a test tells the provider, and what the provider saw. fault: see _Handler; one at a time."""

    url: str
    person: Person = field(default_factory=lambda: Person("sub-1", "robin@acme.example"))
    fault: str = ""
    seen: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    @cached_property
    def other_key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    @contextmanager
    def failing(self, fault: str) -> Iterator[None]:
        self.fault = fault
        try:
            yield
        finally:
            self.fault = ""

    def authorize(self, url: str, person: Person | None = None) -> str:
        """Do what a browser and its person would at the provider; return the address that leads back to us."""
        parts = urlsplit(url)
        asked = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True).items()}
        assert asked.keys() >= PARAMETERS, asked.keys()
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert {"openid", "email"} <= set(asked["scope"].split())
        self.seen.append(asked)
        self.person = person or self.person
        code = secrets.token_urlsafe(16)
        issuer = url.partition("/authorize")[0]
        self.codes[code] = {"asked": asked, "issuer": issuer, "person": self.person}
        answer = {"code": code, "state": asked["state"], "iss": issuer}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def id_token(self, code: dict[str, Any], client_id: str) -> str:
        """Sign what is known of somebody, wrongly where a fault asks for it."""
        now, person, issuer = int(time.time()), code["person"], code["issuer"]
        claims = {
            name: value for name, value in asdict(person).items() if name != "auth_time" and value not in ("", None)
        }
        if person.auth_time != 0:
            claims["auth_time"] = int(person.auth_time or now)
        claims |= {"iss": issuer, "aud": client_id, "iat": now, "exp": now + 300, "nonce": code["asked"]["nonce"]}
        wrong: dict[str, dict[str, Any]] = {
            "wrong_issuer": {"iss": issuer + "-other"},
            "wrong_audience": {"aud": "somebody-else"},
            "two_audiences": {"aud": [client_id, "somebody-else"]},
            "wrong_nonce": {"nonce": "another browser's"},
            "expired": {"iat": now - 7200, "exp": now - 3600},
            "from_tomorrow": {"iat": now + 86400, "exp": now + 90000},
            "empty_subject": {"sub": ""},
        }
        claims |= wrong.get(self.fault, {})
        if self.fault in {"no_nonce", "no_subject", "no_expiry"}:
            del claims[{"no_nonce": "nonce", "no_subject": "sub", "no_expiry": "exp"}[self.fault]]
        if self.fault == "thin_token":
            del claims["email"], claims["email_verified"], claims["name"]
        if self.fault == "alg_none":
            return jwt.encode(claims, "", algorithm="none", headers={"kid": KID})
        if self.fault == "hs256":
            return jwt.encode(claims, CLIENT_SECRET * 3, algorithm="HS256", headers={"kid": KID})
        key = self.other_key if self.fault == "wrong_key" else self.key
        token = jwt.encode(claims, key, "RS256", headers={"kid": "nobody's" if self.fault == "unknown_kid" else KID})
        return token[:-8] + "AAAAAAAA" if self.fault == "changed" else token


class _Handler(BaseHTTPRequestHandler):
    provider: IdentityProvider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/favicon.ico":  # browsers ask by themselves
            return self._send(200, b"", "image/x-icon")
        issuer, _, what = url.path.lstrip("/").partition("/")
        base = f"{self.provider.url}/{issuer}"
        self.provider.paths.append(what)
        if issuer not in PROVIDERS:
            return self._answer(404, {})
        if what == ".well-known/openid-configuration":
            return self._answer(200, self._describe(base), fault="discovery")
        if what == "keys":
            jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.provider.key.public_key()))
            return self._answer(200, {"keys": [{**jwk, "kid": KID, "use": "sig", "alg": "RS256"}]}, fault="keys")
        if what == "userinfo":
            person = asdict(self.provider.person)
            told = {name: person[name] for name in ("sub", "email", "email_verified", "name")}
            return self._answer(200, told | ({"sub": "other"} if self.provider.fault == "userinfo_of_another" else {}))
        if what == "authorize":
            back = self.provider.authorize(base + "/authorize?" + url.query)
            page = (
                "<!doctype html><html lang=en><title>Provider</title><h1>Sign in</h1>"
                f'<p>{escape(self.provider.person.email)}</p><a id="allow" href="{escape(back)}">Continue</a>'
            )
            return self._send(200, page.encode(), "text/html; charset=utf-8")
        return self._answer(404, {})

    def do_POST(self) -> None:
        what = urlsplit(self.path).path.rpartition("/")[2]
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        given = {name: values[0] for name, values in form.items()}
        self.provider.paths.append(what)
        code = self.provider.codes.pop(given.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        is_right = (
            code is not None
            and given.get("client_secret") == CLIENT_SECRET
            and code["asked"]["redirect_uri"] == given.get("redirect_uri")
            and code["asked"]["code_challenge"] == challenge.decode().rstrip("=")
        )
        if not is_right:
            return self._answer(400, {"error": "invalid_grant", "code": given.get("code", "")})
        answer = {"access_token": "the-access-token", "token_type": "Bearer", "expires_in": 300}
        if self.provider.fault != "no_id_token":
            answer["id_token"] = self.provider.id_token(code, given["client_id"])
        return self._answer(200, answer, fault="token")

    def _describe(self, base: str) -> dict[str, Any]:
        found = {
            "issuer": base if self.provider.fault != "other_issuer" else base + "-other",
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/keys",
            "userinfo_endpoint": f"{base}/userinfo",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        if self.provider.fault == "unsafe_endpoint":
            found["token_endpoint"] = "http://id.example.com/token"
        if self.provider.fault == "no_endpoint":
            del found["token_endpoint"]
        return found

    def _answer(self, status: int, body: dict[str, Any], *, fault: str = "") -> None:
        asked = self.provider.fault.removeprefix(f"{fault}_") if fault else ""
        if self.provider.fault.startswith(f"{fault}_") and fault:
            if asked == "500":
                return self._send(500, b"<h1>Sorry</h1>", "text/html")
            if asked == "html":
                return self._send(200, b"<h1>Maintenance</h1>", "text/html")
            if asked == "list":
                return self._send(200, b"[1, 2]", "application/json")
            if asked == "huge":
                return self._send(200, b'{"a": "' + b"x" * 1_000_000 + b'"}', "application/json")
            if asked == "redirect":
                self.send_response(302)
                self.send_header("Location", f"{self.provider.url}/elsewhere")
                self.end_headers()
                return None
            if asked == "drip":
                return self._drip()
            if asked == "cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"a')
                return None
        return self._send(status, json.dumps(body).encode(), "application/json")

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        for _ in range(600):
            try:
                self.wfile.write(b" ")
                self.wfile.flush()
            except OSError:
                return
            threading.Event().wait(0.05)

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's word
        """Say nothing: the tests look at what is answered."""


@pytest.fixture(scope="session")
def _identity_server() -> Iterator[IdentityProvider]:
    provider = IdentityProvider(f"http://127.0.0.1:{servers.identity_port}")
    handler = type("Handler", (_Handler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", servers.identity_port), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()


@pytest.fixture
def identity(_identity_server: IdentityProvider) -> IdentityProvider:
    """The provider that the settings of tests name, twice: "acme", and "harbour", which its domain requires."""
    _identity_server.fault, _identity_server.person = "", Person("sub-1", "robin@acme.example")
    _identity_server.seen.clear()
    _identity_server.paths.clear()
    return _identity_server
