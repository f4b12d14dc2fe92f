"""Can this connected car do it? What its maker said of this very car, else what is declared of cars like it.

The one place where the two are weighed: buttons, previews of jobs, Connect, the list of a fleet and the API ask here.
What runs have measured never changes an answer; it stands beside it (compatibility.measured).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from compatibility.lookup import Car, Declared, declared_for
from compatibility.words import ABILITIES, Support
from fleet.adapters.commands import KINDS
from fleet.adapters.registry import get_adapter
from fleet.teams.models import Team
from fleet.vehicles.models import Vehicle, VehicleLink


@dataclass(frozen=True)
class Answer:
    """One ability of one connected car.

    layer: who says so: "adapter" (Fleetwell's adapter has no such command), "car" (the maker, of this car), "declared"
    (of cars like it, with date and source) or "" (nobody). why: the maker's code (not_equipped, needs_pairing, …), or
    not_offered. checked_at: when the maker was asked, ISO 8601, "" where it was not. disagreement: "car_says_no" or
    "car_says_yes" where this car's maker and what is declared say the opposite. provider: through whom, by its name.
    """

    ability: str
    support: Support
    layer: str
    why: str
    checked_at: str
    declared: Declared
    disagreement: str = ""
    provider: str = ""

    @property
    def can(self) -> bool | None:
        """Return whether it can, perhaps with a condition; None where nobody knows."""
        return None if self.support is Support.UNKNOWN else self.support is not Support.NONE


def car_of(vehicle: Vehicle, team: Team) -> Car:
    """Return a vehicle as the lookup takes it; a car that says no country is at home where its team is."""
    return Car(vehicle.make, vehicle.model, vehicle.year, vehicle.powertrain, vehicle.country or team.country)


def answers_for(links: Iterable[VehicleLink]) -> dict[UUID, dict[str, Answer]]:
    """Return by link what its car can do, for every ability of the vocabulary. Asks no maker; two queries for all.

    links: with vehicle, vehicle.team and connection.account.app at hand (select_related).
    """
    links = list(links)
    asked = {link.id: (link.connection.account.app.provider, car_of(link.vehicle, link.vehicle.team)) for link in links}
    declared = declared_for(asked.values())
    return {
        link.id: {
            ability: weigh(link.capabilities.get(ability), declared[asked[link.id]][ability], asked[link.id][0])
            for ability in ABILITIES
        }
        for link in links
    }


def answers_of_commands(
    provider: str, car: Callable[[], Car], capabilities: Mapping[str, Mapping[str, Any]]
) -> dict[str, Answer]:
    """Return what one car can do, for every command. What is declared is looked up, in two queries, only if the car's
    maker did not say of all commands of the adapter whether this very car has them.

    car: asked for only then. capabilities: as a link keeps them.
    """
    silent = [kind for kind in get_adapter(provider).manifest.commands if not is_said(capabilities.get(kind))]
    declared = {}
    if silent:
        asked = (provider, car())
        declared = declared_for([asked], abilities=silent)[asked]
    return {
        kind: weigh(capabilities.get(kind), declared.get(kind) or Declared(kind, Support.UNKNOWN), provider)
        for kind in KINDS
    }


def is_said(capability: Mapping[str, Any] | None) -> bool:
    """Say whether a car's maker has said yes or no."""
    return capability is not None and capability["answer"] != "unknown"


def weigh(capability: Mapping[str, Any] | None, declared: Declared, provider: str) -> Answer:
    """Return the answer that two layers give together. capability: as a link keeps it, None where nobody was asked."""
    ability, capability = declared.ability, capability or {}
    checked_at, why = str(capability.get("checked_at", "")), str(capability.get("why", ""))
    manifest = get_adapter(provider).manifest
    if ability in KINDS and ability not in manifest.commands:
        return Answer(ability, Support.NONE, "adapter", "not_offered", "", declared, provider=manifest.name)
    match capability.get("answer", "unknown"):
        case "no":
            contrary = "car_says_no" if declared.support is Support.FULL else ""
            return Answer(ability, Support.NONE, "car", why, checked_at, declared, contrary)
        case "yes":
            contrary = "car_says_yes" if declared.support is Support.NONE else ""
            return Answer(ability, Support.FULL, "car", why, checked_at, declared, contrary)
    return Answer(ability, declared.support, "declared" if declared.about else "", why, checked_at, declared)
