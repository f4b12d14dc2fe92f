"""Every kind of event that the code or the database writes has a sentence, in both languages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.utils import translation

from commands.models import State
from commands.programs.models import RunState, TimedState
from fleet.audit.sentences import AREAS, NAMED, SENTENCES

ROOT = Path(__file__).parents[3]
KIND = re.compile(r"[a-z_]+\.[a-z_]+")
# record() and what calls it: _record, record_link, _tell, ...
WRITES = re.compile(r"_?(record|tell)(_\w+)?")
IN_SQL = re.compile(r"'([a-z_]+\.[a-z_]*)'")
# Kinds that are put together from a beginning and the states of something.
JOINED = {
    "command.": [state.value for state in State],
    "program.undo_": [state.value for state in TimedState if state is not TimedState.ARMED],
}
# Told to open pages and never written; the setting that names who acts.
NOT_WRITTEN = {"command.waking", "vehicle.read", "fleetwell.actor"}


def sources() -> Iterator[Path]:
    for package in ("fleet", "connect", "commands", "compatibility"):
        yield from (path for path in (ROOT / package).rglob("*.py"))


def kinds_of(path: Path) -> set[str]:
    """The kinds that a file writes."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "INTO events_event" in node.value:
            found |= set(IN_SQL.findall(node.value))
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["kind"]:
            found |= {value for value in strings(node.value) if KIND.fullmatch(value)}
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if WRITES.fullmatch(called):
                found |= written(called, path, [value for argument in node.args for value in strings(argument)])
    return found - NOT_WRITTEN


def strings(node: ast.AST) -> list[str]:
    return [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def written(called: str, path: Path, words: list[str]) -> set[str]:
    if called == "record_job":
        return {f"job.{word}" for word in words}
    if called == "tell" and path.parent.name == "programs":
        return {word if "." in word else f"schedule.{word}" for word in words}
    return {word for word in words if KIND.fullmatch(word) or word in JOINED}


def all_kinds() -> set[str]:
    found = set().union(*(kinds_of(path) for path in sources()))
    found |= {f"schedule.{state.value}" for state in RunState if state is not RunState.DUE}
    for beginning, ends in JOINED.items():
        found.discard(beginning)
        found |= {beginning + end for end in ends}
    return found


def test_all_kinds_when_collected_are_those_that_we_know_of() -> None:
    kinds = all_kinds()

    assert {
        "command.claimed",
        "command.contradicted",
        "job.undone",
        "member.added",
        "program.undo_done",
        "provider.down",
        "role.made",
        "rule.switched_off",
        "schedule.holiday",
        "share_link.used",
        "audit.exported",
    } <= kinds


def test_sentences_when_kinds_are_written_there_is_one_for_each_and_no_other() -> None:
    assert {"without a sentence": all_kinds() - SENTENCES.keys(), "never written": SENTENCES.keys() - all_kinds()} == {
        "without a sentence": set(),
        "never written": set(),
    }


def test_areas_when_kinds_are_written_there_is_a_word_for_each_and_no_other() -> None:
    assert {kind.partition(".")[0] for kind in SENTENCES} == AREAS.keys()


def test_sentences_when_read_in_german_are_other_words_with_the_same_values() -> None:
    english = {kind: str(sentence) for kind, sentence in SENTENCES.items()}
    with translation.override("de"):
        german = {kind: str(sentence) for kind, sentence in SENTENCES.items()}

    assert [kind for kind in english if german[kind] == english[kind]] == []
    assert {kind: values(german[kind]) for kind in german} == {kind: values(english[kind]) for kind in english}


def test_named_sentences_when_read_in_german_are_other_words_with_the_same_values() -> None:
    english = {kind: str(sentence) for kind, sentence in NAMED.items()}
    with translation.override("de"):
        german = {kind: str(sentence) for kind, sentence in NAMED.items()}

    assert NAMED.keys() <= SENTENCES.keys()
    assert [kind for kind in english if german[kind] == english[kind]] == []
    assert {kind: values(german[kind]) for kind in german} == {kind: values(english[kind]) for kind in english}


def values(sentence: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)s", sentence))
