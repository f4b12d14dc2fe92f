"""The audit page over a million events against the same page over a thousand, for every filter that it offers.

Run `python -m benchmarks audit_page`. The real web process answers over HTTP; both teams have the same people and cars,
and their logs the same mix: mostly what the engine writes, now and then something that a person did.
"""

import http.client
import time
from statistics import median
from typing import Any
from urllib.parse import urlencode

from benchmarks.engine.rig import Rig, open_rig, run_apart
from benchmarks.engine.scale import report, scaled

EVENTS = 1_000_000
FEW = 1_000
# The last car has one event, the oldest of all: who asks for it must not read the rest.
CARS = 21
TIMES = 15

# Oldest first, as they would have been written: time and number grow together. A thousand fill a page of each filter.
SEED = """
INSERT INTO events_event (at, team_id, vehicle_id, kind, actor, subject, data)
SELECT now() - (%(number)s - n) * interval '3 s', %(team)s,
    CASE WHEN n = 1 THEN %(rare)s WHEN n %% 20 = 0 THEN NULL
         ELSE (%(cars)s::uuid[])[1 + n / 20 %% cardinality(%(cars)s::uuid[])] END,
    CASE WHEN n %% 20 = 0 THEN 'rule.changed' WHEN n %% 20 = 1 THEN 'command.failed'
         ELSE (ARRAY['command.queued', 'command.claimed', 'command.sending', 'command.sent', 'command.confirmed'])[
             1 + n %% 5] END,
    CASE WHEN n %% 5 = 0 THEN %(actor)s ELSE 'system:dispatcher' END,
    CASE WHEN n %% 20 = 0 THEN 'rule:1' ELSE 'command:' || gen_random_uuid() END,
    '{"kind": "lock"}'
FROM generate_series(1, %(number)s) n
"""


def main() -> None:
    run_apart("benchmarks.audit_page")


def measure() -> None:
    many = scaled(EVENTS, least=FEW)
    with open_rig() as rig:
        url = rig.start_web()
        teams = {number: _make_team(rig, number) for number in (FEW, many)}
        with rig.admin() as connection:
            connection.execute("VACUUM ANALYZE")
        pages = {number: _pages(*team) for number, team in teams.items()}
        took_ms: dict[str, dict[int, float]] = {}
        for name in pages[FEW]:
            took_ms[name] = {number: _took_ms(url, teams[number][1], pages[number][name]) for number in teams}
    ratios = {name: round(by_number[many] / by_number[FEW], 2) for name, by_number in took_ms.items()}
    in_ms = {
        name: {str(number): round(ms, 1) for number, ms in by_number.items()} for name, by_number in took_ms.items()
    }
    worst = max(ratios.values())
    report("audit_page_ratio", ratio=worst, unit="x", baseline={"ratios": ratios, "ms": in_ms, "aim_below": 2}, n=TIMES)


def _make_team(rig: Rig, number: int) -> tuple[Any, str]:
    """Make a team with so many events; return its owner's membership and the cookie of their browser."""
    from django.test import Client  # Django is set up by the rig

    from fleet.teams.models import User
    from fleet.teams.services import create_team
    from fleet.vehicles.models import Lane, Vehicle

    owner = User.objects.create_user(f"owner{number}@example.com", name="Robin Example")
    membership = create_team(name=f"{number} events", owner=owner)
    cars = []
    for turn in range(CARS):
        lane = Lane.objects.create(key=f"{membership.team_id}{turn}"[-64:])
        car = Vehicle.objects.create(team=membership.team, lane=lane, make="VW", model="ID.3", plate=f"BE-N {turn}")
        cars.append(car.id)
    with rig.admin() as connection:
        connection.execute("SET session_replication_role = replica")
        given = {
            "team": membership.team_id,
            "number": number,
            "cars": cars[:-1],
            "rare": cars[-1],
            "actor": owner.actor,
        }
        connection.execute(SEED, given)
    client = Client()
    client.force_login(owner)
    return membership, client.cookies["sessionid"].value


def _pages(membership: Any, _cookie: str) -> dict[str, str]:
    """Return the address of the page for each filter."""
    queries: dict[str, dict[str, str]] = {
        "all": {},
        "who": {"who": membership.user.actor},
        "system": {"who": "system"},
        "area": {"what": "rule"},
        "kind": {"what": "command.failed"},
        "vehicle": {"vehicle": "BE-N 7"},
        "vehicle with one event": {"vehicle": f"BE-N {CARS - 1}"},
        "nothing": {"what": "schedule"},
        "until": {"until": time.strftime("%Y-%m-%d")},
        "vehicle and who": {"vehicle": "BE-N 7", "who": membership.user.actor},
    }
    return {name: f"/audit/?{urlencode(query)}" for name, query in queries.items()}


def _took_ms(url: str, cookie: str, page: str) -> float:
    """Return the median time of a page in milliseconds, after one that warms it up."""
    host = url.removeprefix("http://")
    took = []
    for _ in range(TIMES + 1):
        connection = http.client.HTTPConnection(host, timeout=120)
        began = time.perf_counter()
        connection.request("GET", page, headers={"Cookie": f"sessionid={cookie}"})
        answer = connection.getresponse()
        body = answer.read()
        took.append((time.perf_counter() - began) * 1000)
        connection.close()
        if answer.status != 200 or b"audit-rows" not in body:
            raise SystemExit(f"not a valid run: {page} answered {answer.status}")
    return median(took[1:])


if __name__ == "__main__":
    measure()
