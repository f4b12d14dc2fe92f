"""Pages of rules: who may see and change what, every bad value, and what the list and the form say."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commands.rules.forms import FORMS
from commands.rules.models import TeamPolicy, TeamRule
from commands.rules.values import Area, ChargeFloor, Guest, Moving, read_values
from fleet.events.models import Event

HTMX = {"HX-Request": "true"}
GOOD = {
    "moving": {"scope": "some", "commands": ["unlock"], "when_unknown": "block"},
    "hours": {
        "scope": "all",
        "weekdays": ["0", "4"],
        "starts": "06:00",
        "ends": "20:30",
    },
    "area": {
        "scope": "some",
        "commands": ["unlock", "open_trunk"],
        "side": "outside",
        "name": "Depot",
        "place": "52.5200, 13.4050",
        "radius_km": "1.5",
        "when_unknown": "allow",
    },
    "charge_floor": {"scope": "some", "commands": ["start_climate"], "percent": "20", "when_unknown": "allow"},
    "guest": {"scope": "some", "commands": ["lock"]},
}
STORED = {
    "moving": (["unlock"], {"with_engine": False}, "block"),
    "hours": ([], {"weekdays": [0, 4], "starts": "06:00", "ends": "20:30"}, "block"),
    "area": (
        ["open_trunk", "unlock"],
        {"latitude": 52.52, "longitude": 13.405, "radius_km": 1.5, "is_inside": False, "name": "Depot"},
        "allow",
    ),
    "charge_floor": (["start_climate"], {"percent": 20}, "allow"),
    "guest": (["lock"], {}, "block"),
}


def written():
    return [(rule.kind, rule.commands, rule.values, rule.when_unknown) for rule in TeamRule.objects.all()]


@pytest.mark.parametrize("kind", FORMS)
def test_new_when_the_form_is_good_then_the_rule_is_there_and_the_list_tells_it(cast, browser_of, kind):
    browser = browser_of(cast.owner)

    answer = browser.post(f"/rules/new/?kind={kind}", GOOD[kind])

    assert (answer.status_code, answer["Location"]) == (302, "/rules/")
    assert written() == [(kind, *STORED[kind])]
    assert read_values(kind, STORED[kind][1])
    (row,) = browser.get("/rules/").context["rows"]
    assert (row.kind, row.is_on, row.says.startswith("Nobody sends ")) == (kind, True, True)


@pytest.mark.parametrize("kind", FORMS)
def test_new_when_it_is_opened_then_the_usual_is_filled_in_and_said(cast, browser_of, kind):
    answer = browser_of(cast.owner).get(f"/rules/new/?kind={kind}")

    assert answer.status_code == 200
    # A circle needs its centre first; all others are a rule as they stand.
    assert bool(answer.context["preview"].says) is (kind != "area")


BAD = [
    ("moving", {"scope": ""}, "scope"),
    ("moving", {"scope": "none"}, "scope"),
    ("moving", {"commands": []}, "commands"),
    ("moving", {"commands": ["teleport"]}, "commands"),
    ("moving", {"commands": ["unlock\x00"]}, "commands"),
    ("moving", {"when_unknown": "perhaps"}, "when_unknown"),
    ("moving", {"when_unknown": ""}, "when_unknown"),
    ("hours", {"weekdays": []}, "weekdays"),
    ("hours", {"weekdays": ["7"]}, "weekdays"),
    ("hours", {"weekdays": ["x"]}, "weekdays"),
    ("hours", {"weekdays": ["\u00b2"]}, "weekdays"),
    ("hours", {"starts": "25:00"}, "starts"),
    ("hours", {"starts": ""}, "starts"),
    ("hours", {"ends": "6 o'clock"}, "ends"),
    ("area", {"side": "above"}, "side"),
    ("area", {"name": ""}, "name"),
    ("area", {"name": "x" * 61}, "name"),
    ("area", {"name": "a\x07b"}, "name"),
    ("area", {"place": ""}, "place"),
    ("area", {"place": "Berlin"}, "place"),
    ("area", {"place": "52,52, 13,405"}, "place"),
    ("area", {"place": "91, 0"}, "place"),
    ("area", {"place": "0, 181"}, "place"),
    ("area", {"place": "\u0665\u0662.5, 13.4"}, "place"),
    ("area", {"place": "nan, nan"}, "place"),
    ("area", {"place": "1e1, 2"}, "place"),
    ("area", {"radius_km": "0"}, "radius_km"),
    ("area", {"radius_km": "1001"}, "radius_km"),
    ("area", {"radius_km": "NaN"}, "radius_km"),
    ("area", {"radius_km": "inf"}, "radius_km"),
    ("area", {"radius_km": "8" * 5000}, "radius_km"),
    ("charge_floor", {"percent": "0"}, "percent"),
    ("charge_floor", {"percent": "100"}, "percent"),
    ("charge_floor", {"percent": "20.5"}, "percent"),
    ("charge_floor", {"percent": "8" * 5000}, "percent"),
    ("charge_floor", {"percent": ""}, "percent"),
]


@pytest.mark.parametrize(("kind", "values", "field"), BAD, ids=lambda value: repr(value)[:50])
def test_new_when_a_value_is_bad_then_the_error_is_at_its_field_and_nothing_is_written(
    cast, browser_of, kind, values, field
):
    browser = browser_of(cast.owner)

    answer = browser.post(f"/rules/new/?kind={kind}", GOOD[kind] | values)
    said = browser.post("/rules/say/", {"kind": kind} | GOOD[kind] | values)

    assert (answer.status_code, list(answer.context["form"].errors), written()) == (422, [field], [])
    assert 'class="wrong' in answer.content.decode()
    assert (said.status_code, said.context["preview"].says) == (200, "")


@pytest.mark.parametrize("kind", ["", "nonsense", "MOVING", "moving%00"])
def test_new_when_there_is_no_such_kind_then_it_is_not_found(cast, browser_of, kind):
    browser = browser_of(cast.owner)

    answers = [browser.get(f"/rules/new/?kind={kind}"), browser.post(f"/rules/new/?kind={kind}", GOOD["guest"])]

    assert [answer.status_code for answer in answers] == [404, 404]


def test_new_when_there_are_too_many_then_the_form_says_so(cast, browser_of, rule):
    for _ in range(50):
        rule(Guest(), "lock")

    answer = browser_of(cast.owner).post("/rules/new/?kind=guest", GOOD["guest"])

    assert (answer.status_code, TeamRule.objects.count()) == (422, 50)
    assert "Your team has 50 rules." in answer.content.decode()


def test_edit_when_it_is_opened_then_it_shows_what_is_stored(cast, browser_of, rule):
    row = rule(Area(52.52, 13.405, radius_km=2.5, is_inside=False, name="Depot"), blocks_unknown=False)

    form = browser_of(cast.owner).get(f"/rules/{row.id}/").context["form"]

    assert {name: form[name].value() for name in form.fields} == {
        "scope": "all",
        "commands": [],
        "side": "outside",
        "name": "Depot",
        "place": "52.52, 13.405",
        "radius_km": 2.5,
        "when_unknown": "allow",
    }


def test_edit_when_it_is_saved_then_the_rule_says_the_new(cast, browser_of, rule):
    row = rule(ChargeFloor(20), "start_climate")
    browser = browser_of(cast.owner)

    refused = browser.post(f"/rules/{row.id}/", GOOD["charge_floor"] | {"percent": "0"})
    before = written()
    answer = browser.post(f"/rules/{row.id}/", GOOD["charge_floor"] | {"percent": "35"})

    assert (refused.status_code, before) == (422, [("charge_floor", ["start_climate"], {"percent": 20}, "allow")])
    assert (answer.status_code, written()) == (302, [("charge_floor", ["start_climate"], {"percent": 35}, "allow")])


def test_edit_when_what_is_stored_makes_no_sense_then_the_pages_still_stand(cast, browser_of, rule):
    row = rule(Moving(), "unlock")
    TeamRule.objects.filter(pk=row.pk).update(values={"nonsense": 1})
    browser = browser_of(cast.owner)

    answers = [browser.get("/rules/"), browser.get(f"/rules/{row.id}/")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert "This rule cannot be read any more." in answers[0].content.decode()


def test_switch_when_it_is_pressed_twice_then_it_is_as_the_button_said(cast, browser_of, rule):
    row = rule(Guest(), "lock")
    browser = browser_of(cast.owner)

    states = []
    for on in ("0", "0", "1"):
        browser.post(f"/rules/{row.id}/switch/", {"on": on})
        states.append(TeamRule.objects.get().is_on)

    assert states == [False, False, True]


def test_remove_when_it_is_asked_for_then_it_asks_back_first(cast, browser_of, rule):
    row = rule(Guest(), "lock")
    browser = browser_of(cast.owner)

    question = browser.post(f"/rules/{row.id}/remove/")
    before = TeamRule.objects.count()
    answer = browser.post(f"/rules/{row.id}/remove/", {"confirm": "1"})

    assert (question.status_code, before) == (200, 1)
    assert "Nobody sends “Lock” while a guest has the car." in question.content.decode()
    assert (answer.status_code, TeamRule.objects.count()) == (302, 0)


def test_say_when_a_form_is_good_then_it_says_what_the_rule_would_do_and_writes_nothing(cast, browser_of):
    answer = browser_of(cast.owner).post("/rules/say/", {"kind": "moving", **GOOD["moving"]}, headers=HTMX)

    assert "Nobody sends “Unlock” while the car moves." in answer.content.decode()
    assert "While it is not known whether the car moves, nothing is sent either." in answer.content.decode()
    assert written() == []


@pytest.mark.parametrize(("seconds", "status"), [("0", 302), ("300", 302), ("301", 422), ("-1", 422), ("", 422)])
def test_check_first_when_it_is_saved_then_only_what_makes_sense_is_kept(cast, browser_of, seconds, status):
    answer = browser_of(cast.owner).post("/rules/check-first/", {"check_first_s": seconds})

    assert answer.status_code == status
    kept = list(TeamPolicy.objects.values_list("check_first_s", flat=True))
    assert kept == ([int(seconds)] if status == 302 else [])


@pytest.mark.parametrize(("who", "status"), [("owner", 200), ("operator", 200), ("viewer", 200), ("outsider", 200)])
def test_list_when_somebody_looks_then_they_see_their_own_teams_rules(cast, browser_of, rule, who, status):
    row = rule(Guest(), "lock")

    answer = browser_of(getattr(cast, who)).get("/rules/")

    assert answer.status_code == status
    assert [shown.id for shown in answer.context["rows"]] == ([] if who == "outsider" else [row.id])
    may_change = f"/rules/{row.id}/switch/" in answer.content.decode()
    assert may_change is (who == "owner")


@pytest.mark.parametrize(("who", "status"), [("operator", 403), ("viewer", 403), ("outsider", 404)])
def test_rule_when_they_may_not_then_nothing_changes(cast, browser_of, rule, who, status):
    row = rule(Guest(), "lock")
    before = Event.objects.count()
    browser = browser_of(getattr(cast, who))

    answers = [
        browser.get(f"/rules/{row.id}/"),
        browser.post(f"/rules/{row.id}/", GOOD["guest"] | {"commands": ["unlock"]}),
        browser.post(f"/rules/{row.id}/switch/", {"on": "0"}),
        browser.post(f"/rules/{row.id}/remove/", {"confirm": "1"}),
    ]

    assert [answer.status_code for answer in answers] == [status] * 4
    assert (written(), Event.objects.count()) == ([("guest", ["lock"], {}, "block")], before)


@pytest.mark.parametrize("who", ["operator", "viewer"])
def test_team_pages_when_they_may_not_manage_then_they_are_forbidden(cast, browser_of, who):
    browser = browser_of(getattr(cast, who))

    answers = [
        browser.get("/rules/new/?kind=guest"),
        browser.post("/rules/new/?kind=guest", GOOD["guest"]),
        browser.post("/rules/say/", {"kind": "guest"} | GOOD["guest"]),
        browser.post("/rules/check-first/", {"check_first_s": "0"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert (written(), TeamPolicy.objects.count()) == ([], 0)


def test_list_when_there_are_thirty_rules_then_it_asks_the_database_no_oftener_than_for_one(cast, browser_of, rule):
    browser = browser_of(cast.owner)
    rule(Guest(), "lock")
    browser.get("/rules/")

    with CaptureQueriesContext(connection) as with_one:
        browser.get("/rules/")
    for _ in range(29):
        rule(Guest(), "lock")
    with CaptureQueriesContext(connection) as with_thirty:
        browser.get("/rules/")

    assert len(with_thirty) == len(with_one)
