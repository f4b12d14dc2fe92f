"""One answer as plain values for machines: the same facts and the same words as on the page."""

from __future__ import annotations

from typing import Any

from compatibility.asking import Answer, Said
from compatibility.facts_of_providers import Provider, condition_text, vocabulary
from compatibility.measured import Asked, Measured, disagreement, measured_for
from compatibility.sentences import in_one, verdict_of, ways_round


def answer_object(answer: Answer) -> dict[str, Any]:
    """Return an answer; `sentence` says it all to a person."""
    car, best = answer.car, answer.best
    measured = measured_for(None, [_asked(answer, one) for one in answer.said])
    return {
        "car": {
            "make": car.make,
            "model": car.model or None,
            "year": car.year,
            "engine": car.engine or None,
            "country": car.country or None,
        },
        "command": answer.ability,
        "verdict": verdict_of(answer),
        "support": answer.support.value,
        **_facts(best, depends=bool(answer.depends)),
        "depends_on": [split.by for split in answer.depends],
        "sentence": in_one(answer),
        "ways_round": ways_round(answer),
        "providers": [
            {
                "support": one.declared.support.value,
                **_facts(one),
                "measured": _measured(one, measured[_asked(answer, one)]),
            }
            for one in answer.said
        ],
    }


def _facts(said: Said | None, *, depends: bool = False) -> dict[str, Any]:
    if said is None or depends:
        return {"provider": None, "condition": "", "as_of": None, "source": None, "about": ""}
    declared = said.declared
    return {
        "provider": _provider(said.provider),
        "condition": condition_text(declared.condition),
        "as_of": f"{declared.as_of:%Y-%m}" if declared.as_of else None,
        "source": _source(declared.source),
        "about": declared.about,
    }


def _provider(provider: Provider) -> dict[str, Any]:
    return {
        "key": provider.key,
        "name": provider.name,
        "kind": provider.kind.value,
        "has_adapter": provider.has_adapter,
    }


def _source(key: str) -> dict[str, str] | None:
    source = vocabulary().sources.get(key)
    return {"key": key, "title": source.title, "url": source.url, "licence": source.licence} if source else None


def _asked(answer: Answer, said: Said) -> Asked:
    car = answer.car
    return Asked(said.provider.key, car.make, car.model, car.year, car.country, answer.ability)


def _measured(said: Said, measured: Measured) -> dict[str, Any] | None:
    """Return what the runs of teams that share theirs have shown; a team's own are nobody else's."""
    runs = measured.shared
    if runs is None:
        return None
    return {
        "runs": runs.runs,
        "confirmed": runs.confirmed,
        "cars": runs.cars,
        "teams": runs.teams,
        "median_s": runs.median_s,
        "p90_s": runs.p90_s,
        "sentence": runs.words,
        "disagreement": disagreement(said.declared.support, measured),
    }
