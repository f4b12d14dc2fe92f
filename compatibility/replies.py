"""From the text of a question to its answers: what is known by name now, what was understood, what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils import translation

from compatibility.asking import Answer, answers_about
from compatibility.catalog import Catalog, current_catalog
from compatibility.facts_of_providers import makes_by_key, vocabulary
from compatibility.lookup import Car
from compatibility.questions import Names, Question, country_names, read_question
from compatibility.words import CONTROLS, plain
from fleet.countries import COUNTRIES


@dataclass(frozen=True)
class Reply:
    """What a question comes to. problem: "" or why there is no answer: "empty", "which_make", "which_model"."""

    question: Question
    car: Car
    answers: tuple[Answer, ...] = ()
    problem: str = ""


def reply_to(text: str, *, country: str = "") -> Reply:
    """Return the answers to a question. country: where the asker's cars are, for a question that names none."""
    question = read_question(text, names_of(current_catalog()))
    car = Car(
        question.make,
        question.model or question.typed_model,
        question.year,
        question.engine,
        question.country or country,
    )
    problem = _problem(question)
    if problem:
        return Reply(question, car, problem=problem)
    answers = answers_about(car, question.abilities or CONTROLS, provider=question.provider)
    if not question.abilities:
        answers = [answer for answer in answers if answer.said]
    return Reply(question, car, tuple(answers))


def _problem(question: Question) -> str:
    if not question.text.strip():
        return "empty"
    if not question.make:
        return "which_make"
    # A slip of the keys would be answered for another car.
    return "which_model" if question.is_typo else ""


_kept: tuple[str, Names] | None = None


def names_of(catalog: Catalog) -> Names:
    """Return everything that can be called by name, kept until other data is loaded."""
    global _kept  # replaced as a whole: who reads it sees the old one or the new one
    kept = _kept
    if kept is None or kept[0] != catalog.digest:
        makes = {key: make.name for key, make in makes_by_key().items()} | dict(catalog.makes)
        models = {catalog.makes[key]: known for key, known in catalog.models.items()}
        kept = _kept = (catalog.digest, Names(makes, models, _countries(), _providers(makes)))
    return kept[1]


def _countries() -> dict[str, str]:
    named = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            named += [(str(name), code) for code, name in COUNTRIES.items()]
    return country_names(named)


def _providers(makes: dict[str, str]) -> dict[str, str]:
    known = {}
    for provider in vocabulary().providers.values():
        for name in (provider.key, provider.name, provider.name.partition(" (")[0]):
            # A provider called like a make would take the make's name out of the question.
            if plain(name) not in makes:
                known[plain(name)] = provider.key
    return known
