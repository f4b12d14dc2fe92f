"""Sign-ins under way: what a client asked for, carried by a ticket from page to page of the authorization."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

LIFE_S = 600.0


@dataclass(slots=True)
class SignIn:
    brand: str
    client_id: str
    client_name: str
    redirect_uri: str
    state: str | None
    challenge: str
    scopes: list[str]
    language: str
    expires_at: float
    account_id: str | None = None
    # A dialect's own end of it: what goes back to the client instead of our code, or instead of our error.
    finish: "Finish | None" = None
    error_description: str | None = None
    # Scopes whose box cannot be unticked.
    required: tuple[str, ...] = ()
    # What the dialect has to remember until then.
    carried: dict[str, Any] = field(default_factory=dict)

    @property
    def redirect_origin(self) -> str:
        parts = urlsplit(self.redirect_uri)
        return f"{parts.scheme}://{parts.netloc}"


# Called with the scopes that were ticked, in the simulator's words, once the owner has agreed. It returns what is
# added to the address that leads back.
Finish = Callable[["SignIn", list[str]], dict[str, str | None]]


class SignIns:
    def __init__(self) -> None:
        self._by_ticket: dict[str, SignIn] = {}

    def begin(self, sign_in: SignIn, *, now: float) -> str:
        for ticket, kept in list(self._by_ticket.items()):
            if kept.expires_at <= now:
                del self._by_ticket[ticket]
        ticket = secrets.token_urlsafe(24)
        self._by_ticket[ticket] = sign_in
        return ticket

    def find(self, ticket: str, *, brand: str, now: float) -> SignIn | None:
        sign_in = self._by_ticket.get(ticket)
        return sign_in if sign_in is not None and sign_in.brand == brand and now < sign_in.expires_at else None

    def take(self, ticket: str, *, brand: str, now: float) -> SignIn | None:
        """Find it and make the ticket worthless; a page that goes on gets a new one."""
        sign_in = self.find(ticket, brand=brand, now=now)
        if sign_in is not None:
            del self._by_ticket[ticket]
        return sign_in


def add_to_uri(uri: str, fields: dict[str, str | None]) -> str:
    """Return the URI with the fields that are not None added to its query."""
    parts = urlsplit(uri)
    added = urlencode({name: value for name, value in fields.items() if value is not None})
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))
