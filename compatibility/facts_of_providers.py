"""What the data is written in: providers, sources, makes and regions by name, and conditions in other languages."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from django.utils.translation import get_language

from compatibility.words import ProviderKind, plain
from fleet.adapters.registry import ADAPTERS
from fleet.countries import COUNTRIES

Word = TypeVar("Word")

DATA = Path(__file__).parent / "data"


class BrokenFile(Exception):
    """A file of words cannot be read. line is 0 where the file as a whole is meant."""

    def __init__(self, file: str, line: int, text: str) -> None:
        super().__init__(text)
        self.file, self.line, self.text = file, line, text


@dataclass(frozen=True)
class Provider:
    """Whoever passes commands on to cars: a maker's own interface, a broker, a library. See words.ProviderKind."""

    key: str
    name: str
    kind: ProviderKind
    url: str

    @property
    def is_demo(self) -> bool:
        return self.kind is ProviderKind.SIMULATOR

    @property
    def has_adapter(self) -> bool:
        """Say whether Fleetwell can speak to it; what has none is only known of."""
        return self.key in ADAPTERS


@dataclass(frozen=True)
class Source:
    """Where facts were read, and under which licence. note: what has to be said with them."""

    key: str
    title: str
    url: str
    licence: str
    note: str = ""


@dataclass(frozen=True)
class Make:
    name: str
    aliases: tuple[str, ...]

    @property
    def key(self) -> str:
        return plain(self.name)


@dataclass(frozen=True)
class Vocabulary:
    """The words that the files of providers may use. countries: two letters each; regions: lists of them by name."""

    providers: Mapping[str, Provider]
    sources: Mapping[str, Source]
    makes: Mapping[str, Make]
    regions: Mapping[str, list[str]]
    countries: frozenset[str]


def read_vocabulary(folder: Path) -> Vocabulary:
    """Return the vocabulary of a folder of data. Raises BrokenFile."""
    return Vocabulary(
        providers=_read(
            folder / "providers.toml",
            lambda key, row: Provider(key, row["name"], ProviderKind(row["kind"]), row.get("url", "")),
        ),
        sources=_read(
            folder / "sources.toml",
            lambda key, row: Source(key, row["title"], row["url"], row["licence"], row.get("note", "")),
        ),
        makes=_read(folder / "makes.toml", lambda name, row: Make(name, tuple(row.get("aliases", ())))),
        regions=_read(folder / "regions.toml", lambda _, countries: _known(countries.split())),
        countries=frozenset(COUNTRIES),
    )


def _read(file: Path, make: Callable[[str, Any], Word]) -> dict[str, Word]:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        line = re.search(r"at line (\d+)", str(error))
        raise BrokenFile(file.name, int(line[1]) if line else 0, str(error)) from error
    found = {}
    for name, row in tables.items():
        try:
            found[name] = make(name, row)
        except (KeyError, ValueError, AttributeError, TypeError) as error:
            raise BrokenFile(file.name, 0, f"[{name}]: {error!r}") from error
    return found


def _known(countries: list[str]) -> list[str]:
    unknown = set(countries) - set(COUNTRIES)
    if unknown:
        raise ValueError(f"unknown countries {sorted(unknown)}")
    return countries


@cache
def vocabulary() -> Vocabulary:
    """Return the product's own vocabulary, read once per process."""
    return read_vocabulary(DATA)


def broker_name(key: str) -> str:
    """Return the name of a provider that stands between us and the makers; "" for a maker's own."""
    provider = vocabulary().providers.get(key)
    return provider.name if provider is not None and provider.kind is ProviderKind.BROKER else ""


@cache
def makes_by_key() -> Mapping[str, Make]:
    """Return every make by the key of its name and of each alias."""
    return {plain(name): make for make in vocabulary().makes.values() for name in (make.name, *make.aliases)}


def find_make(name: str) -> Make | None:
    """Return the make that a name or an alias means, however it is written; None when it is not known."""
    return makes_by_key().get(plain(name))


@cache
def _conditions(language: str) -> Mapping[str, str]:
    file = DATA / f"conditions.{language}.csv"
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as stream:
        return {row["en"]: row[language] for row in csv.DictReader(stream)}


def condition_text(condition: str) -> str:
    """Return a condition in the reader's language; what is not translated stays English."""
    translated = _conditions((get_language() or "en").split("-")[0])
    return "; ".join(translated.get(phrase, phrase) for phrase in condition.split("; ")) if condition else ""
