"""The live stream, which tells an open page what to fetch again, and the health of this installation."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connection
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, StreamingHttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from fleet.live.broadcast import BELL, RIGHTS, Page, Right, broadcast
from fleet.live.health import check_health
from fleet.teams.access import memberships_of
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission
from fleet.teams.second_factor import would_be_locked
from fleet.vehicles.access import reach_of
from fleet.vehicles.models import Vehicle

MAX_VEHICLES = 200
PING_EVERY_S = 15.0
# A stream ends now and then, so that a session that was signed out does not hear for ever.
LIFE_S = 300.0
# A command moves four times within a tenth of a second; only its end is worth a message of its own.
GATHER_S = 0.15
ENDS = frozenset(
    f"command.{state}"
    for state in ("confirmed", "failed", "refused", "expired", "cancelled", "superseded", "unresolved")
)


async def stream(request: HttpRequest) -> HttpResponse:
    """Tell which fragments of a page changed, for the vehicles named in ?vehicle= (or ?team=). Ids only, never data."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    page = await sync_to_async(_open_page)(request)
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


def _open_page(request: HttpRequest) -> Page | None:
    """Return a page for those of the vehicles that this person may see, all of one team; None when there is none.

    One that shows no vehicle names its team instead, and hears only when it has to go.
    """
    try:
        if not isinstance(request.user, User):
            return None
        if teams := _read_ids(request.GET.getlist("team")[:1]):
            return _find_page_of_team(request.user, teams[0])
        return _find_page(request.user, _read_ids(request.GET.getlist("vehicle")[:MAX_VEHICLES]))
    finally:
        # A stream lives for minutes; were the connection kept for it, a dozen open pages would use up the pool.
        connection.close()


def _find_page(user: User, wanted: list[UUID]) -> Page | None:
    seen = Q()
    for membership in memberships_of(user):
        if membership.may(Permission.VIEW):
            seen |= Q(reach_of(membership, "id"), team_id=membership.team_id)
    if not seen:
        return None
    rows = Vehicle.objects.filter(seen, id__in=wanted, removed_at__isnull=True)
    by_team: dict[UUID, set[str]] = {}
    for vehicle_id, team_id in rows.values_list("id", "team_id"):
        by_team.setdefault(team_id, set()).add(str(vehicle_id))
    if not by_team:
        return None
    team_id, ids = max(by_team.items(), key=lambda item: len(item[1]))
    membership = next(one for one in memberships_of(user) if one.team_id == team_id)
    return Page(str(team_id), frozenset(ids), _right_of(membership, user), str(user.pk))


def _find_page_of_team(user: User, team_id: UUID) -> Page | None:
    membership = next((one for one in memberships_of(user) if one.team_id == team_id), None)
    return Page(str(team_id), frozenset(), _right_of(membership, user), str(user.pk)) if membership else None


def _right_of(membership: Membership, user: User) -> Right:
    return Right(
        membership=f"membership:{membership.id}",
        role=f"role:{membership.custom_role_id}" if membership.custom_role_id else "",
        is_limited=not membership.reaches_all,
        without_second_factor=would_be_locked(membership, user),
    )


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
            if message["kind"] == BELL:
                yield "event: bell\ndata: {}\n\n"
                continue
            told, change = await _gather(page, message)
            if change is not None:
                # Whatever else moved is not theirs to hear of any more, or will be fetched anyway.
                yield f"event: rights\ndata: {json.dumps({'left': change['left']})}\n\n"
                return
            for entry in told:
                yield f"event: changed\ndata: {json.dumps(entry)}\n\n"


async def _gather(page: Page, first: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Return what changed, one message a car, and the change of rights that ended it, if there was one.

    A command's quick moves go together, its end at once. A message names a vehicle, "state" when it reported something,
    "buttons" when that is what buttons show, and the command that moved, if any.
    """
    told: dict[str, dict[str, Any]] = {}
    message = first
    try:
        async with asyncio.timeout(GATHER_S):
            while message["kind"] != RIGHTS:
                if message["kind"] == BELL:
                    # Behind what was gathered: it is told by itself.
                    page.tell(message)
                    break
                _note(told, message)
                if _is_end(message):
                    break
                message = await page.queue.get()
    except TimeoutError:
        pass
    return list(told.values()), message if message["kind"] == RIGHTS else None


def _note(told: dict[str, dict[str, Any]], message: dict[str, Any]) -> None:
    entry = told.setdefault(str(message["vehicle"]), {"vehicle": str(message["vehicle"])})
    what, _, identity = str(message.get("subject") or "").partition(":")
    if what == "command":
        entry["command"] = identity
    if what != "command" or message["kind"] == "look":
        entry["state"] = True
    # What an owner gives or takes back decides which buttons there are.
    if message.get("buttons") or what == "link":
        entry["buttons"] = True


def _is_end(message: dict[str, Any]) -> bool:
    return message.get("kind") in ENDS


@require_GET
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Say what works: database, broker, workers, beat, and the oldest queued command. 503 when something is down."""
    report = check_health()
    return JsonResponse(report, status=200 if report["status"] == "ok" else 503)
