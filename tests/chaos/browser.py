"""A person's browser as far as pressing needs one: a session, the panel's form with its token, and a press."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar

TIMEOUT_S = 4.0
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
TOKEN = re.compile(r'name="token" value="([^"]+)"')


class NoAnswer(Exception):
    """Nobody knows whether it was done: no answer came, or the server said that it failed."""


@dataclass(frozen=True)
class Page:
    status: int
    location: str
    text: str


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Where we are sent is part of the answer."""


class Browser:
    """One signed-in person. Raises NoAnswer wherever an answer is missing."""

    def __init__(self, port: int, email: str, password: str) -> None:
        self._base = f"http://localhost:{port}"
        self._email, self._password = email, password
        self._opener = urllib.request.build_opener(_NoRedirects, urllib.request.HTTPCookieProcessor(CookieJar()))
        self._is_signed_in = False

    def form_of(self, vehicle: str, kind: str) -> dict[str, str] | None:
        """Load the panel and return the hidden fields of a command's form; None when it is not offered now."""
        self._sign_in()
        page = self.get(f"/vehicles/{vehicle}/commands/")
        start = page.text.find(f'action="/vehicles/{vehicle}/commands/{kind}/"')
        if page.status != 200 or start < 0:
            return None
        csrf, token = CSRF.search(page.text, start), TOKEN.search(page.text, start)
        return {"csrfmiddlewaretoken": csrf[1], "token": token[1]} if csrf and token else None

    def press(self, vehicle: str, kind: str, fields: Mapping[str, str]) -> Page:
        """Send the form; accepted is a redirect to the vehicle."""
        return self.post(f"/vehicles/{vehicle}/commands/{kind}/", fields)

    def cancel(self, command: str) -> Page:
        self._sign_in()
        return self.post(f"/commands/{command}/cancel/", {"csrfmiddlewaretoken": self._csrf("/vehicles/")})

    def get(self, path: str) -> Page:
        return self._ask(urllib.request.Request(self._base + path))

    def post(self, path: str, fields: Mapping[str, str]) -> Page:
        return self._ask(urllib.request.Request(self._base + path, urllib.parse.urlencode(fields).encode()))

    def _csrf(self, path: str) -> str:
        found = CSRF.search(self.get(path).text)
        if found is None:
            raise NoAnswer("a page without a form")
        return found[1]

    def _sign_in(self) -> None:
        if self._is_signed_in:
            return
        fields = {"login": self._email, "password": self._password}
        page = self.post("/accounts/login/", fields | {"csrfmiddlewaretoken": self._csrf("/accounts/login/")})
        if page.status != 302:
            raise NoAnswer(f"no sign-in: {page.status} {page.text[-3000:]}")
        self._is_signed_in = True

    def _ask(self, request: urllib.request.Request) -> Page:
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                return Page(answer.status, "", answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                if error.code >= 500:
                    raise NoAnswer(f"HTTP {error.code}") from error
                return Page(error.code, error.headers.get("Location", ""), error.read().decode())
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(type(error).__name__) from error
