"""Where a person is signed in: the sessions of their browsers, in words, and ending them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.db import transaction

from fleet.teams.account_events import tell
from fleet.teams.models import User

# The first word found in what the browser says of itself; an order that matters, as most also name the others.
BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


class SessionsAdapter(DefaultUserSessionsAdapter):
    """Ends sessions, and notes each."""

    def end_sessions(self, sessions: Any) -> None:
        with transaction.atomic():
            for session in sessions:
                session.end()
                tell("account.session_ended", session.user_id)


@dataclass(frozen=True)
class SignedInAt:
    """One browser. browser, system: "" where it does not say, or says something unknown."""

    id: int
    browser: str
    system: str
    address: str
    since: datetime
    is_here: bool


def sessions_of(user: User, *, session_key: str | None) -> list[SignedInAt]:
    """Return where the person is signed in: this browser first, then the newest."""
    rows = UserSession.objects.purge_and_list(user)
    found = [
        SignedInAt(
            id=row.pk,
            browser=_first(BROWSERS, row.user_agent),
            system=_first(SYSTEMS, row.user_agent),
            address=row.ip,
            since=row.created_at,
            is_here=row.session_key == session_key,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (not one.is_here, -one.since.timestamp()))


def _first(words: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for word, name in words if word in text), "")
