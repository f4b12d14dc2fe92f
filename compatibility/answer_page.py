"""What the page of a question shows: each answer in sentences, and below it what each provider says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from compatibility.asking import Answer, Said
from compatibility.facts_of_providers import Provider, Source, condition_text, vocabulary
from compatibility.measured import NOTHING, Asked, Measured, disagreement, measured_for
from compatibility.questions import Near, Question
from compatibility.replies import Reply
from compatibility.sentences import VERDICTS, about_of, car_text, main_sentences, month, verdict_of, ways_round
from compatibility.table import ANY_MODEL
from compatibility.titles import TITLES
from compatibility.words import CONTROLS, Support, plain

# Tone and icon of a verdict, and of a support.
SIGNS = {
    "yes": ("ok", "check"),
    "yes_if": ("warn", "info"),
    "no": ("", "minus"),
    "unknown": ("", "question"),
    "depends": ("accent", "info"),
}
SIGNS_OF_SUPPORT = {
    Support.FULL: SIGNS["yes"],
    Support.PARTIAL: SIGNS["yes_if"],
    Support.NONE: SIGNS["no"],
    Support.UNKNOWN: SIGNS["unknown"],
}


@dataclass(frozen=True)
class ProviderRow:
    """What one provider says of one ability."""

    provider: Provider
    tone: str
    icon: str
    words: str
    condition: str
    as_of: str
    source: Source | None
    about: str
    measured: Measured
    contradicts: str


@dataclass(frozen=True)
class AnswerCard:
    """One answer. measured: of the provider that gives it; is_measured: it is a command, which runs can show."""

    title: str
    icon: str
    verdict: str
    tone: str
    sign: str
    sentences: Sequence[str]
    ways: Sequence[str]
    rows: Sequence[ProviderRow]
    measured: Measured
    contradicts: str
    is_measured: bool


@dataclass(frozen=True)
class Perhaps:
    """A name that may have been meant, with the address of the question put right."""

    name: str
    address: str


@dataclass(frozen=True)
class AnswerPage:
    """What templates/compatibility/_answer.html shows. unnamed: a model that nothing names, answered for its make."""

    text: str
    car: str
    cards: Sequence[AnswerCard]
    problem: str
    not_understood: str
    unnamed: str
    perhaps: Sequence[Perhaps]
    is_every_command: bool
    address: str
    car_address: str


def make_answer_page(reply: Reply, *, team_id: UUID | None) -> AnswerPage:
    """Return the page of a reply. team_id: whose own runs stand beside it."""
    question = reply.question
    asked = {_asked(answer, said) for answer in reply.answers for said in answer.said}
    measured = measured_for(team_id, sorted(asked, key=repr)) if asked else {}
    return AnswerPage(
        text=question.text,
        car=car_text(reply.car) if question.make else "",
        cards=[_card(answer, measured) for answer in reply.answers],
        problem=reply.problem,
        not_understood=_not_understood(question),
        unnamed=question.typed_model if reply.answers else "",
        perhaps=[_perhaps(question, near) for near in question.near],
        is_every_command=not question.abilities,
        address=ask_address(question.text),
        car_address=_car_address(reply),
    )


def ask_address(text: str) -> str:
    """Return the address of a question."""
    return f"{reverse('compatibility:ask')}?{urlencode({'q': text})}"


def _card(answer: Answer, measured: dict[Asked, Measured]) -> AnswerCard:
    verdict = verdict_of(answer)
    tone, sign = SIGNS[verdict]
    rows = [_row(said, measured[_asked(answer, said)]) for said in answer.said]
    return AnswerCard(
        title=str(TITLES[answer.ability]),
        icon=answer.ability,
        verdict=str(VERDICTS[verdict]).rstrip("."),
        tone=tone,
        sign=sign,
        sentences=main_sentences(answer),
        ways=ways_round(answer),
        rows=rows,
        measured=rows[0].measured if rows else NOTHING,
        contradicts=rows[0].contradicts if rows else "",
        is_measured=answer.ability in CONTROLS and bool(rows),
    )


def _row(said: Said, measured: Measured) -> ProviderRow:
    declared = said.declared
    tone, sign = SIGNS_OF_SUPPORT[declared.support]
    return ProviderRow(
        provider=said.provider,
        tone=tone,
        icon=sign,
        words=_("It depends") if declared.varies else str(declared.support.label),
        condition=condition_text(declared.condition),
        as_of=month(declared.as_of) if declared.as_of else "",
        source=vocabulary().sources.get(declared.source),
        about=about_of(declared),
        measured=measured,
        contradicts=disagreement(declared.support, measured),
    )


def _asked(answer: Answer, said: Said) -> Asked:
    car = answer.car
    return Asked(said.provider.key, car.make, car.model, car.year, car.country, answer.ability)


def _not_understood(question: Question) -> str:
    as_model = question.typed_model.split() if not question.is_typo else []
    return ", ".join(f"“{word}”" for word in question.not_understood if word not in as_model)


def _perhaps(question: Question, near: Near) -> Perhaps:
    """Return a name that may have been meant, and the question with it in the place of what was typed."""
    name = f"{near.make} {near.model}".strip()
    meant = near.model if question.make and near.model else name
    text = question.text
    corrected = text.replace(near.word, meant, 1) if near.word in text else f"{meant} {text}"
    return Perhaps(name, ask_address(corrected))


def _car_address(reply: Reply) -> str:
    """Return the address of the car's own page, "" where no model is known."""
    question, car = reply.question, reply.car
    if not car.model:
        return ""
    path = reverse("compatibility:car", args=[plain(question.make), plain(question.model) or ANY_MODEL])
    pairs = {"country": car.country, "engine": car.engine, "year": str(car.year or "")}
    query = urlencode({name: value for name, value in pairs.items() if value})
    return f"{path}?{query}" if query else path
