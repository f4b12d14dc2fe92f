"""How long a job will take, from what makers really needed lately. Pure but for one question to the database."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from fleet.adapters.registry import get_adapter

# The last confirmed commands of the installation that are looked at, and how many of one maker and kind tell enough.
LOOK_BACK = 5000
ENOUGH = 5
# Makers answer in 3 to 45 s; until we know better, a maker's share of the time that it may take at most.
TYPICAL_SHARE, SLOW_SHARE = 1 / 12, 3 / 4
# Two dispatchers on two cores, measured with the simulator; benchmarks/results has the figures.
SENDS_PER_S = 400.0
# From when the quota lets an effect be looked at until it is seen.
LOOK_S = 3.0
# What a car that sleeps needs to wake up, at best and usually.
WAKE_S = (5.0, 20.0)

LATENCIES = """
SELECT app_id, count(*)::int,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY took_s), percentile_cont(0.9) WITHIN GROUP (ORDER BY took_s)
FROM (SELECT app_id, kind, extract(epoch FROM finished_at - permitted_at)::float8 AS took_s
      FROM commands_command WHERE state = 'confirmed' ORDER BY finished_at DESC LIMIT %(look_back)s) AS latest
WHERE kind = %(kind)s AND app_id = ANY(%(apps)s) GROUP BY app_id
"""


@dataclass(frozen=True)
class Latency:
    """From the send to the proof of one command at one maker: half are faster than median_s, nine of ten than p90_s.

    sample: so many real commands say so; 0: nobody tried lately, and it is what the maker's card allows.
    """

    median_s: float
    p90_s: float
    sample: int


@dataclass(frozen=True)
class Load:
    """What one maker has to carry: cars, how many of them sleep, when its quota lets the last one go, and when it lets
    the effect of the last one be looked at.
    """

    cars: int
    asleep: int
    budget_s: float
    latency: Latency
    proved_s: float = 0.0


def latencies(kind: str, providers: dict[UUID, str]) -> dict[UUID, Latency]:
    """Return what each application's maker needed lately for this kind, in one query. providers: app id -> key."""
    with connection.cursor() as cursor:
        cursor.execute(LATENCIES, {"kind": kind, "apps": list(providers), "look_back": LOOK_BACK})
        known = {app_id: Latency(median, p90, sample) for app_id, sample, median, p90 in cursor if sample >= ENOUGH}
    return {app_id: known.get(app_id) or _by_card(key) for app_id, key in providers.items()}


def _by_card(provider: str) -> Latency:
    within_s = get_adapter(provider).manifest.answer_within_s
    return Latency(within_s * TYPICAL_SHARE, within_s * SLOW_SHARE, 0)


def expected_of(load: Load, *, pace_per_min: int | None, window: int | None = None) -> tuple[float, float]:
    """Return how long one maker's share takes, at best and probably, in seconds."""
    if load.cars == 0:
        return 0.0, 0.0
    window = window or settings.DISPATCH_WINDOW
    latency = load.latency
    # Until the last one is sent: by the quota, by the pace, and by how many are on their way at once.
    waves = math.ceil(load.cars / window) - 1
    paced_s = (load.cars - 1) * 60 / pace_per_min if pace_per_min else 0.0
    sending_s = load.cars / SENDS_PER_S
    best = max(load.budget_s, paced_s, sending_s, waves * latency.median_s) + latency.median_s
    best = max(best, load.proved_s)
    # Where calls are counted, the one look is what takes its time; slow answers that nobody has seen would hide it.
    slow_s = latency.median_s if load.proved_s and not latency.sample else latency.p90_s
    likely = max(load.budget_s, paced_s, sending_s, waves * slow_s) + slow_s
    likely = max(likely, load.proved_s + LOOK_S if load.proved_s else 0.0)
    if load.asleep:
        best, likely = best + WAKE_S[0], likely + WAKE_S[1]
    return best, likely


def sent_within(within_s: float, *, pace_per_min: int | None) -> int:
    """Return how many cars a pace, or what we can send at all, lets through in so many seconds."""
    per_s = min(SENDS_PER_S, pace_per_min / 60) if pace_per_min else SENDS_PER_S
    return math.floor(max(0.0, within_s) * per_s) + 1


def expected_of_all(
    parts: Iterable[tuple[float, float]], *, cars: int, pace_per_min: int | None
) -> tuple[float, float]:
    """Return how long a job over several makers takes: they go on side by side, the pace holds for all together."""
    ends = list(parts)
    paced_s = max(0, cars - 1) * 60 / pace_per_min if pace_per_min else 0.0
    best, likely = max((end[0] for end in ends), default=0.0), max((end[1] for end in ends), default=0.0)
    return max(best, paced_s), max(likely, paced_s)
