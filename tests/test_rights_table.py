"""Who may what, in one file that people read: every route and every command for every role, measured, not declared.

A change of rights shows as a change of tests/golden/rights.txt, which somebody has to approve; so does a new route. To
write it anew: GOLDEN=write make test ARGS=tests/test_rights_table.py, then read the diff.
"""

import os
from collections.abc import Iterable
from http.cookies import SimpleCookie
from pathlib import Path

from django.db import transaction
from django.test import Client

from fleet.adapters.commands import KINDS
from fleet.teams.models import Membership
from fleet.teams.roles import PRESETS, Role
from tests.factories import make_member, make_team
from tests.signing_in import sign_in
from tests.test_census import BY_BROWSER, BY_OWNER, PUBLIC, Objects, Route, address, foreign, routes  # noqa: F401 - a fixture

GOLDEN = Path(__file__).parent / "golden" / "rights.txt"
ROLES = [role for role in reversed(Role) if role in PRESETS]
HEAD = """\
What each role is answered, least first. Made by tests/test_rights_table.py; a change here is a change of rights.
200: shown. 302: done, or sent elsewhere. 403: the role is too small. 404: does not exist for them. 405: no such method.
409, 422: allowed, but an empty form is refused. to-sign-in: not signed in.
"""


def test_rights_when_measured_then_they_are_the_ones_that_were_approved(foreign: Objects) -> None:  # noqa: F811
    team = foreign.membership.team
    members = [make_member(team, role) for role in ROLES]
    cast: dict[str, Client] = {"anonymous": Client(raise_request_exception=False)}
    cast["outsider"] = browser_of(make_team("Another Fleet"))
    cast |= {member.role: browser_of(member) for member in members}

    lines = [*HEAD.splitlines(), "", "# Pages", *table(("route", *cast), _of_routes(cast, foreign.ids))]
    lines += ["", "# Commands", *table(("command", *ROLES), _of_commands(members))]
    lines += ["", "# Open to everybody, or to the browser that began", *sorted(_names_of_others())]

    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == GOLDEN.read_text(encoding="utf-8").splitlines()


def browser_of(member: Membership) -> Client:
    return sign_in(Client(raise_request_exception=False), member)


def _is_of_a_team(route: Route) -> bool:
    return not any(names.match(route.name) for names in (PUBLIC, BY_BROWSER, BY_OWNER))


def _of_routes(cast: dict[str, Client], ids: dict[str, str]) -> Iterable[tuple[str, ...]]:
    for route in filter(_is_of_a_team, routes()):
        for method in ("get", "post"):
            yield (
                f"{method.upper()} {route.name}",
                *(ask(client, method, address(route, ids)) for client in cast.values()),
            )


def ask(client: Client, method: str, url: str) -> str:
    """Return the status, and leave everything as it was, the session too."""
    cookies = {name: cookie.value for name, cookie in client.cookies.items()}
    with transaction.atomic():
        answer = getattr(client, method)(url)
        transaction.set_rollback(True)
    client.cookies = SimpleCookie(cookies)
    to_sign_in = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
    return "to-sign-in" if to_sign_in else str(answer.status_code)


def _of_commands(members: list[Membership]) -> Iterable[tuple[str, ...]]:
    for kind in sorted(KINDS):
        yield (kind, *("yes" if member.may_send(kind) else "no" for member in members))


def _names_of_others() -> set[str]:
    return {route.name for route in routes() if not _is_of_a_team(route)}


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Return lines with columns of even width."""
    cells = [tuple(str(cell) for cell in row) for row in (head, *rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
