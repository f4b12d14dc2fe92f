"""What the providers of each make claim at the most, in a few numbers: tells which makes a filter can leave out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from compatibility.models import LineEntry
from compatibility.words import ELSEWHERE, POSITION, Support


@dataclass(frozen=True)
class Claim:
    """What one provider says of a make, all its lines laid together. can, full, everywhere: a bit for each ability that
    some line has at all, without a condition, and without a condition in countries that nobody names.
    """

    countries: frozenset[str]
    can: int
    full: int
    everywhere: int

    def may_hold(self, *, country: str, abilities: int, support: str) -> bool:
        """Say whether some line may fulfil a filter; False is certain."""
        if country and not self.countries & {country, ELSEWHERE}:
            return False
        offered = self.can
        if support == Support.FULL:
            offered = self.full if country else self.everywhere
        return not abilities & ~offered


NOTHING = Claim(frozenset(), 0, 0, 0)
# Stands for every provider together, but those of pretend cars.
EVERYBODY = ""
Claims = Mapping[str, Mapping[str, Claim]]


def read_claims(*, demo: Collection[str]) -> Claims:
    """Return the claims by make, in the order of their keys, and provider; in one query, for whoever keeps them.

    demo: providers that do not count among EVERYBODY; a make that only they speak of has no claim of everybody.
    """
    made: dict[str, dict[str, Claim]] = {}
    entries = LineEntry.objects.order_by().values_list("line__make_key", "provider", "supports", "countries")
    for make_key, provider, supports, countries in entries.distinct():
        can, full = _bits(supports)
        everywhere = full if ELSEWHERE in countries else 0
        of_make = made.setdefault(make_key, {})
        for name in (provider,) if provider in demo else (provider, EVERYBODY):
            before = of_make.get(name, NOTHING)
            of_make[name] = Claim(
                before.countries.union(countries), before.can | can, before.full | full, before.everywhere | everywhere
            )
    return dict(sorted(made.items()))


def bits_of(abilities: tuple[str, ...]) -> int:
    return sum(1 << POSITION[ability] for ability in abilities)


@lru_cache(maxsize=4096)
def _bits(supports: str) -> tuple[int, int]:
    full = sum(1 << place for place, letter in enumerate(supports) if letter == "f")
    return full | sum(1 << place for place, letter in enumerate(supports) if letter == "p"), full
