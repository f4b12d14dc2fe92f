"""Whether a command can be offered now: the car, the consent, the connection, the role, and the rules of the team."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from commands.rules.check import Rule, find_broken, load_rules, signals_of
from compatibility.answers import Answer, answers_of_commands, car_of
from fleet.adapters.commands import KINDS
from fleet.adapters.rules import Number
from fleet.adapters.signals import SIGNALS
from fleet.teams.deletion import is_closing
from fleet.teams.models import Membership
from fleet.vehicles.consent import allowed_scopes
from fleet.vehicles.models import ProviderAccount, Vehicle, VehicleLink
from fleet.vehicles.readings import Readings, readings_of


@dataclass(frozen=True)
class Availability:
    """One command on one car for one person.

    code: "" when it is offered; else team_closing, not_offered, not_equipped, not_capable, needs_pairing, not_declared,
    no_consent, needs_owner, connection_ended, role, off_hours or rule. is_certain: the maker said of this very car
    whether it can; else `answer` says what is declared of cars like it, or that nobody knows. ranges: the limits of its
    parameters, narrowed by the car. rule: the team's rule that blocks it now.
    """

    kind: str
    code: str
    is_certain: bool
    ranges: dict[str, Number]
    rule: Rule | None = None
    answer: Answer | None = None

    @property
    def is_offered(self) -> bool:
        return not self.code


def check_availability(
    link: VehicleLink | None,
    membership: Membership,
    *,
    vehicle: Vehicle | None = None,
    state: Readings | None = None,
) -> dict[str, Availability]:
    """Return the availability of every command of the vocabulary, in two queries; asks no maker. Two more where the
    maker did not say of this very car what it can: then what is declared of cars like it is looked up.

    vehicle, state: of the link's car, where they are loaded already; else they are fetched if a rule asks for them.
    Facts about the car come first, since they tell most: a role may be changed, a missing trunk motor may not.
    """
    scopes = allowed_scopes(link) if link is not None else frozenset()
    answers = _answers(link, vehicle, membership) if link is not None else {}
    available = {kind: _check(kind, link, answers.get(kind), scopes, membership) for kind in KINDS}
    if link is None or not any(availability.is_offered for availability in available.values()):
        return available
    rules = load_rules([membership.team_id])[membership.team_id]
    if rules:
        vehicle = vehicle or link.vehicle
        readings = _readings(rules, vehicle, state, scopes)
        for kind, availability in available.items():
            if availability.is_offered:
                available[kind] = _check_rules(availability, rules, readings, vehicle, membership)
    return available


def _check_rules(
    availability: Availability,
    rules: Sequence[Rule],
    readings: dict[str, tuple[Any, datetime]],
    vehicle: Vehicle,
    membership: Membership,
) -> Availability:
    broken = find_broken(
        rules,
        kind=availability.kind,
        readings=readings,
        at=timezone.now(),
        time_zone=vehicle.time_zone or membership.team.time_zone,
        guest_until=vehicle.guest_until,
        may_look=True,
    )
    return availability if broken is None else dataclasses.replace(availability, code="rule", rule=broken)


def _readings(
    rules: Sequence[Rule], vehicle: Vehicle, state: Readings | None, scopes: frozenset[str]
) -> dict[str, tuple[Any, datetime]]:
    """Return the readings that the rules ask for, as far as the owner allows them to be read now."""
    wanted = [name for name in signals_of(rules) if name == "online_state" or SIGNALS[name].scope in scopes]
    if not wanted:
        return {}
    state = state or readings_of(vehicle)
    found = {name: getattr(state, name) for name in wanted}
    return {name: (reading.value, reading.observed_at) for name, reading in found.items() if reading is not None}


def _answers(link: VehicleLink, vehicle: Vehicle | None, membership: Membership) -> dict[str, Answer]:
    return answers_of_commands(
        link.connection.account.app.provider,
        lambda: car_of(vehicle or link.vehicle, membership.team),
        link.capabilities,
    )


def _check(
    kind: str, link: VehicleLink | None, answer: Answer | None, scopes: frozenset[str], membership: Membership
) -> Availability:
    if is_closing(membership.team):
        return Availability(kind, "team_closing", is_certain=True, ranges={})
    if link is None or answer is None or not link.is_live:
        return Availability(kind, "connection_ended", is_certain=True, ranges={})
    code = (
        code_of_answer(answer)
        or ("" if KINDS[kind].scope in scopes else "no_consent")
        or ("" if link.connection.account.status == ProviderAccount.Status.ACTIVE else "needs_owner")
        or ("" if membership.may_send(kind) else "role")
        or ("" if membership.is_at_work(timezone.now()) else "off_hours")
    )
    ranges = _ranges(kind, link.capability(kind))
    return Availability(kind, code, is_certain=answer.layer in {"car", "adapter"}, ranges=ranges, answer=answer)


def code_of_answer(answer: Answer) -> str:
    """Return why a car that gave this answer can't be sent the command, or ""."""
    if answer.can is not False:
        return ""
    if answer.layer == "adapter":
        return "not_offered"
    if answer.layer == "declared":
        return "not_declared"
    return answer.why if answer.why in {"not_equipped", "needs_pairing"} else "not_capable"


def _ranges(kind: str, capability: dict[str, Any]) -> dict[str, Number]:
    given = capability.get("ranges") or {}
    return {
        name: _narrowed(widest, *given[name]) if name in given else widest
        for name, widest in KINDS[kind].ranges.items()
    }


def _narrowed(widest: Number, minimum: float, maximum: float, step: float) -> Number:
    return Number(minimum, maximum, step, widest.unit)
