"""The table of scopes holds the whole vocabulary, and its version follows its words."""

from django.utils import translation

from connect.scopes import ALWAYS_NEEDED, SCOPES, TEXT_VERSION, scope_lines
from connect.words import WAYS_OUT, describe_way_out
from fleet.adapters.commands import KINDS
from fleet.adapters.signals import SIGNALS
from fleet.templatetags.fleetwell import icon_names, scope_title


def test_scopes_are_those_of_the_commands_and_signals() -> None:
    vocabulary = {command.scope for command in KINDS.values()} | {signal.scope for signal in SIGNALS.values()}

    assert set(SCOPES) == vocabulary | {ALWAYS_NEEDED}


def test_scopes_have_words_and_an_icon() -> None:
    for scope in SCOPES.values():
        assert scope.title
        assert scope.hint
        assert scope_title(scope.key) == scope.title
        assert scope.icon in icon_names()
        assert scope.group == ("do" if scope.key.startswith("control_") else "see")


def test_text_version_does_not_depend_on_the_language() -> None:
    with translation.override("de"):
        titles = [scope.english_title for scope in SCOPES.values()]

    assert len(TEXT_VERSION) == 12
    assert titles[0] == "Which car it is"


def test_scope_lines_come_in_the_tables_order_with_controls_last() -> None:
    lines = scope_lines(
        needed=["control_charge", "read_vin"], optional=["read_location", "not_a_scope"], chosen=["read_location"]
    )

    assert [(line.key, line.is_needed, line.is_chosen, line.is_control) for line in lines] == [
        ("read_vin", True, False, False),
        ("read_location", False, True, False),
        ("control_charge", True, False, True),
    ]


def test_ways_out_read_well_with_names_that_look_like_markup() -> None:
    for code in WAYS_OUT:
        page = describe_way_out(code, asker="{0} & <b>", brand="Brand")

        assert page["title"]
        assert "{asker}" not in str(page["text"])
        assert page["sign"] in icon_names()
