"""The rules for templates and sheets hold for ours, and each rule bites."""

from pathlib import Path

import pytest

from tools.check_templates import ROOT, faults, htmx_complaints, sheet_faults, template_faults


def test_templates_when_checked_break_no_rule() -> None:
    assert faults() == []
    assert htmx_complaints() == ""


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ('<p style="color: red">{{ x }}</p>', "inline code: style="),
        ('<button onclick="go()">{{ x }}</button>', "inline code: onclick="),
        ("<script>go()</script>", "inline <script>"),
        ("<style>p { margin: 0 }</style>", "inline <style>"),
        ('<div hx-boost="true"></div>', "htmx outside our subset: hx-boost"),
        ('<div hx-on:click="go()"></div>', "htmx outside our subset: hx-on:click"),
        ('<div hx-vals="js:{a: 1}"></div>', "script in hx-vals"),
        ('<div hx-get="/x/" hx-trigger="click[ctrlKey]"></div>', "filter in hx-trigger"),
        ('<form hx-post="/x/"></form>', "hx-post without its own hx-target and hx-swap"),
        ('<form method="post"><input name="a"></form>', "form without csrf_token"),
        ("<p>Hello there</p>", "text that can't be translated: 'Hello there'"),
        ('<input placeholder="Your name">', "placeholder that can't be translated: 'Your name'"),
        ('{% icon "no-such" %}', "the sprite has no icon 'no-such'"),
        ('<a href="#">{{ x }}</a>', "a link that leads nowhere"),
    ],
)
def test_template_when_it_breaks_a_rule_is_told(source: str, what: str) -> None:
    assert (1, what) in list(template_faults(source, {"lock"}))


def test_template_when_it_keeps_the_rules_passes() -> None:
    source = (
        "<p><code>access_denied</code></p>"
        '<form method="post" action="{% url "x" %}" hx-post="/x/" hx-target="#x" hx-swap="outerMorph">{% csrf_token %}'
        '<button type="submit" aria-label="{% translate "Lock" %}">{% icon "lock" %}{% translate "Lock" %}</button>'
        "</form>"
        "{% blocktranslate %}Hello{% endblocktranslate %}{# a note #}"
    )

    assert list(template_faults(source, {"lock"})) == []


@pytest.mark.parametrize("line", [".a { color: #fff; }", ".a { color: rgb(0 0 0); }", ".a { fill: oklch(1 0 0); }"])
def test_sheet_when_it_names_a_raw_colour_is_told(line: str) -> None:
    assert [number for number, what in sheet_faults(line)] == [1]


def test_sheet_when_it_mixes_tokens_passes() -> None:
    assert list(sheet_faults(".a { color: color-mix(in oklab, var(--text) 80%, transparent); }")) == []


def test_htmx_checker_when_given_an_attribute_of_version_2_complains(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (tmp_path / "static" / "js").mkdir(parents=True)
    (folder / "old.html").write_text('<div hx-get="/x/" hx-disabled-elt="this"></div>')

    complaints = htmx_complaints(tmp_path)

    assert "hx-disabled-elt" in complaints


def test_checker_of_htmx_when_looked_for_is_the_vendored_one() -> None:
    assert (ROOT / "tests/vendor/htmx-4.0.1/upgrade-check.py").exists()
