"""The table of roles, word by word; what covers what; hours of a role by the clock of the team."""

from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from fleet.adapters.commands import KINDS
from fleet.teams.hours import WorkingHours
from fleet.teams.roles import ALL_FAMILIES, PRESETS, Permission, Rights, Role

VIENNA = ZoneInfo("Europe/Vienna")
EVERYTHING = set(Permission)
DAYTIME = WorkingHours((0, 1, 2, 3, 4), time(6), time(22))
NIGHT = WorkingHours((4,), time(22), time(6))


def test_permissions_of_presets_are_the_ones_agreed() -> None:
    allowed = {role.value: {permission.value for permission in rights.permissions} for role, rights in PRESETS.items()}

    assert allowed == {
        "owner": {permission.value for permission in EVERYTHING},
        "admin": {permission.value for permission in EVERYTHING} - {"delete"},
        "manager": {"view", "command", "connect", "rules", "audit"},
        "operator": {"view", "command"},
        "driver": {"view", "command"},
        "viewer": {"view"},
    }


def test_commands_that_presets_may_not_send_are_the_ones_agreed() -> None:
    refused = {role.value: {kind for kind in KINDS if not rights.may_send(kind)} for role, rights in PRESETS.items()}

    pin = {"set_pin", "reset_pin", "enable_valet", "disable_valet"}
    assert refused == {
        "owner": set(),
        "admin": set(),
        "manager": set(),
        "operator": pin,
        "driver": pin | {"start_engine", "stop_engine"},
        "viewer": set(KINDS),
    }


def test_families_when_listed_then_every_command_belongs_to_one() -> None:
    assert {command.scope for command in KINDS.values()} == ALL_FAMILIES


def test_presets_when_compared_then_each_covers_those_below_it_and_none_above() -> None:
    order = [Role.OWNER, Role.ADMIN, Role.MANAGER, Role.OPERATOR, Role.DRIVER, Role.VIEWER]

    for n, higher in enumerate(order):
        for m, lower in enumerate(order):
            assert PRESETS[higher].covers(PRESETS[lower]) is (n <= m), (higher, lower)


@pytest.mark.parametrize(
    "narrower",
    [
        {"families": frozenset({"control_security"})},
        {"max_cars": 3},
        {"needs_step_up": True},
        {"hours": DAYTIME},
        {"permissions": frozenset({Permission.VIEW})},
    ],
)
def test_rights_when_narrowed_in_one_thing_then_they_no_longer_cover_the_wider(narrower: dict[str, object]) -> None:
    wide = Rights(frozenset({Permission.VIEW, Permission.COMMAND}), ALL_FAMILIES, max_cars=10)
    narrow = replace(wide, **narrower)  # type: ignore[arg-type]

    assert wide.covers(narrow)
    assert not narrow.covers(wide)


@pytest.mark.parametrize(
    ("hours", "local", "holds", "end"),
    [
        (DAYTIME, "2026-03-27T05:59", False, None),
        (DAYTIME, "2026-03-27T06:00", True, "2026-03-27T21:00"),
        (DAYTIME, "2026-03-27T22:00", False, None),
        (DAYTIME, "2026-03-28T12:00", False, None),
        # Friday night ends on Saturday morning.
        (NIGHT, "2026-03-27T23:00", True, "2026-03-28T05:00"),
        (NIGHT, "2026-03-28T05:59", True, "2026-03-28T05:00"),
        (NIGHT, "2026-03-28T06:00", False, None),
        # The night in which the clocks are put forward is an hour shorter.
        (WorkingHours((5,), time(22), time(6)), "2026-03-28T23:00", True, "2026-03-29T04:00"),
    ],
)
def test_hours_when_asked_then_the_clock_of_the_team_counts(
    hours: WorkingHours, local: str, holds: bool, end: str | None
) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=VIENNA)

    assert hours.hold(at, VIENNA) is holds
    if end is not None:
        assert hours.end_after(at, VIENNA) == datetime.fromisoformat(end).replace(tzinfo=UTC)
    assert WorkingHours.from_json(hours.to_json()) == hours


@pytest.mark.parametrize("weekdays", [(), (1, 0), (0, 0), (7,), (-1,)])
def test_hours_when_the_weekdays_make_no_sense_then_they_are_refused(weekdays: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="weekdays"):
        WorkingHours(weekdays, time(6), time(22))
