"""The live stream, which tells an open page what to fetch again, and the health of this installation."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, StreamingHttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from fleet.live.broadcast import Page, broadcast
from fleet.live.health import check_health
from fleet.teams.access import memberships_of
from fleet.teams.models import User
from fleet.teams.roles import Permission
from fleet.vehicles.models import Vehicle

MAX_VEHICLES = 200
PING_EVERY_S = 15.0
# A stream ends now and then, so that a session that was signed out does not hear for ever.
LIFE_S = 300.0


async def stream(request: HttpRequest) -> HttpResponse:
    """Tell which fragments of a page changed, for the vehicles named in ?vehicle=. Ids only, never data."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    user = await request.auser()
    wanted = _read_ids(request.GET.getlist("vehicle")[:MAX_VEHICLES])
    page = await sync_to_async(_open_page)(user, wanted) if isinstance(user, User) else None
    if page is None:
        # 204 tells EventSource to stay away; a fragment that is fetched says why.
        return HttpResponse(status=204)
    return StreamingHttpResponse(
        _lines(page),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _read_ids(raw_ids: list[str]) -> list[UUID]:
    found: list[UUID] = []
    for raw in raw_ids:
        try:
            found.append(UUID(raw))
        except ValueError:
            continue
    return found


def _open_page(user: User, wanted: list[UUID]) -> Page | None:
    """Return a page for those of the vehicles that this person may see, all of one team; None when there is none."""
    teams = [m.team_id for m in memberships_of(user) if m.may(Permission.VIEW)]
    rows = Vehicle.objects.filter(id__in=wanted, team_id__in=teams, removed_at__isnull=True)
    by_team: dict[UUID, set[str]] = {}
    for vehicle_id, team_id in rows.values_list("id", "team_id"):
        by_team.setdefault(team_id, set()).add(str(vehicle_id))
    if not by_team:
        return None
    team_id, ids = max(by_team.items(), key=lambda item: len(item[1]))
    return Page(team_id=str(team_id), vehicle_ids=frozenset(ids))


async def _lines(page: Page) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + LIFE_S
    async with broadcast.open_page(page):
        yield "retry: 2000\n\n"
        while loop.time() < ends_at:
            try:
                async with asyncio.timeout(PING_EVERY_S):
                    message = await page.queue.get()
            except TimeoutError:
                yield ": ping\n\n"
                continue
            yield f"event: changed\ndata: {json.dumps(_ids(message))}\n\n"


def _ids(message: dict[str, Any]) -> dict[str, str]:
    ids = {"vehicle": str(message["vehicle"])}
    what, _, identity = str(message.get("subject") or "").partition(":")
    if what == "command":
        ids["command"] = identity
    return ids


@require_GET
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Say what works: database, broker, workers, beat, and the oldest queued command. 503 when something is down."""
    report = check_health()
    return JsonResponse(report, status=200 if report["status"] == "ok" else 503)
