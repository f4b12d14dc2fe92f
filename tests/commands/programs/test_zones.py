"""Local times on the days on which clocks change, in several zones."""

from datetime import UTC, datetime

import pytest

from commands.programs.zones import Moment, moment_of
from fleet.teams.zones import find_zone


@pytest.mark.parametrize(
    ("zone", "local", "moment", "note"),
    [
        # An ordinary day, in winter and in summer.
        ("Europe/Berlin", (2026, 1, 15, 6, 30), (2026, 1, 15, 5, 30), ""),
        ("Europe/Berlin", (2026, 7, 15, 6, 30), (2026, 7, 15, 4, 30), ""),
        # 29 March: from 02:00 to 03:00 there is nothing; whatever is in the gap runs when it ends.
        ("Europe/Berlin", (2026, 3, 29, 1, 59), (2026, 3, 29, 0, 59), ""),
        ("Europe/Berlin", (2026, 3, 29, 2, 0), (2026, 3, 29, 1, 0), "gap"),
        ("Europe/Berlin", (2026, 3, 29, 2, 30), (2026, 3, 29, 1, 0), "gap"),
        ("Europe/Berlin", (2026, 3, 29, 3, 0), (2026, 3, 29, 1, 0), ""),
        # 25 October: from 02:00 to 03:00 comes twice; the first counts.
        ("Europe/Berlin", (2026, 10, 25, 2, 30), (2026, 10, 25, 0, 30), "twice"),
        ("Europe/Berlin", (2026, 10, 25, 3, 0), (2026, 10, 25, 2, 0), ""),
        ("America/New_York", (2026, 3, 8, 2, 30), (2026, 3, 8, 7, 0), "gap"),
        ("America/New_York", (2026, 11, 1, 1, 30), (2026, 11, 1, 5, 30), "twice"),
        # Half an hour only, and in the other half of the year.
        ("Australia/Lord_Howe", (2026, 10, 4, 2, 15), (2026, 10, 3, 15, 30), "gap"),
        ("Australia/Lord_Howe", (2026, 4, 5, 1, 45), (2026, 4, 4, 14, 45), "twice"),
        # A whole day that never was.
        ("Pacific/Apia", (2011, 12, 30, 12, 0), (2011, 12, 30, 10, 0), "gap"),
        ("Asia/Kolkata", (2026, 3, 29, 2, 30), (2026, 3, 28, 21, 0), ""),
    ],
)
def test_moment_when_clocks_change_then_a_gap_ends_and_the_first_of_two_counts(zone, local, moment, note):
    found = moment_of(datetime(*local), find_zone(zone))  # noqa: DTZ001 - local on purpose

    assert found == Moment(datetime(*moment, tzinfo=UTC), note)


def test_zone_when_its_name_is_none_then_the_next_one_counts():
    assert [find_zone(*names).key for names in (("Mars/Base", "Asia/Tokyo"), ("", ""), ("Europe",), ("../etc",))] == [
        "Asia/Tokyo",
        "UTC",
        "UTC",
        "UTC",
    ]
