"""What sentences name besides people: rules, alerts and share links, as long as something tells their names."""

from uuid import uuid4

import pytest
from django.test import Client

from commands.alerts.models import Alert
from commands.rules.services import add_rule, remove_rule
from commands.rules.values import Area, Moving
from fleet.audit.entries import Entry
from fleet.teams.models import Membership
from tests.factories import make_share_link, make_team
from tests.fleet.audit.conftest import Happen


def told(pages: Client, area: str) -> list[tuple[str, str]]:
    entries: list[Entry] = pages.get("/audit/", {"what": area}).context["entries"]
    return [(entry.says, entry.detail) for entry in entries]


def test_rules_when_told_then_each_says_what_it_did_even_when_it_is_gone(owner: Membership, pages: Client) -> None:
    yard = Area(52.52, 13.405, radius_km=2.414, is_inside=True, name="Depot")
    moving = {"commands": ["unlock"], "values": Moving(), "blocks_unknown": True}
    rule = add_rule(membership=owner, kind="area", commands=[], values=yard, blocks_unknown=True)
    add_rule(membership=owner, kind="moving", **moving)
    remove_rule(rule=rule, membership=owner)

    metric = told(pages, "rule")
    owner.team.distance_unit = "mi"
    owner.team.save(update_fields=["distance_unit"])

    area = "Nobody sends any command while the car is more than 2.41\xa0km away from Depot."
    assert metric == [
        ("Removed a rule.", area),
        ("Added a rule.", "Nobody sends “Unlock” while the car moves."),
        ("Added a rule.", area),
    ]
    assert told(pages, "rule")[0] == ("Removed a rule.", area.replace("2.41\xa0km", "1.5\xa0mi"))


@pytest.mark.parametrize("data", [{}, {"kind": "area"}, {"kind": "x", "values": {}, "commands": []}])
def test_rules_when_an_event_says_too_little_then_the_sentence_stands_alone(
    pages: Client, happen: Happen, data: dict[str, object]
) -> None:
    happen("rule.changed", data=data)

    assert told(pages, "rule") == [("Changed a rule.", "")]


def test_alerts_when_told_then_they_say_what_they_were_about(owner: Membership, pages: Client, happen: Happen) -> None:
    alert = Alert.objects.create(team=owner.team, kind="provider_down", key="provider:1")
    foreign = Alert.objects.create(team=make_team("Another Fleet").team, kind="not_proved", key="x")
    for subject in (alert.id, foreign.id, uuid4(), "nonsense"):
        happen("alert.closed", subject=f"alert:{subject}")

    assert [says for says, _ in told(pages, "alert")] == [
        "Closed an alert.",
        "Closed an alert.",
        "Closed an alert.",
        "Closed an alert: A maker’s service does not answer.",
    ]


def test_share_links_when_told_then_they_are_called_by_name_while_they_are_there(
    owner: Membership, pages: Client, happen: Happen
) -> None:
    make_share_link(owner)
    happen("share_link.revoked", subject=f"share_link:{uuid4()}")

    assert [says for says, _ in told(pages, "share_link")] == [
        "Took a share link back.",
        "Made the share link “A car”.",
    ]
