"""Every template compiles, every part has one named root, and what is rendered nests and names nothing twice."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.template.loader import get_template
from django.test import RequestFactory
from django.utils import timezone, translation

from commands.cards import Card, LogRow, Pill, Step
from commands.forms import make_form
from commands.models import Command
from commands.panel import Dialog, Group, NextStep, Offer
from fleet.adapters.commands import KINDS
from fleet.templatetags.fleetwell import VALUE_KINDS
from fleet.vehicles.models import Vehicle
from fleet.vehicles.readings import Reading, Readings
from tests.templates.markup import Markup
from tools.check_templates import markup_of

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted(str(path.relative_to(ROOT / "templates")) for path in (ROOT / "templates").rglob("*.html"))
PARTS = [name for name in TEMPLATES if Path(name).name.startswith("_")]
ELEMENTS_OF_ALLAUTH = "allauth/elements/"


@pytest.fixture(params=["en", "de"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    with translation.override(request.param):
        yield request.param


@pytest.fixture
def page_request() -> HttpRequest:
    request = RequestFactory().get("/vehicles/")
    request.user = AnonymousUser()
    return request


@pytest.fixture
def vehicle() -> Vehicle:
    return Vehicle(id=uuid.uuid4(), make="Škoda", model="Enyaq", year=2023, plate="HH-NL 515", vin="TMBJC7NY0PF000001")


def readings(**values: object) -> Readings:
    now = timezone.now()
    return Readings({name: Reading(value, now, "test", is_stale=False) for name, value in values.items()})


def offer(kind: str, tile_state: str, *, asks: bool = False, data: dict[str, str] | None = None) -> Offer:
    command = Command(id=uuid.uuid4(), kind=kind, accepted_at=timezone.now()) if tile_state == "pending" else None
    return Offer(
        kind=kind,
        label=kind,
        icon=kind,
        tile_state=tile_state,
        detail="A detail",
        asks=asks,
        reason_code="",
        next_step=NextStep("What to do", "/links/") if tile_state in {"none", "failed"} else None,
        command=command,
        form=None if tile_state == "none" else make_form(kind, {}, data=data),
        press_url=f"/press/{kind}/",
        dialog=Dialog("Sure?", "Think.", "No", "Yes") if asks else None,
        token="token",
        confirm=None,
        known=None,
    )


def panel_context(vehicle: Vehicle) -> dict[str, object]:
    states = ["ready", "on", "pending", "failed", "none"]
    offers = [
        offer(kind, "ready" if kind in VALUE_KINDS else states[n % 5], asks=KINDS[kind].asks)
        for n, kind in enumerate(KINDS)
    ]
    steps = [Step("Accepted", "done", "Jana", timezone.now()), Step("Sent", "now"), Step("Refused", "failed")]
    command = Command(id=uuid.uuid4(), kind="lock", accepted_at=timezone.now())
    card = Card(command, "Lock", Pill("accent", "Running"), steps, can_cancel=True, poll_s=1.5)
    return {"vehicle": vehicle, "groups": [Group("All", offers)], "cards": [card], "poll_s": 1.5}


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_when_loaded_compiles(name: str) -> None:
    template = get_template(name)

    assert template.origin.name.endswith(name)


@pytest.mark.parametrize("name", PARTS)
def test_part_when_read_has_one_root_with_an_id(name: str) -> None:
    source = (ROOT / "templates" / name).read_text(encoding="utf-8")

    markup = Markup(markup_of(source).replace("<csrf-token>", ""))

    assert len(markup.roots) == 1
    assert markup.roots[0].get("id")


@pytest.mark.usefixtures("language")
def test_panel_when_rendered_in_all_states_nests_and_repeats_no_id(page_request: HttpRequest, vehicle: Vehicle) -> None:
    html = get_template("commands/_panel.html").render(panel_context(vehicle), page_request)

    markup = Markup(html)

    assert markup.faults == []
    assert {given["data-state"] for tag, given in markup.elements if "tile" in (given.get("class") or "").split()} == {
        "ready",
        "on",
        "pending",
        "failed",
        "none",
    }


@pytest.mark.usefixtures("language")
def test_panel_when_numbers_have_commas_keeps_points_in_attributes(page_request: HttpRequest, vehicle: Vehicle) -> None:
    html = get_template("commands/_panel.html").render(panel_context(vehicle), page_request)

    markup = Markup(html)

    triggers = [str(given["hx-trigger"]) for tag, given in markup.elements if "hx-trigger" in given]
    assert any("every 1500ms" in trigger for trigger in triggers)
    numbers = [given for tag, given in markup.elements if given.get("type") in {"number", "range"}]
    assert numbers
    assert [
        given for given in numbers for name in ("min", "max", "step", "value") if "," in (given.get(name) or "")
    ] == []


def test_panel_when_a_value_was_refused_shows_the_error_at_the_field(
    page_request: HttpRequest, vehicle: Vehicle
) -> None:
    refused = offer("set_pin", "ready", asks=True, data={"pin": "12"})
    context = panel_context(vehicle) | {"groups": [Group("Access", [refused])], "cards": []}

    markup = Markup(get_template("commands/_panel.html").render(context, page_request))

    field = next(given for tag, given in markup.elements if given.get("name") == "pin")
    assert field["aria-invalid"] == "true"
    assert "set_pin-pin-errors" in str(field["aria-describedby"])
    assert "set_pin-pin-errors" in markup.ids
    assert "value" not in field  # a PIN never comes back to the page


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"soc_percent": 68.4, "charge_limit_percent": 80, "plugged_in": True, "charging_state": "charging"},
        {"fuel_percent": 71.0, "engine_running": True, "locked": False, "online_state": "asleep"},
    ],
    ids=["nothing", "electric", "fuel"],
)
def test_state_when_rendered_nests_and_repeats_no_id(
    page_request: HttpRequest, vehicle: Vehicle, values: dict[str, object]
) -> None:
    context = {"vehicle": vehicle, "state": readings(**values), "can_refresh": True}

    markup = Markup(get_template("vehicles/_state.html").render(context, page_request))

    assert markup.faults == []
    assert [root["id"] for root in markup.roots] == ["vehicle-state"]


def test_state_when_a_value_is_missing_says_so_and_never_zero(page_request: HttpRequest, vehicle: Vehicle) -> None:
    context = {"vehicle": vehicle, "state": readings(locked=True), "can_refresh": False}

    html = get_template("vehicles/_state.html").render(context, page_request)

    assert "not reported" in html
    assert "0&nbsp;km" not in html
    assert "<bdi>0" not in html


@pytest.mark.usefixtures("language")
def test_pages_without_context_when_rendered_nest(page_request: HttpRequest) -> None:
    assert Markup(get_template("500.html").render()).faults == []
    for name in ("404.html", "403.html", "400.html", "403_csrf.html", "account/password_reset_done.html"):
        assert Markup(get_template(name).render({}, page_request)).faults == []


def test_page_when_asked_in_german_says_so_in_its_language(page_request: HttpRequest) -> None:
    with translation.override("de"):
        html = get_template("404.html").render({}, page_request)

    assert '<html lang="de" dir="ltr">' in html
    assert "Diese Seite gibt es hier nicht" in html


def test_latest_commands_when_rendered_nest_and_name_their_result(page_request: HttpRequest, vehicle: Vehicle) -> None:
    at = timezone.now() - timedelta(minutes=3)
    rows = [LogRow("/commands/1/", "Lock", "Jana · 6 s", "ok", "check", "Confirmed", at, vehicle)]

    html = get_template("commands/_latest.html").render({"vehicle": vehicle, "commands": rows}, page_request)

    assert Markup(html).faults == []
    assert "Confirmed" in html
