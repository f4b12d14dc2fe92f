"""Whether a command can be offered now: the car, the consent, the connection and the role, in that order of honesty."""

from dataclasses import dataclass
from typing import Any

from fleet.adapters.commands import KINDS
from fleet.adapters.registry import get_adapter
from fleet.adapters.rules import Number
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.vehicles.models import ProviderAccount, VehicleLink
from fleet.vehicles.services import allowed_scopes


@dataclass(frozen=True)
class Availability:
    """One command on one car for one person.

    code: "" when it is offered; else not_offered, not_equipped, not_capable, no_consent, needs_owner,
    connection_ended or role. is_certain: the maker said that this car can do it; False means nobody knows.
    ranges: the limits of its parameters, narrowed by the car.
    """

    kind: str
    code: str
    is_certain: bool
    ranges: dict[str, Number]

    @property
    def is_offered(self) -> bool:
        return not self.code


def check_availability(link: VehicleLink | None, membership: Membership) -> dict[str, Availability]:
    """Return the availability of every command of the vocabulary, in one query. Asks no maker.

    Facts about the car come first, since they tell most: a role may be changed, a missing trunk motor may not.
    """
    scopes = allowed_scopes(link) if link is not None else frozenset()
    return {kind: _check(kind, link, scopes, membership) for kind in KINDS}


def _check(kind: str, link: VehicleLink | None, scopes: frozenset[str], membership: Membership) -> Availability:
    if link is None or not link.is_live:
        return Availability(kind, "connection_ended", is_certain=True, ranges={})
    capability = link.capability(kind)
    code = (
        _code_of_car(kind, link, capability)
        or ("" if KINDS[kind].scope in scopes else "no_consent")
        or ("" if link.connection.account.status == ProviderAccount.Status.ACTIVE else "needs_owner")
        or ("" if membership.may(Permission.COMMAND) else "role")
    )
    return Availability(kind, code, is_certain=capability["answer"] != "unknown", ranges=_ranges(kind, capability))


def _code_of_car(kind: str, link: VehicleLink, capability: dict[str, Any]) -> str:
    if kind not in get_adapter(link.connection.account.app.provider).manifest.commands:
        return "not_offered"
    if capability["answer"] == "no":
        return "not_equipped" if capability.get("why") == "not_equipped" else "not_capable"
    return ""


def _ranges(kind: str, capability: dict[str, Any]) -> dict[str, Number]:
    given = capability.get("ranges") or {}
    return {
        name: _narrowed(widest, *given[name]) if name in given else widest
        for name, widest in KINDS[kind].ranges.items()
    }


def _narrowed(widest: Number, minimum: float, maximum: float, step: float) -> Number:
    return Number(minimum, maximum, step, widest.unit)
