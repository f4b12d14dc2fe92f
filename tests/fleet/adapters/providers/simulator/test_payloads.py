"""The simulator's times and clocks, turned into ours. Pure."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.adapters.providers.simulator.payloads import countries, read_time, snapshot

ASKED = datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC)
RECEIVED = ASKED + timedelta(seconds=2)


def take(server_time, observed_at):
    signals = {"locked": {"value": True, "observed_at": observed_at}}
    body = {"state": "online", "server_time": server_time, "signals": signals}
    taken = snapshot(body, asked_at=ASKED, received_at=RECEIVED)
    return taken.clock_offset.total_seconds(), taken.readings["locked"].observed_at


@pytest.mark.parametrize(
    ("server_time", "observed_at", "offset_s", "ours"),
    [
        ("2026-03-01T10:00:01Z", "2026-03-01T09:59:00Z", 0, ASKED - timedelta(minutes=1)),
        (None, "2026-03-01T09:59:00Z", 0, ASKED - timedelta(minutes=1)),
        ("nonsense", "2026-03-01T09:59:00Z", 0, ASKED - timedelta(minutes=1)),
        # Ahead by ten minutes, counted from the last moment at which the answer can have been written.
        ("2026-03-01T10:10:02Z", "2026-03-01T10:10:00Z", 600, ASKED),
        ("2026-03-01T09:50:00Z", "2026-03-01T09:49:00Z", -600, ASKED - timedelta(minutes=1)),
        ("2026-03-01T11:00:01+01:00", "2026-03-01T10:59:00+01:00", 0, ASKED - timedelta(minutes=1)),
        # A reading from the future is one of now: it proves nothing that comes later.
        ("2026-03-01T10:00:01Z", "2026-03-01T12:00:00Z", 0, RECEIVED),
    ],
    ids=str,
)
def test_snapshot_when_the_makers_clock_is_off_then_the_readings_are_moved_by_what_is_certain(
    server_time, observed_at, offset_s, ours
):
    assert take(server_time, observed_at) == (offset_s, ours)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        1772359200,
        "",
        "yesterday",
        "2026-03-01T10:00:00",
        "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
    ids=repr,
)
def test_time_when_it_is_no_time_of_a_reading_then_it_is_none(raw):
    assert read_time(raw) is None


@pytest.mark.parametrize(
    ("raw", "ours"),
    [
        ({"countries": ["DE", "AT"]}, ("DE", "AT")),
        ({"countries": "DE"}, ()),
        ({"countries": [1, "DEU", "D1"]}, ()),
        ({}, ()),
    ],
    ids=str,
)
def test_countries_when_they_are_no_list_of_two_letters_then_the_brand_is_offered_everywhere(raw, ours):
    assert countries(raw) == ours
