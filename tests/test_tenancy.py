"""Where queries cross teams on purpose: every place is named here, with its reason, or this fails."""

import ast
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps

from fleet.events.scoped import ScopedQuerySet
from tests.test_census import team_models

ROOT = Path(__file__).parent.parent
BY_ID = "takes an id that its caller has found through access.py"
ALLOWED = {
    "commands/jobs/progress.py count_progress": BY_ID,
    "commands/jobs/services.py stop_job": BY_ID,
    "commands/jobs/services.py undo_job": BY_ID,
    "commands/programs/schedules.py pause_schedule": BY_ID,
    "commands/programs/schedules.py remove_schedule": BY_ID,
    "commands/programs/timed.py drop_way_back": BY_ID,
    "commands/services.py cancel_command": BY_ID,
    "commands/services.py cancel_many": BY_ID,
    "commands/services.py refuse_waiting": "takes links in hand",
    "connect/access.py find_latest_visit": "by the secret of the owner's browser",
    "connect/access.py find_link": "by the secret of the link",
    "connect/access.py get_visit": "by the secret of the owner's browser",
    "connect/grants.py usable_grant": "one login at a maker serves several teams; only scopes are read",
    "connect/sending/services.py find_recipient": "by the secret of the personal link",
    "connect/portal_keys.py _working": "by the secret of the key, or the session that came in by it",
    "connect/callback.py receive_callback": "by the maker's state and the secret of the owner's browser",
    "fleet/vehicles/listing.py note_listing": "one login at a maker serves several teams; each hears of its own cars",
    "fleet/members/joining.py find_by_hash": "by the secret of the invitation",
    "fleet/portal/forgetting.py _forget_logins": "one login at a maker serves several teams; only whether one does",
    "fleet/sign_on/joining.py landing_team": "the person's own memberships",
    "fleet/sign_on/joining.py open_to": "which teams take people of a domain, before somebody is in one",
    "fleet/teams/access.py all_memberships_of": "the person's own memberships",
}


def test_queries_when_they_cross_teams_then_the_place_is_named_here() -> None:
    found = {f"{path.relative_to(ROOT)} {function}" for path in sources() for function in crossings(path)}

    assert found == set(ALLOWED)


def test_models_when_their_rows_belong_to_a_team_then_their_queries_are_scoped() -> None:
    unscoped = [
        model._meta.label
        for model in [*team_models(), apps.get_model("events", "Event")]
        if not isinstance(model._default_manager.all(), ScopedQuerySet)
    ]

    assert unscoped == []


def sources() -> Iterator[Path]:
    for folder in ("commands", "compatibility", "connect", "fleet"):
        yield from (ROOT / folder).rglob("*.py")


def crossings(path: Path) -> Iterator[str]:
    """The functions of a file that say across_teams()."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name != "across_teams":
            names = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
            if "across_teams" in names:
                yield function.name
