"""Which rule blocks: the judgement over several rules, loading them, and what the buttons of a car say of it."""

import uuid
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from commands.availability import check_availability
from commands.models import Command
from commands.rules.check import Rule, check_first_of, find_broken, load_rules, signals_of
from commands.rules.models import TeamRule
from commands.rules.services import set_check_first, switch_rule
from commands.rules.values import EVERY_DAY, Area, ChargeFloor, Guest, Hours, Moving
from commands.rules.words import says, says_unknown, sentence
from commands.services import CommandError, request_command
from fleet.adapters.commands import Lock, StartClimate, Unlock
from fleet.teams.models import Team
from fleet.vehicles.consent import withdraw_consent
from fleet.vehicles.models import Vehicle, VehicleLink, VehicleSignal
from tests.factories import join_simulated_car, make_team

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
YARD = Area(52.52, 13.405, radius_km=2, is_inside=True, name="the yard")


def make_rule(values, *commands, blocks_unknown=True, kind="moving"):
    return Rule(uuid.uuid4(), kind, frozenset(commands), values, blocks_unknown)


def broken(rules, kind="unlock", *, guest_until=None, time_zone="", may_look=False, **signals):
    readings = {name: (value, NOW) for name, value in signals.items()}
    return find_broken(
        rules,
        kind=kind,
        readings=readings,
        at=NOW,
        time_zone=time_zone,
        guest_until=guest_until,
        may_look=may_look,
    )


# The judgement -------------------------------------------------------------------------------------------------------


def test_broken_when_a_rule_is_about_other_commands_then_it_blocks_nothing():
    rule = make_rule(Moving(), "unlock")

    assert broken([rule], "unlock", in_motion=True) == rule
    assert broken([rule], "lock", in_motion=True) is None


def test_broken_when_a_rule_names_no_command_then_it_is_about_every_one():
    rule = make_rule(Moving())

    assert broken([rule], "honk_horn", in_motion=True) == rule


@pytest.mark.parametrize("blocks", [True, False])
def test_broken_when_nobody_knows_then_the_rule_says_what_happens(blocks):
    found = broken([make_rule(Moving(), blocks_unknown=blocks)])

    assert (found is not None, found is not None and found.reason) == (blocks, blocks and "moving_unknown")


def test_broken_when_one_rule_is_not_known_and_another_surely_broken_then_the_sure_one_is_told():
    unknown, sure = make_rule(Moving()), make_rule(ChargeFloor(20), kind="charge_floor")

    assert broken([unknown, sure], soc_percent=10) == sure


def test_broken_when_what_is_stored_makes_no_sense_then_it_counts_as_not_known():
    assert broken([make_rule(None)]).is_unknown is True
    assert broken([make_rule(None, blocks_unknown=False)]) is None


@pytest.mark.parametrize(
    ("time_zone", "is_blocked"),
    [("Europe/Berlin", False), ("Asia/Kolkata", True), ("", False), ("Nowhere/At_All", True), ("../etc/passwd", True)],
)
def test_broken_when_the_hours_are_those_of_the_car_then_its_zone_decides(time_zone, is_blocked):
    # At noon UTC it is 13:00 in Berlin and 17:30 in Kolkata; a zone that does not exist tells nothing.
    hours = make_rule(Hours(EVERY_DAY, time(6), time(17)), kind="hours")

    assert (broken([hours], time_zone=time_zone) is not None) is is_blocked


def test_signals_when_rules_need_none_then_none_has_to_be_fetched():
    quiet = [make_rule(Guest(), kind="guest"), make_rule(Hours(EVERY_DAY, time(6), time(20)), kind="hours")]

    assert signals_of(quiet) == frozenset()
    assert signals_of([make_rule(ChargeFloor(20))]) == {"soc_percent", "online_state"}


# Words ---------------------------------------------------------------------------------------------------------------


def test_words_when_a_rule_is_told_then_it_is_one_plain_sentence():
    told = [
        says(make_rule(Moving(), "unlock")),
        says(make_rule(Hours((0, 1, 2, 3, 4), time(6), time(20)), "unlock", "start_engine")),
        says(make_rule(YARD, "unlock", "open_trunk", "start_engine", kind="area")),
        says(make_rule(ChargeFloor(20), kind="charge_floor")),
        says(make_rule(Guest(), "lock", kind="guest")),
    ]

    assert told == [
        "Nobody sends “Unlock” while the car moves.",
        "Nobody sends “Unlock” or “Start engine” except Mon–Fri from 06:00 to 20:00, by the clock where the car is.",
        "Nobody sends “Unlock”, “Open trunk” or “Start engine” while the car is more than 2\xa0km away from the yard.",
        "Nobody sends any command while the battery holds less than 20 %.",
        "Nobody sends “Lock” while a guest has the car.",
    ]


def test_words_when_nobody_knows_then_the_rule_says_what_it_does():
    assert says_unknown(make_rule(Moving())) == "While it is not known whether the car moves, nothing is sent either."
    assert says_unknown(make_rule(YARD, blocks_unknown=False, kind="area")) == (
        "While it is not known where the car is, it is sent."
    )
    assert says_unknown(make_rule(Guest(), kind="guest")) == ""


def test_words_when_a_rule_blocks_then_the_reason_is_in_the_readers_language():
    reason = sentence(make_rule(Moving()))

    with translation.override("en"):
        assert str(reason) == "Blocked by your team’s rule: the car moves."
    with translation.override("de"):
        assert str(reason) != "Blocked by your team’s rule: the car moves."


# Loading -------------------------------------------------------------------------------------------------------------


def test_rules_when_they_are_loaded_for_several_teams_then_each_has_its_own_in_one_query(cast, rule):
    rule(Moving(), "unlock")
    rule(ChargeFloor(20), "start_climate")
    rule(Guest(), by=cast.outsider)
    switch_rule(rule=rule(Guest()), membership=cast.owner, is_on=False)
    third = make_team()

    with CaptureQueriesContext(connection) as queries:
        loaded = load_rules([cast.owner.team_id, cast.outsider.team_id, third.team_id])

    assert {team_id: [(r.kind, sorted(r.commands), r.values) for r in rules] for team_id, rules in loaded.items()} == {
        cast.owner.team_id: [("moving", ["unlock"], Moving()), ("charge_floor", ["start_climate"], ChargeFloor(20))],
        cast.outsider.team_id: [("guest", [], Guest())],
        third.team_id: [],
    }
    assert len(queries) == 1


def test_check_first_when_a_team_said_nothing_then_it_is_a_minute(cast):
    set_check_first(membership=cast.owner, check_first_s=0)

    assert check_first_of([cast.owner.team_id, cast.outsider.team_id]) == {
        cast.owner.team_id: 0,
        cast.outsider.team_id: 60,
    }


# What the buttons of a car say ---------------------------------------------------------------------------------------


def say(link, signal, value, *, minutes_ago=0):
    """Let the car have said this so long ago."""
    VehicleSignal.objects.update_or_create(
        vehicle=link.vehicle,
        signal=signal,
        defaults={
            "team_id": link.team_id,
            "value": value,
            "observed_at": timezone.now() - timedelta(minutes=minutes_ago),
            "source": "test",
        },
    )


def again(link):
    """The link as another request would load it."""
    return VehicleLink.objects.get(pk=link.pk)


def codes(link, membership):
    available = check_availability(link, membership)
    return {kind: available[kind].code for kind in ("lock", "unlock", "start_climate")}


def test_availability_when_a_rule_is_broken_then_only_its_commands_are_blocked(link, cast, rule):
    rule(Moving(), "unlock", "open_trunk")
    say(link, "in_motion", True)

    assert codes(link, cast.owner) == {"lock": "", "unlock": "rule", "start_climate": ""}
    # The car lacks it: no rule can change that, so it says so first.
    assert check_availability(link, cast.owner)["open_trunk"].code == "not_equipped"
    assert codes(link, cast.viewer) == {"lock": "role", "unlock": "role", "start_climate": "role"}


def test_availability_when_the_car_stops_then_it_is_offered_again(link, cast, rule):
    rule(Moving(), "unlock")
    say(link, "in_motion", True)
    before = codes(link, cast.owner)["unlock"]
    say(link, "in_motion", False)

    assert (before, codes(link, cast.owner)["unlock"]) == ("rule", "")


def test_availability_when_the_owner_took_the_location_back_then_an_old_place_is_not_used(link, cast, rule):
    rule(YARD, "unlock")
    say(link, "location", {"latitude": 52.52, "longitude": 13.405})
    before = codes(link, cast.owner)["unlock"]
    withdraw_consent(link=link, scope="read_location", actor="system:test")

    found = check_availability(link, cast.owner)["unlock"]

    assert (before, found.code, found.rule.reason) == ("", "rule", "area_unknown")


def test_availability_when_the_news_are_only_old_then_it_is_offered_since_the_car_is_looked_at_first(link, cast, rule):
    rule(Moving(), "unlock")
    VehicleSignal.objects.filter(vehicle=link.vehicle).update(observed_at=timezone.now() - timedelta(hours=5))

    assert codes(link, cast.owner)["unlock"] == ""


def test_availability_when_the_car_has_a_guest_then_the_rule_holds_until_they_are_gone(link, cast, rule):
    rule(Guest(), "unlock")
    Vehicle.objects.filter(pk=link.vehicle_id).update(guest_until=timezone.now() + timedelta(hours=1))
    with_guest = codes(again(link), cast.owner)["unlock"]
    Vehicle.objects.filter(pk=link.vehicle_id).update(guest_until=timezone.now() - timedelta(seconds=1))

    assert (with_guest, codes(again(link), cast.owner)["unlock"]) == ("rule", "")


@pytest.mark.parametrize(("vehicle_zone", "team_zone"), [("Asia/Tokyo", "Europe/Berlin"), ("", "Asia/Tokyo")])
def test_availability_when_the_car_has_a_zone_of_its_own_then_it_goes_before_the_teams(
    link, cast, rule, vehicle_zone, team_zone
):
    in_tokyo = timezone.now().astimezone(ZoneInfo("Asia/Tokyo"))
    # Allowed in the hour that it is in Tokyo now, and in no other zone.
    rule(Hours(EVERY_DAY, in_tokyo.time().replace(minute=0, second=0, microsecond=0), _hour_later(in_tokyo)), "unlock")
    Vehicle.objects.filter(pk=link.vehicle_id).update(time_zone=vehicle_zone)
    Team.objects.filter(pk=link.team_id).update(time_zone=team_zone)
    cast.owner.team.refresh_from_db()

    assert codes(again(link), cast.owner)["unlock"] == ""
    Vehicle.objects.filter(pk=link.vehicle_id).update(time_zone="America/Lima")
    assert codes(again(link), cast.owner)["unlock"] == "rule"


def _hour_later(moment):
    return (moment + timedelta(hours=1)).time().replace(minute=0, second=0, microsecond=0)


def test_availability_when_a_rule_is_another_teams_then_it_blocks_nothing_here(link, cast, rule):
    rule(Guest(), by=cast.outsider)
    rule(ChargeFloor(99), by=cast.outsider)

    assert codes(link, cast.owner) == {"lock": "", "unlock": "", "start_climate": ""}


def test_request_when_a_rule_blocks_then_nothing_is_written(link, cast, rule):
    rule(ChargeFloor(99), "start_climate")
    say(link, "soc_percent", 42)

    with pytest.raises(CommandError) as refused:
        request_command(vehicle=link.vehicle, membership=cast.owner, order=StartClimate())
    request_command(vehicle=link.vehicle, membership=cast.owner, order=Lock())

    assert (refused.value.code, [command.kind for command in Command.objects.all()]) == ("rule", ["lock"])


def test_request_when_the_stored_rule_is_broken_itself_then_it_blocks_as_not_known(link, cast, rule):
    row = rule(Moving(), "unlock")
    TeamRule.objects.filter(pk=row.pk).update(values={"nonsense": 1})

    with pytest.raises(CommandError) as refused:
        request_command(vehicle=link.vehicle, membership=cast.owner, order=Unlock())

    assert refused.value.code == "rule"


def test_availability_when_there_are_thirty_rules_then_it_asks_no_oftener_than_for_one(link, cast, rule):
    rule(Moving(), "unlock")
    link = VehicleLink.objects.select_related("vehicle", "connection__account__app").get(pk=link.pk)
    with CaptureQueriesContext(connection) as with_one:
        check_availability(link, cast.owner)
    for percent in range(1, 30):
        rule(ChargeFloor(percent), "start_climate")

    with CaptureQueriesContext(connection) as with_thirty:
        check_availability(link, cast.owner)

    # Consents, rules, readings.
    assert (len(with_one), len(with_thirty)) == (3, 3)


def test_rules_when_thirty_cars_are_judged_then_one_query_serves_all(cast, simulator, rule):
    rule(Guest(), "unlock")
    cars = [join_simulated_car(cast.owner, simulator, learn=False).vehicle for _ in range(30)]
    Vehicle.objects.filter(pk__in=[car.pk for car in cars[:10]]).update(guest_until=timezone.now() + timedelta(hours=1))
    vehicles = list(Vehicle.objects.filter(team_id=cast.owner.team_id))

    with CaptureQueriesContext(connection) as queries:
        rules = load_rules({vehicle.team_id for vehicle in vehicles})
        blocked = [
            vehicle
            for vehicle in vehicles
            if find_broken(
                rules[vehicle.team_id],
                kind="unlock",
                readings={},
                at=timezone.now(),
                time_zone=vehicle.time_zone,
                guest_until=vehicle.guest_until,
            )
        ]

    assert (len(blocked), len(queries)) == (10, 1)
