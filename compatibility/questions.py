"""Reads a question as people type it: "2022 VW ID.4 Germany unlock". Pure: what is known by name is handed in.

Every word is taken for something or told as not understood. None is guessed: what is nearly a name is offered as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeVar

from compatibility.question_words import (
    ABILITIES_BY_PHRASE,
    COUNTRIES_BY_PHRASE,
    ENGINES_BY_PHRASE,
    SILENT,
    TURNED,
)
from compatibility.words import plain
from fleet.countries import COUNTRIES

MAX_LENGTH = 200
LONGEST_PHRASE = 5
FIRST_YEAR, LAST_YEAR = 1990, 2100
# Two names are called near when they share so much; below that a guess would only confuse.
NEAR, SLIP, MOST_NEAR = 0.7, 0.8, 4
Meant = TypeVar("Meant")
_WORD = re.compile(r"[^\s,;:?!()\"„“”/&+]+")
_POSSESSIVE = re.compile(r"['’]s$")
_YEAR = re.compile(r"(?:my|bj\.?)?(\d{4})(?:er)?", re.IGNORECASE)


@dataclass(frozen=True)
class Names:
    """What is known by name. makes: plain name or alias to name. models: make to (plain name to name). countries: plain
    name to code, in every language. providers: plain name to key.
    """

    makes: Mapping[str, str]
    models: Mapping[str, Mapping[str, str]]
    countries: Mapping[str, str]
    providers: Mapping[str, str]

    def makes_of_model(self, model: str) -> list[str]:
        """Return every make that has a model of this plain name."""
        return sorted(make for make, models in self.models.items() if model in models)


@dataclass(frozen=True)
class Near:
    """A name that was perhaps meant by a word: a make, or a model with its make."""

    word: str
    make: str
    model: str = ""


@dataclass(frozen=True)
class Question:
    """What was asked. Empty: not said. not_understood: words as typed; near: names that they may have meant.

    typed_model: words after a make that are no model we know by name. is_typo: they are so close to one that an answer
    would be about another car.
    """

    text: str
    make: str = ""
    model: str = ""
    typed_model: str = ""
    is_typo: bool = False
    year: int | None = None
    country: str = ""
    engine: str = ""
    abilities: tuple[str, ...] = ()
    provider: str = ""
    not_understood: tuple[str, ...] = ()
    near: tuple[Near, ...] = ()


@dataclass
class _Words:
    """The words of a question, each taken at most once."""

    words: list[str]
    taken: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.taken = [False] * len(self.words)

    def phrases(self) -> Iterator[tuple[int, int, str]]:
        """Yield (begin, end, plain phrase) of what is not taken, longest first, then from the left."""
        for length in range(min(LONGEST_PHRASE, len(self.words)), 0, -1):
            for begin in range(len(self.words) - length + 1):
                phrase = plain("".join(self.words[begin : begin + length]))
                if phrase and not any(self.taken[begin : begin + length]):
                    yield begin, begin + length, phrase

    def take(self, begin: int, end: int) -> None:
        self.taken[begin:end] = [True] * (end - begin)

    def left(self) -> list[str]:
        return [word for word, taken in zip(self.words, self.taken, strict=True) if not taken and plain(word)]


def read_question(text: str, names: Names) -> Question:
    """Return what a question asks for."""
    words = _Words([_POSSESSIVE.sub("", word).strip(".'’") for word in _WORD.findall(text[:MAX_LENGTH])])
    make, place = _find_make(words, names)
    # The model may begin with the make's other name, as the Range Rover Evoque does.
    model, make = _take_model(words, names, make, place[1])
    words.take(*place)
    provider = next(iter(_take_all(words, names.providers, most=1)), "")
    years = _take_years(words)
    countries = _take_codes(words) + _take_all(words, names.countries)
    abilities = list(dict.fromkeys(one for meant in _take_all(words, ABILITIES_BY_PHRASE) for one in meant))
    engines = _take_all(words, ENGINES_BY_PHRASE)
    abilities = _turn(words, abilities)
    for begin, end, phrase in words.phrases():
        if end - begin == 1 and phrase in SILENT:
            words.take(begin, end)
    left = words.left()
    near, is_typo = _find_near(left, names, make=make, has_model=bool(model))
    # One of each: a second one would be a second question.
    beyond = [str(one) for several in (years, countries, engines) for one in _beyond(several)]
    return Question(
        text=text,
        make=make,
        model=model,
        typed_model=" ".join(left) if make and not model else "",
        is_typo=is_typo,
        year=years[0] if years else None,
        country=countries[0] if countries else "",
        engine=engines[0] if engines else "",
        abilities=tuple(abilities),
        provider=provider,
        not_understood=(*left, *beyond),
        near=near,
    )


def country_names(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return plain names of countries to codes: of (name, code) in every language, and what people say besides."""
    return {**{plain(name): code for name, code in named}, **COUNTRIES_BY_PHRASE}


def _beyond(several: Sequence[object]) -> list[object]:
    return [one for one in dict.fromkeys(several) if one != several[0]]


def _find_make(words: _Words, names: Names) -> tuple[str, tuple[int, int]]:
    for begin, end, phrase in words.phrases():
        if phrase in names.makes:
            return names.makes[phrase], (begin, end)
    return "", (0, 0)


def _take_model(words: _Words, names: Names, make: str, behind_make: int) -> tuple[str, str]:
    """Return the model and its make; a model that only one make has says the make as well."""
    found: list[tuple[int, int, str, str]] = []
    for begin, end, phrase in words.phrases():
        word = "".join(words.words[begin:end])
        if phrase in SILENT and not word.isupper():  # "is the Lexus IS"
            continue
        # Without a make a single letter, a number or a word for something else is no model.
        if not make and (len(phrase) < 2 or phrase.isdigit() or phrase in ABILITIES_BY_PHRASE or word in COUNTRIES):
            continue
        owners = [make] if make else names.makes_of_model(phrase)
        if len(owners) == 1 and (name := names.models.get(owners[0], {}).get(phrase)):
            found.append((begin, end, name, owners[0]))
    # "2008 Peugeot 208": what can be a year or a country is one as soon as something else can be the model.
    surely = [one for one in found if not _is_other("".join(words.words[one[0] : one[1]]))]
    # Else it is what follows the make: "Lexus IS in ES".
    found.sort(key=lambda one: one[0] != behind_make)
    for begin, end, name, owner in (surely or found)[:1]:
        words.take(begin, end)
        return name, owner
    return "", make


def _is_other(word: str) -> bool:
    return bool(_YEAR.fullmatch(word)) or word in COUNTRIES


def _take_codes(words: _Words) -> list[str]:
    """Take codes of countries; what is also a word of a language is one only in capitals: "in", "it", "at"."""
    is_shouted = all(word.upper() == word for word in words.words)
    found = []
    for place, word in enumerate(words.words):
        code = word.replace(".", "").upper()
        is_word = plain(word) in SILENT and (is_shouted or not word.isupper())
        if code in COUNTRIES and not is_word and not words.taken[place]:
            words.take(place, place + 1)
            found.append(code)
    return found


def _take_all(words: _Words, known: Mapping[str, Meant], most: int | None = None) -> list[Meant]:
    """Take every phrase that is known and return what each means, as they stand in the question."""
    found: list[tuple[int, Meant]] = []
    for begin, end, phrase in words.phrases():
        if phrase in known and len(found) != most:
            words.take(begin, end)
            found.append((begin, known[phrase]))
    return [meant for _, meant in sorted(found, key=lambda one: one[0])]


def _take_years(words: _Words) -> list[int]:
    found = []
    for place, word in enumerate(words.words):
        match = _YEAR.fullmatch(word)
        if match and not words.taken[place] and FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
            words.take(place, place + 1)
            found.append(int(match[1]))
    return found


def _turn(words: _Words, abilities: list[str]) -> list[str]:
    """Return the abilities as a verb that stands by itself turns them: off, close, remove."""
    for verbs, turned in TURNED:
        for begin, end, phrase in words.phrases():
            if phrase in verbs and (not abilities if "" in turned else turned.keys() & abilities):
                words.take(begin, end)
                abilities = [turned.get(one, one) for one in abilities] or [turned[""]]
    return abilities


def _find_near(left: list[str], names: Names, *, make: str, has_model: bool) -> tuple[tuple[Near, ...], bool]:
    """Return what the words that are left may have meant, and whether one is so close that it is a slip of the keys."""
    if not left or has_model:
        return (), False
    typed = " ".join(left)
    if make:
        return _find_near_models(typed, make, names.models.get(make, {}))
    owned: dict[str, list[Near]] = {}
    for owner, models in names.models.items():
        for key, name in models.items():
            owned.setdefault(key, []).append(Near("", owner, name))
    close: list[Near] = []
    for word in dict.fromkeys([typed, *left]):
        close += [Near(word, names.makes[key]) for key in _close(word, names.makes)]
        wanted = plain(word)
        begins = [key for key in owned if len(wanted) > 2 and key.startswith(wanted)]
        keys = [wanted] if wanted in owned else dict.fromkeys([*begins, *_close(word, owned)])
        close += [Near(word, one.make, one.model) for key in keys for one in owned[key]]
    return _once(close), False


def _find_near_models(typed: str, make: str, models: Mapping[str, str]) -> tuple[tuple[Near, ...], bool]:
    wanted = plain(typed)
    # Another number is another model: nobody types ID.7 for ID.4.
    slips = [key for key in _close(typed, models, SLIP) if _digits(key) == _digits(wanted)]
    begins = [key for key in models if len(wanted) > 1 and key.startswith(wanted)]
    keys = dict.fromkeys([*slips, *begins, *_close(typed, models)])
    return _once(Near(typed, make, models[key]) for key in keys), bool(slips)


def _digits(key: str) -> str:
    return "".join(letter for letter in key if letter.isdigit())


def _close(word: str, known: Mapping[str, object], cutoff: float = NEAR) -> list[str]:
    wanted = plain(word)
    return get_close_matches(wanted, known, n=MOST_NEAR, cutoff=cutoff) if 3 <= len(wanted) <= 40 else []


def _once(close: Iterable[Near]) -> tuple[Near, ...]:
    kept: dict[tuple[str, str], Near] = {}
    for near in close:
        kept.setdefault((near.make, near.model), near)
    return tuple(kept.values())[:MOST_NEAR]
