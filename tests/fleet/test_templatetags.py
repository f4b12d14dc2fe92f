"""The tags of fleet.templatetags.fleetwell, in English and in German."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from connect.scopes import SCOPES
from fleet.adapters.commands import KINDS
from fleet.templatetags.fleetwell import icon_names, main_pill, make_tile, scope_title, state_pills
from fleet.vehicles.readings import Reading, Readings

SPACE = "\N{NO-BREAK SPACE}"


def render(source: str, language: str = "en", **context: object) -> str:
    with translation.override(language):
        return Template("{% load fleetwell %}" + source).render(Context(context))


def readings(**values: object) -> Readings:
    now = timezone.now()
    return Readings({name: Reading(value, now, "test", is_stale=False) for name, value in values.items()})


@pytest.mark.parametrize(
    ("value", "unit", "language", "shown"),
    [
        (41_287.3, "km", "en", "41,287"),
        (41_287.3, "km", "de", "41.287"),
        (19.5, "°C", "de", "19,5"),
        (0, "%", "en", "0"),
        (-4.0, "°C", "en", "-4.0"),
    ],
)
def test_quantity_when_a_number_follows_the_language(value: float, unit: str, language: str, shown: str) -> None:
    html = render(f'{{% quantity value "{unit}" %}}', language, value=value)

    assert html == f"<bdi>{shown}{SPACE}{unit}</bdi>"


def test_quantity_when_given_a_reading_shows_its_value() -> None:
    html = render('{% quantity state.soc_percent "%" %}', state=readings(soc_percent=68.4))

    assert html == f"<bdi>68{SPACE}%</bdi>"


@pytest.mark.parametrize(("language", "words"), [("en", "not reported"), ("de", "nicht gemeldet")])
def test_quantity_when_not_reported_says_so_and_shows_no_number(language: str, words: str) -> None:
    html = render('{% quantity state.odometer_km "km" %}', language, state=readings())

    assert html == f'<span aria-hidden="true">–</span><span class="vh">{words}</span>'


@pytest.mark.parametrize(
    ("span", "language", "shown"),
    [(6, "en", "6"), (0.84, "en", "0.8"), (0.84, "de", "0,8"), (11.2, "en", "11"), (timedelta(seconds=90), "en", "90")],
)
def test_seconds_when_shown_are_exact_only_below_ten(span: object, language: str, shown: str) -> None:
    assert render("{% seconds span %}", language, span=span) == f"{shown}{SPACE}s"


@pytest.mark.parametrize(("language", "words"), [("en", "2\xa0minutes ago"), ("de", "vor 2 Minuten")])
def test_ago_when_recent_says_how_long_with_the_exact_time_in_the_title(language: str, words: str) -> None:
    moment = timezone.now() - timedelta(minutes=2, seconds=5)

    html = render("{% ago moment %}", language, moment=moment)

    assert f">{words}</time>" in html
    assert f'datetime="{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"' in html
    assert "UTC" in html


@pytest.mark.parametrize(("language", "date"), [("en", "3 Mar 2020, 04:05"), ("de", "3. Mär 2020, 04:05")])
def test_ago_when_older_than_a_day_gives_the_date(language: str, date: str) -> None:
    html = render("{% ago moment %}", language, moment=datetime(2020, 3, 3, 4, 5, tzinfo=UTC))

    assert f">{date}</time>" in html


def test_hour_when_shown_names_its_beginning_and_its_end() -> None:
    html = render("{% hour moment %}", "en", moment=datetime(2020, 3, 3, 23, tzinfo=UTC))

    assert ">3 Mar, 23:00–00:00</time>" in html


@pytest.mark.parametrize(("language", "word"), [("en", "never"), ("de", "nie")])
def test_ago_when_nothing_was_heard_says_never(language: str, word: str) -> None:
    assert render("{% ago moment %}", language, moment=None) == word


def test_charge_bar_when_numbers_have_commas_keeps_points_in_the_drawing() -> None:
    html = render('{% charge_bar 68.5 80 "full" %}', "de")

    assert 'class="fill" width="205.5"' in html
    assert 'class="goal" width="240.0"' in html
    assert "das Laden endet bei 80 Prozent" in html


def test_charge_bar_when_nearly_empty_is_marked_low() -> None:
    assert 'class="mini low"' in render("{% charge_bar 14 %}")
    assert 'class="mini"' in render("{% charge_bar 20 %}")


@pytest.mark.parametrize(
    ("make", "letters"), [("Volkswagen", "VW"), ("Mercedes-Benz", "MB"), ("Škoda", "SK"), ("BMW", "BM"), ("", "?")]
)
def test_make_tile_when_drawn_has_letters_and_one_of_six_hues(make: str, letters: str) -> None:
    html = make_tile(make)

    assert f">{letters}</span>" in html
    assert any(f'data-hue="{hue}"' in html for hue in range(1, 7))


def test_icon_when_labelled_is_an_image_and_otherwise_hidden() -> None:
    assert 'role="img" aria-label="Locked"' in render('{% icon "lock" label="Locked" %}')
    assert 'aria-hidden="true"' in render('{% icon "lock" %}')


def test_icon_when_unknown_draws_a_ring() -> None:
    assert "icons.svg#dot" in render('{% icon "no-such-icon" %}')


def test_sprite_when_read_has_every_command_and_scope() -> None:
    assert set(KINDS) - icon_names() == set()
    assert set(SCOPES) - icon_names() == set()


def test_scope_title_when_shown_to_the_team_is_what_the_owner_read() -> None:
    for language in ("en", "de"):
        with translation.override(language):
            assert {key: scope_title(key) for key in SCOPES} == {key: scope.title for key, scope in SCOPES.items()}


@pytest.mark.parametrize(
    ("values", "link_status", "words"),
    [
        ({"charging_state": "charging", "charge_power_kw": 11.0, "locked": True}, "ok", f"Charging, 11{SPACE}kW"),
        ({"in_motion": True, "locked": True}, "ok", "Driving"),
        ({"locked": False, "online_state": "asleep"}, "ok", "Unlocked"),
        ({"locked": True, "online_state": "offline"}, "ok", "Offline"),
        ({"locked": True, "online_state": "online"}, "ok", "Locked"),
        ({}, "ok", "No data yet"),
        ({"locked": True}, "needs_owner", "Owner must sign in again"),
        ({"locked": True}, "ended", "Not connected"),
    ],
)
def test_main_pill_when_several_things_are_true_names_the_most_urgent(
    values: dict[str, object], link_status: str, words: str
) -> None:
    html = main_pill(readings(**values), link_status)

    assert html.count('class="pill') == 1
    assert f"{words}</span>" in html


def test_state_pills_when_nothing_is_reported_claim_nothing() -> None:
    assert state_pills(readings()) == ""
