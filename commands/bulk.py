"""The bulk form of request_command: the same rules for many cars, set by set. Who asks, and when, lives in jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from commands.availability import code_of_answer
from commands.bulk_rules import Car as RuledCar
from commands.bulk_rules import find_broken_rules
from commands.rules.check import Rule
from commands.services import deadline_of, rank_of, ring_doorbell, within_hours
from compatibility.answers import Answer as CarAnswer
from compatibility.answers import is_said, weigh
from compatibility.lookup import Car, Declared, declared_for
from compatibility.words import Support
from fleet.adapters.commands import KINDS
from fleet.adapters.commands import Command as Order
from fleet.adapters.rules import InvalidParameter, Number
from fleet.events.services import acting_as
from fleet.teams.deletion import is_closing
from fleet.teams.models import Membership

MAX_REQUESTS = 1000


@dataclass(frozen=True)
class Request:
    """One order to one car. key: the same key of the same person brings the same command, however often."""

    vehicle_id: UUID
    order: Order
    key: str | None = None


@dataclass(frozen=True)
class Answer:
    """What came of one request. code is "" when it was accepted (or had been before), else why it was not."""

    vehicle_id: UUID
    command_id: UUID | None
    code: str


@dataclass(frozen=True)
class Target:
    """A car as a command of one kind reaches it: the facts that its availability rests on.

    answer: whether it can, None where it is not reached. rule: the team's rule that blocks this kind of command on it
    now.
    """

    vehicle_id: UUID
    lane_id: UUID
    link_id: UUID | None
    app_id: UUID | None
    account_id: UUID | None
    provider: str | None
    is_live: bool
    has_account: bool
    has_consent: bool
    capability: Mapping[str, Any] | None
    consent_version: int | None
    time_zone: str
    guest_until: datetime | None
    car: Car
    answer: CarAnswer | None = None
    rule: Rule | None = None


# Per car the link through which it is reached now: a live one before an ended one, the newest first.
TARGETS = """
SELECT v.id AS vehicle_id, v.lane_id, l.id AS link_id, a.app_id, l.account_id, p.provider,
       coalesce(l.is_live, false) AS is_live, coalesce(a.status = 'active', false) AS has_account,
       coalesce(%(scope)s = ANY(l.scopes_granted) AND EXISTS (
           SELECT 1 FROM vehicles_consent k
           WHERE k.link_id = l.id AND k.scope = %(scope)s AND k.withdrawn_at IS NULL), false) AS has_consent,
       l.capability, l.consent_version, coalesce(nullif(v.time_zone, ''), t.time_zone) AS time_zone, v.guest_until,
       v.make, v.model, v.year, v.powertrain, coalesce(nullif(v.country, ''), t.country) AS country
FROM vehicles_vehicle v
JOIN teams_team t ON t.id = v.team_id
LEFT JOIN LATERAL (
    SELECT l.id, l.consent_version, l.capabilities -> %(kind)s AS capability, n.account_id, n.scopes_granted,
           l.ended_at IS NULL AND n.status = 'active' AS is_live
    FROM vehicles_vehiclelink l JOIN vehicles_connection n ON n.id = l.connection_id
    WHERE l.vehicle_id = v.id ORDER BY 6 DESC, l.created_at DESC LIMIT 1
) l ON true
LEFT JOIN vehicles_provideraccount a ON a.id = l.account_id
LEFT JOIN vehicles_providerapp p ON p.id = a.app_id
WHERE v.team_id = %(team)s AND v.removed_at IS NULL AND v.id = ANY(%(vehicles)s)
    AND (%(reaches_all)s OR v.id = ANY(%(reached)s) OR EXISTS (
        SELECT 1 FROM vehicles_groupedvehicle g WHERE g.vehicle_id = v.id AND g.group_id = ANY(%(groups)s)))
"""

LOCK_LANES = "SELECT id FROM vehicles_lane WHERE id = ANY(%(lanes)s) ORDER BY id FOR NO KEY UPDATE"

# What follows looks each car up by itself: a join, planned when the queue was shorter, read all of it for each car.
# The team stands in an expression so that nobody reads all that a team ever did.
# What a request repeats: by its key, or as the same command that is still on its way.
REPEATED = """
SELECT w.vehicle AS vehicle_id, coalesce(k.id, f.id) AS command_id,
       k.id IS NOT NULL AND (k.vehicle_id, k.kind, k.parameters) IS DISTINCT FROM (w.vehicle, w.kind, w.parameters)
           AS is_other
FROM unnest(%(vehicles)s::uuid[], %(lanes)s::uuid[], %(kinds)s::text[], %(families)s::text[],
            %(parameters)s::jsonb[], %(keys)s::text[]) AS w(vehicle, lane, kind, family, parameters, key)
LEFT JOIN LATERAL (
    SELECT c.id, c.vehicle_id, c.kind, c.parameters FROM commands_command c
    WHERE c.authority_id = %(authority)s AND c.idempotency_key = w.key LIMIT 1
) k ON true
LEFT JOIN LATERAL (
    SELECT c.id, c.kind, c.parameters FROM commands_command c
    WHERE c.lane_id = w.lane AND c.state IN ('queued', 'claimed', 'sending')
        AND c.team_id::text = %(team)s::text AND c.family = w.family
    ORDER BY c.sequence DESC LIMIT 1
) f ON f.kind = w.kind AND f.parameters = w.parameters
WHERE k.id IS NOT NULL OR f.id IS NOT NULL
"""

SUPERSEDE = """
UPDATE commands_command c SET state = 'superseded', lease_until = NULL, finished_at = clock_timestamp()
FROM unnest(%(lanes)s::uuid[], %(families)s::text[]) AS w(lane, family) CROSS JOIN LATERAL (
    SELECT older.id FROM commands_command older
    WHERE older.lane_id = w.lane AND older.state IN ('queued', 'claimed')
        AND older.team_id::text = %(team)s::text AND older.family = w.family
    OFFSET 0
) waiting
WHERE c.id = waiting.id AND c.state || '' IN ('queued', 'claimed')
"""

INSERT = """
WITH asked AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(vehicles)s::uuid[], %(lanes)s::uuid[], %(links)s::uuid[], %(apps)s::uuid[],
        %(kinds)s::text[], %(families)s::text[], %(classes)s::text[], %(parameters)s::jsonb[], %(versions)s::int[],
        %(keys)s::text[], %(deadlines)s::timestamptz[], %(requests)s::int[]
    ) AS w(id, vehicle, lane, link, app, kind, family, class, parameters, consent, key, deadline, requests)
), numbered AS (
    UPDATE vehicles_lane l SET next_sequence = l.next_sequence + 1 FROM asked WHERE l.id = asked.lane
    RETURNING l.id, l.next_sequence - 1 AS sequence
), turns AS (
    INSERT INTO commands_turn (app_id, team_id) SELECT DISTINCT app, %(team)s::uuid FROM asked
    ON CONFLICT DO NOTHING
)
INSERT INTO commands_command (
    id, team_id, vehicle_id, lane_id, link_id, app_id, kind, family, retry_class, parameters, authority_id,
    authority_version, consent_version, user_id, origin, cause, rank, idempotency_key, state, sequence, fence, claims,
    attempts, max_attempts, is_waking, accepted_at, ready_at, deadline
)
SELECT w.id, %(team)s, w.vehicle, w.lane, w.link, w.app, w.kind, w.family, w.class, w.parameters, %(authority)s,
       %(authority_version)s, w.consent, %(user)s, %(origin)s, %(cause)s, %(rank)s, w.key, 'queued', n.sequence, 0, 0,
       0, w.requests, false, %(now)s, %(now)s, w.deadline
FROM asked w JOIN numbered n ON n.id = w.lane
"""


def check_many(*, membership: Membership, vehicle_ids: Iterable[UUID], order: Order) -> dict[UUID, str]:
    """Return for each car why this order would not be accepted, or "" when it would be. Writes nothing, asks no maker.

    Cars that are not in the team are absent. Two or three queries, whatever the number.
    """
    targets = load_targets(membership, vehicle_ids, order.kind)
    return {target.vehicle_id: code_of_request(target, membership, order) for target in targets}


def code_of_request(target: Target, membership: Membership, order: Order) -> str:
    """Return why an order to this car would not be accepted: an availability code or "out_of_range"; else ""."""
    return _code_of_car(target, order.kind, membership) or _code_of_values(target, order)


def load_targets(membership: Membership, vehicle_ids: Iterable[UUID], kind: str) -> list[Target]:
    """Return those of the cars that the membership is for, as a command of this kind reaches them; in few queries."""
    parameters = {
        "team": membership.team_id,
        "vehicles": list(vehicle_ids),
        "kind": kind,
        "scope": KINDS[kind].scope,
        "reaches_all": membership.reaches_all,
        "reached": membership.vehicle_ids,
        "groups": membership.group_ids,
    }
    rows = _rows(TARGETS, parameters)
    cars = [RuledCar(row["vehicle_id"], row["link_id"], row["time_zone"], row["guest_until"]) for row in rows]
    broken = find_broken_rules(membership.team_id, kind, cars)
    for row in rows:
        # Django's connections give jsonb as text.
        row["capability"] = json.loads(row["capability"]) if row["capability"] else None
        row["car"] = Car(*(row.pop(name) for name in ("make", "model", "year", "powertrain", "country")))
    answers = _answers(kind, rows)
    return [
        Target(**row, answer=answer, rule=broken.get(row["vehicle_id"]))
        for row, answer in zip(rows, answers, strict=True)
    ]


def _answers(kind: str, rows: Sequence[dict[str, Any]]) -> list[CarAnswer | None]:
    """Return whether each car can: what is declared is looked up once for all cars that are alike, where it matters."""
    silent = {(row["provider"], row["car"]) for row in rows if row["provider"] and not is_said(row["capability"])}
    declared = declared_for(silent, abilities=[kind]) if silent else {}
    nothing = Declared(kind, Support.UNKNOWN)
    return [
        weigh(row["capability"], declared.get((row["provider"], row["car"]), {}).get(kind, nothing), row["provider"])
        if row["provider"]
        else None
        for row in rows
    ]


def request_commands(
    *,
    membership: Membership,
    requests: Sequence[Request],
    origin: str,
    cause: str,
    not_after: datetime | None = None,
) -> list[Answer]:
    """Queue one command for each of up to 1,000 cars and return what came of each, in the order of the requests.

    The rules are those of request_command, checked for every car by itself: one that is refused keeps no other back.
    A second request for a car in the same call is answered "busy". One transaction; idempotent by the requests' keys.

    Raises ValueError for more than 1,000 requests or for orders with secrets, InvalidParameter for a not_after in the
    past. Nothing is written then.
    """
    if len(requests) > MAX_REQUESTS:
        raise ValueError(f"at most {MAX_REQUESTS} requests at once")
    if any(request.order.secrets for request in requests):
        raise ValueError("a secret goes to one car at a time")
    answers: dict[int, Answer] = {}
    with acting_as(membership.user.actor):
        targets = _find_targets(membership, requests)
        asked: dict[UUID, tuple[int, Request, Target]] = {}
        for n, request in enumerate(requests):
            target = targets.get((request.order.kind, request.vehicle_id))
            code = "connection_ended" if target is None else code_of_request(target, membership, request.order)
            if target is not None and not code and request.vehicle_id in asked:
                code = "busy"
            if target is None or code:
                answers[n] = Answer(request.vehicle_id, None, code)
            else:
                asked[request.vehicle_id] = (n, request, target)
        fit = [(request, target) for _, request, target in asked.values()]
        accepted = _accept(membership, fit, origin, cause, not_after)
        for (n, _, _), answer in zip(asked.values(), accepted, strict=True):
            answers[n] = answer
        transaction.on_commit(ring_doorbell)
    return [answers[n] for n in range(len(requests))]


def _find_targets(membership: Membership, requests: Sequence[Request]) -> dict[tuple[str, UUID], Target]:
    found: dict[tuple[str, UUID], Target] = {}
    for kind in {request.order.kind for request in requests}:
        ids = [request.vehicle_id for request in requests if request.order.kind == kind]
        found |= {(kind, target.vehicle_id): target for target in load_targets(membership, ids, kind)}
    return found


def _code_of_car(target: Target, kind: str, membership: Membership) -> str:
    """Return the availability code, found in the same order as commands.availability finds it for one car."""
    if is_closing(membership.team):
        return "team_closing"
    if not target.is_live or target.answer is None:
        return "connection_ended"
    if code := code_of_answer(target.answer):
        return code
    if not target.has_consent:
        return "no_consent"
    if not target.has_account:
        return "needs_owner"
    if not membership.may_send(kind):
        return "role"
    if not membership.is_at_work(timezone.now()):
        return "off_hours"
    return "" if target.rule is None else "rule"


def _code_of_values(target: Target, order: Order) -> str:
    narrowed = (target.capability or {}).get("ranges") or {}
    for name, widest in order.ranges.items():
        value = getattr(order, name)
        if value is None or name not in narrowed:
            continue
        try:
            Number(*narrowed[name], widest.unit).check(name, value)
        except InvalidParameter:
            return "out_of_range"
    return ""


def _accept(
    membership: Membership,
    asked: list[tuple[Request, Target]],
    origin: str,
    cause: str,
    not_after: datetime | None,
) -> list[Answer]:
    """Write the commands of requests that nothing stands against; the lanes are locked first, in one order."""
    if not asked:
        return []
    orders = [request.order for request, _ in asked]
    now = timezone.now()
    last_moment = within_hours(membership, now=now, not_after=not_after)
    columns: dict[str, Any] = {
        "ids": [uuid4() for _ in asked],
        "vehicles": [target.vehicle_id for _, target in asked],
        "lanes": [target.lane_id for _, target in asked],
        "links": [target.link_id for _, target in asked],
        "apps": [target.app_id for _, target in asked],
        "kinds": [order.kind for order in orders],
        "families": [order.family for order in orders],
        "classes": [order.retry_class.value for order in orders],
        "parameters": [Jsonb(order.parameters()) for order in orders],
        "versions": [target.consent_version for _, target in asked],
        "keys": [request.key for request, _ in asked],
        "deadlines": [deadline_of(order, now=now, not_after=last_moment) for order in orders],
        "requests": [order.retry_class.max_requests for order in orders],
    }
    fixed = {
        "team": membership.team_id,
        "authority": membership.authority_id,
        "authority_version": membership.authority.version,
        "user": membership.user_id,
        "origin": origin,
        "cause": cause,
        "rank": rank_of(origin),
        "now": now,
    }
    _rows(LOCK_LANES, {"lanes": columns["lanes"]})
    repeated = {row["vehicle_id"]: row for row in _rows(REPEATED, columns | fixed)}
    fresh = [n for n, vehicle_id in enumerate(columns["vehicles"]) if vehicle_id not in repeated]
    if fresh:
        picked = {name: [values[n] for n in fresh] for name, values in columns.items()}
        with connection.cursor() as cursor:
            cursor.execute(SUPERSEDE, picked | fixed)
            cursor.execute(INSERT, picked | fixed)
    return [
        _answer(repeated.get(vehicle_id), vehicle_id, command_id)
        for vehicle_id, command_id in zip(columns["vehicles"], columns["ids"], strict=True)
    ]


def _answer(repeated: dict[str, Any] | None, vehicle_id: UUID, command_id: UUID) -> Answer:
    if repeated is None:
        return Answer(vehicle_id, command_id, "")
    if repeated["is_other"]:
        return Answer(vehicle_id, None, "idempotency_key_reused")
    return Answer(vehicle_id, repeated["command_id"], "")


def _rows(statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
