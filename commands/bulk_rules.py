"""The team's rules for many cars at once: which of them block one kind of command now."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from commands.rules.check import Rule, find_broken, load_rules, signals_of
from fleet.adapters.signals import SIGNALS


@dataclass(frozen=True)
class Car:
    """What the rules ask about a car besides its readings. time_zone: its own or its team's."""

    vehicle_id: UUID
    link_id: UUID | None
    time_zone: str
    guest_until: datetime | None


# Only what the owner lets be read through this connection now.
READINGS = """
SELECT s.vehicle_id, s.signal, s.value, s.observed_at
FROM unnest(%(vehicles)s::uuid[], %(links)s::uuid[]) AS w(vehicle, link)
CROSS JOIN unnest(%(signals)s::text[], %(scopes)s::text[]) AS q(signal, scope)
JOIN vehicles_vehiclesignal s ON s.vehicle_id = w.vehicle AND s.signal = q.signal
JOIN vehicles_vehiclelink l ON l.id = w.link
JOIN vehicles_connection n ON n.id = l.connection_id AND q.scope = ANY(n.scopes_granted)
JOIN vehicles_consent k ON k.link_id = w.link AND k.scope = q.scope AND k.withdrawn_at IS NULL
"""


def find_broken_rules(team_id: UUID, kind: str, cars: Iterable[Car]) -> dict[UUID, Rule]:
    """Return the rule that blocks this kind of command, for each car that has one; two queries, one without rules.

    A reading that is only too old does not block yet: the car is looked at once more before sending.
    """
    rules = [rule for rule in load_rules([team_id])[team_id] if rule.is_about(kind)]
    cars = list(cars)
    if not rules or not cars:
        return {}
    readings = _readings(sorted(signals_of(rules)), cars)
    now = timezone.now()
    found = {
        car.vehicle_id: find_broken(
            rules,
            kind=kind,
            readings=readings.get(car.vehicle_id, {}),
            at=now,
            time_zone=car.time_zone,
            guest_until=car.guest_until,
            may_look=True,
        )
        for car in cars
    }
    return {vehicle_id: rule for vehicle_id, rule in found.items() if rule is not None}


def _readings(signals: list[str], cars: list[Car]) -> dict[UUID, dict[str, tuple[Any, datetime]]]:
    if not signals:
        return {}
    parameters = {
        "vehicles": [car.vehicle_id for car in cars],
        "links": [car.link_id for car in cars],
        "signals": signals,
        "scopes": [SIGNALS[signal].scope for signal in signals],
    }
    found: dict[UUID, dict[str, tuple[Any, datetime]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(READINGS, parameters)
        for vehicle_id, signal, value, observed_at in cursor.fetchall():
            found.setdefault(vehicle_id, {})[signal] = (json.loads(value), observed_at)
    return found
