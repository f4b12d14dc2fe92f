"""How much longer the page of members takes with two thousand of them than with twenty.

Run `python -m benchmarks members_page`. Both teams are in the same database, and requests take turns; queries,
rendering and all middleware, in this process. The aim is below twice the time.
"""

import time
from statistics import median
from typing import Any

from benchmarks.engine.rig import open_rig, run_apart
from benchmarks.engine.scale import report, scaled

FEW, MANY = 20, 2_000
OPEN_INVITATIONS = 200
WARM_UP, TIMES = 5, 60
PATH = "/members/"


def main() -> None:
    run_apart("benchmarks.members_page")


def measure() -> None:
    with open_rig() as rig:
        rig.start_web()  # which also collects the static files that a page names
        from django.test import Client  # needs Django, which the rig has set up

        clients = {number: Client() for number in (FEW, scaled(MANY))}
        for number, client in clients.items():
            owner = seed(number, invitations=min(number, OPEN_INVITATIONS))
            client.force_login(owner.user, backend="allauth.account.auth_backends.AuthenticationBackend")
        took_ms: dict[int, list[float]] = {number: [] for number in clients}
        for turn in range(WARM_UP + TIMES):
            for number, client in clients.items():
                began = time.perf_counter()
                answer = client.get(PATH, headers={"host": "localhost"})
                if answer.status_code != 200:
                    raise SystemExit(f"not a valid run: {PATH} answered {answer.status_code}")
                if turn >= WARM_UP:
                    took_ms[number].append((time.perf_counter() - began) * 1000)
    few_ms, many_ms = (median(took_ms[number]) for number in clients)
    baseline = {"members": list(clients), "few_ms": round(few_ms, 1), "many_ms": round(many_ms, 1), "aim_below": 2}
    report("members_page_2000_vs_20", ratio=round(many_ms / few_ms, 2), unit="times", baseline=baseline, n=TIMES)


def seed(number: int, *, invitations: int) -> Any:
    """Make a team with so many members and open invitations; return its owner."""
    from fleet.members.addresses import Row
    from fleet.members.invitations import invite
    from fleet.teams.grants import Grant
    from fleet.teams.models import User
    from fleet.teams.roles import PRESETS, Role
    from fleet.teams.services import add_member, create_team

    users = [User(email=f"member{place}.of{number}@example.com", name=f"Member {place}") for place in range(number)]
    User.objects.bulk_create(users)
    owner = create_team(name=f"Team of {number}", owner=users[0])
    for place, user in enumerate(users[1:]):
        add_member(team=owner.team, user=user, role=list(PRESETS)[place % len(PRESETS)], actor="system:benchmark")
    rows = [Row(place, f"invited{place}.of{number}@example.com") for place in range(1, invitations + 1)]
    invite(membership=owner, rows=rows, grant=Grant(Role.VIEWER))
    return owner


if __name__ == "__main__":
    measure()
