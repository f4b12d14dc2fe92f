"""Facts about car models from data/: which model a make and a name mean, and what its battery and chargers can do."""

import csv
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "data"
POWERTRAINS = ("BEV", "PHEV", "HEV", "ICE")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    powertrain: str
    battery_kwh: float
    max_ac_kw: float
    max_dc_kw: float


_TYPICAL = {
    "BEV": ModelFacts("BEV", 60.0, 11.0, 120.0),
    "PHEV": ModelFacts("PHEV", 11.0, 3.7, 0.0),
    "HEV": ModelFacts("HEV", 0.0, 0.0, 0.0),
    "ICE": ModelFacts("ICE", 0.0, 0.0, 0.0),
}


def _fold(words: str) -> str:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return "".join(character for character in plain if character.isalnum())


@cache
def _models() -> dict[str, list[tuple[str, int, ModelFacts]]]:
    by_make: dict[str, list[tuple[str, int, ModelFacts]]] = {}
    with (_FOLDER / "models.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            typical = _TYPICAL[row["powertrain"]]
            facts = ModelFacts(
                powertrain=row["powertrain"],
                battery_kwh=float(row["battery_kwh_usable"] or typical.battery_kwh),
                max_ac_kw=float(row["max_ac_kw"] or typical.max_ac_kw),
                max_dc_kw=float(row["max_dc_kw"] or 0.0),
            )
            by_make.setdefault(_fold(row["make"]), []).append((_fold(row["model"]), int(row["year_from"]), facts))
    return by_make


@cache
def _manufacturer_codes() -> dict[str, list[str]]:
    by_make: dict[str, list[str]] = {}
    with (_FOLDER / "wmi.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            by_make.setdefault(_fold(row["make"]), []).append(row["wmi"])
    return by_make


def find_facts(*, make: str, model: str, year: int, powertrain: str | None = None) -> ModelFacts:
    """Return the facts of the nearest known model: the same name, else the longest name one of which begins the other.

    A model that is not known gets typical figures for its powertrain, battery-electric when that is not said either.
    """
    wanted = _fold(model)
    best: ModelFacts | None = None
    best_rank: tuple[bool, int, bool, int] | None = None
    for name, year_from, facts in _models().get(_fold(make), ()):
        related = name == wanted or wanted.startswith(name) or (wanted != "" and name.startswith(wanted))
        if not related or (powertrain is not None and facts.powertrain != powertrain):
            continue
        rank = (name == wanted, -abs(len(name) - len(wanted)), year_from <= year, year_from)
        if best_rank is None or rank > best_rank:
            best, best_rank = facts, rank
    return best or _TYPICAL[powertrain or "BEV"]


def find_manufacturer_code(make: str, *, serial: int = 0) -> str | None:
    """Return one of the make's codes, or None for a make without one here."""
    codes = _manufacturer_codes().get(_fold(make))
    return codes[serial % len(codes)] if codes else None
