"""One LISTEN per web process, and a bounded queue for every open page."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from fleet.events.database import open_connection

CHANNEL = "fleetwell_live"
QUEUE_SIZE = 100
RECONNECT_S = 1.0
# What a person may see has changed; their page is told, and its stream ends.
RIGHTS = "rights"
# From then on every page of the team offers something else; after LEAVING there is nothing left to see.
END_OF_TEAM = frozenset({"team.closing", "team.reopened", "team.erasing"})
LEAVING = frozenset({"member.removed", "team.erasing"})
# The bell of whoever has the page open shows something else; which page it is does not matter.
BELL = "bell"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Right:
    """Under which right a page is open: a membership, its role where it is of the team's own, and whether it is for
    some vehicles only, which may reach it through groups.

    without_second_factor: it closes the moment the team demands one of its members.
    """

    membership: str
    role: str = ""
    is_limited: bool = False
    without_second_factor: bool = False

    def is_touched_by(self, kind: str, subject: str) -> bool:
        """Say whether an event of the team may have changed what this right allows."""
        if kind in {"member.removed", "member.role_changed"}:
            return subject == self.membership
        if kind in {"role.changed", "role.removed"}:
            return bool(self.role) and subject == self.role
        if kind in END_OF_TEAM:
            return True
        if kind == "team.changed":  # a notification does not say what; a page that may stay looks again and stays
            return self.without_second_factor
        return kind.startswith("group.") and self.is_limited


@dataclass(eq=False)
class Page:
    """One open page: which vehicles of which team it shows, under which right, and what it has still to be told."""

    team_id: str
    vehicle_ids: frozenset[str]
    right: Right
    user_id: str = ""
    queue: asyncio.Queue[dict[str, Any]] = field(default_factory=lambda: asyncio.Queue(QUEUE_SIZE))

    def tell(self, message: dict[str, Any]) -> None:
        """Queue a message; a page that does not read loses the oldest, since it refetches whole fragments anyway.

        That its right has changed it does not lose.
        """
        if self.queue.full():
            oldest = self.queue.get_nowait()
            message = oldest if oldest["kind"] == RIGHTS else message
        self.queue.put_nowait(message)


class Broadcast:
    """Feeds the pages of one event loop from PostgreSQL's notifications, while there are any."""

    def __init__(self) -> None:
        self._pages: set[Page] = set()
        self._listener: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def open_page(self, page: Page) -> AsyncIterator[Page]:
        """Register a page for as long as its stream is open."""
        self._pages.add(page)
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        try:
            yield page
        finally:
            self._pages.discard(page)
            if not self._pages and self._listener is not None:
                self._listener.cancel()
                self._listener = None

    async def _listen(self) -> None:
        while True:
            try:
                async with await open_connection() as listener:
                    await listener.execute(f"LISTEN {CHANNEL}")
                    # What happened while nobody listened is not known: every page looks again.
                    self._tell_everybody()
                    async for notification in listener.notifies():
                        self.tell(json.loads(notification.payload))
            except psycopg.Error as error:
                logger.warning("live stream lost the database, trying again: %s", type(error).__name__)
                await asyncio.sleep(RECONNECT_S)
                self._ring_bells(frozenset(page.user_id for page in self._pages))

    def tell(self, notification: dict[str, Any]) -> None:
        """Pass on what the database told: one message, or the changes of one statement, to the pages that show it."""
        if "users" in notification:
            self._ring_bells(frozenset(notification["users"]))
            return
        messages = _messages(notification)
        for page in self._pages:
            if page.team_id != notification.get("team"):
                continue
            for message in messages:
                if message["vehicle"] in page.vehicle_ids:
                    page.tell(message)
                elif page.right.is_touched_by(message["kind"], str(message.get("subject") or "")):
                    page.tell({"kind": RIGHTS, "left": message["kind"] in LEAVING})

    def _ring_bells(self, user_ids: frozenset[str]) -> None:
        for page in self._pages:
            if page.user_id in user_ids:
                page.tell({"kind": BELL})

    def _tell_everybody(self) -> None:
        for page in self._pages:
            for vehicle_id in page.vehicle_ids:
                page.tell({"kind": "look", "vehicle": vehicle_id, "team": page.team_id})


def _messages(notification: dict[str, Any]) -> list[dict[str, Any]]:
    changes = notification.get("changes")
    if changes is None:
        return [notification]
    return [{"vehicle": vehicle, "kind": kind, "subject": subject} for vehicle, kind, subject in changes]


broadcast = Broadcast()
