"""Whether time tells who has an account: sign-in, reset, sign-up and invitations, for known and unknown in turn.

Run `python -m benchmarks sign_in_timing`. Every way is tried two hundred times for each of the two, in a random order,
on the product's own settings and hashes; the limits on tries are off, since they would answer instead. A rank test
(Mann and Whitney) says how probable so large a difference is where there is none: below 0.01 whoever measures can tell.
"""

import math
import random
import re
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.engine.rig import open_rig, run_apart
from benchmarks.engine.scale import report, scaled

TRIES, WARM_UP = 200, 5
PASSWORD = "sails over the harbour"  # noqa: S105 - of nobody
AIM = 0.01
SEED = 20261123


def main() -> None:
    run_apart("benchmarks.sign_in_timing")


def measure() -> None:
    with open_rig() as rig:
        rig.start_web()  # which also collects the static files that a page names
        from django.test import override_settings  # needs Django, which the rig has set up

        tries = scaled(TRIES)
        with override_settings(ACCOUNT_RATE_LIMITS=False):
            ways = make_ways(tries + WARM_UP)
            found = {name: compare(known, unknown, tries) for name, (known, unknown) in ways.items()}
    told = {name: result["p"] for name, result in found.items()}
    for name, result in found.items():
        print(f"  {name}: {result}", flush=True)
    baseline = {**found, "tries_each": tries, "aim_p_above": AIM}
    report("sign_in_timing_p", value=min(told.values()), unit="probability", baseline=baseline, n=tries)


Try = Callable[[int], None]


def make_ways(number: int) -> dict[str, tuple[Try, Try]]:
    """Make so many accounts and an invitation; return, by name, what is done with somebody known and unknown."""
    from allauth.account.models import EmailAddress

    from fleet.members.invitations import invite_by_link
    from fleet.teams.grants import Grant
    from fleet.teams.models import Installation, User
    from fleet.teams.roles import Role
    from fleet.teams.services import create_team

    Installation.objects.update_or_create(pk=1, defaults={"sign_up": "anyone"})
    hashed = User.objects.create_user("first@example.com", PASSWORD).password
    users = [User(email=f"known{place}@example.com", name="Robin", password=hashed) for place in range(number)]
    User.objects.bulk_create(users)
    EmailAddress.objects.bulk_create([EmailAddress(user=u, email=u.email, verified=True, primary=True) for u in users])
    owner = create_team(name="Measured", owner=User.objects.get(email="first@example.com"))
    _, secret = invite_by_link(membership=owner, grant=Grant(Role.VIEWER))

    def sign_in(who: str) -> Try:
        return lambda n: post("/accounts/login/", {"login": f"{who}{n}@example.com", "password": "not the one"}, 422)

    def reset(who: str) -> Try:
        return lambda n: post("/accounts/password/reset/", {"email": f"{who}{n}@example.com"}, 302)

    def sign_up(who: str) -> Try:
        person = {"name": "Robin", "team_name": "Harbour", "password1": PASSWORD}
        return lambda n: post("/accounts/signup/", person | {"email": f"{who}{n}@example.com"}, 302)

    def invitation(beginning: str) -> Try:
        def ask(n: int) -> None:
            rest = random.Random(f"{beginning} {n}").getrandbits(160)
            secret_tried = (beginning + f"{rest:x}")[: len(secret)]
            request("get", f"/join/{secret_tried}/", {}, 404, address=f"10.{n // 250}.{n % 250}.1")

        return ask

    return {
        "sign_in": (sign_in("known"), sign_in("unknown")),
        "reset": (reset("known"), reset("unknown")),
        "sign_up": (sign_up("known"), sign_up("new")),
        "invitation": (invitation(secret[: len(secret) // 2]), invitation("")),
    }


def post(path: str, form: dict[str, str], status: int) -> None:
    request("post", path, form, status, address="127.0.0.1")


def request(method: str, path: str, form: dict[str, str], status: int, *, address: str) -> None:
    from django.test import Client

    answer = getattr(Client(), method)(path, form, headers={"host": "localhost"}, REMOTE_ADDR=address)
    if answer.status_code != status:
        heading = re.search(r"<h1>.*?</h1>", answer.content.decode())
        raise SystemExit(f"not a valid run: {path} answered {answer.status_code}, {heading and heading[0]}")


def compare(known: Try, unknown: Try, tries: int) -> dict[str, Any]:
    """Try both in a random order; return medians, their difference and how probable it is by chance."""
    for n in range(tries, tries + WARM_UP):
        known(n)
        unknown(n)
    took_ms: dict[str, list[float]] = {"known": [], "unknown": []}
    order = random.Random(SEED)
    for n in range(tries):
        turns = [("known", known), ("unknown", unknown)]
        order.shuffle(turns)
        for who, act in turns:
            began = time.perf_counter()
            act(n)
            took_ms[who].append((time.perf_counter() - began) * 1000)
    known_ms, unknown_ms = median(took_ms["known"]), median(took_ms["unknown"])
    return {
        "known_ms": round(known_ms, 2),
        "unknown_ms": round(unknown_ms, 2),
        "difference_ms": round(known_ms - unknown_ms, 2),
        "p": round(probability(took_ms["known"], took_ms["unknown"]), 4),
    }


def probability(one: list[float], other: list[float]) -> float:
    """Return the two-sided p of Mann and Whitney's rank test, by its normal approximation: good from twenty on."""
    ranked = sorted([(value, True) for value in one] + [(value, False) for value in other])
    ranks = sum(rank for rank, (_, is_first) in enumerate(ranked, start=1) if is_first)
    n, m = len(one), len(other)
    surplus = ranks - n * (n + 1) / 2 - n * m / 2
    return math.erfc(abs(surplus) / math.sqrt(n * m * (n + m + 1) / 12) / math.sqrt(2))


if __name__ == "__main__":
    measure()
