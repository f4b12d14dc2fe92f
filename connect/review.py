"""What an owner decides on: which cars can be shared, what each can't do, and what is chosen beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from compatibility.eligibility import Refusals
from connect.grants import joined_ids, usable_grant
from connect.models import Visit
from connect.owner_forms import ReviewForm
from connect.pages import NamedBrand, brand_page_url, framed, lacks
from connect.scopes import scope_lines
from connect.sealed import refusals_of, remote_vehicles
from fleet.adapters.base import RemoteVehicle
from fleet.vehicles.models import Connection, Consent, VehicleLink
from fleet.vehicles.vin import clean_vin


@dataclass(frozen=True)
class Choice:
    """What may be chosen in a pass. open_cars: those that can be ticked. usable: what the maker's grant allows.

    impossible: scopes that none of the open cars can do anything of.
    """

    cars: list[RemoteVehicle]
    open_cars: list[RemoteVehicle]
    joined: frozenset[str]
    refusals: Mapping[str, Refusals]
    usable: frozenset[str]
    optional: frozenset[str]
    impossible: frozenset[str]
    may_change: bool
    initial: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CarLine:
    """One car as its owner sees it. lacks: what it can't do, in sentences; is_unable: of what is needed."""

    id: str
    make: str
    model: str
    year: int | None
    plate: str
    vin: str
    is_chosen: bool
    is_joined: bool
    is_unable: bool
    lacks: list[str]


def read_choice(visit: Visit, *, may_change: bool) -> Choice:
    """Return what the owner of a pass may choose. A repair may always change what was shared."""
    link = visit.link
    may_change = may_change or link.repairs_id is not None
    cars, refusals = remote_vehicles(visit), refusals_of(visit)
    joined, needed = joined_ids(visit.account, visit.team_id), set(link.scopes_needed)
    open_cars = [
        car
        for car in cars
        if not needed & refusals[car.provider_vehicle_id].keys()
        and (may_change or car.provider_vehicle_id not in joined)
    ]
    usable = usable_grant(visit, visit.account, vehicle_ids=[car.provider_vehicle_id for car in open_cars]).scopes
    impossible = [frozenset(refusals[car.provider_vehicle_id]) for car in open_cars]
    unable = frozenset.intersection(*impossible) if impossible else frozenset()
    optional = (usable & frozenset(link.scopes_optional)) - unable
    initial: dict[str, Any] = {"cars": sorted(joined) if may_change else []}
    if link.repairs is not None:
        initial = _as_before(visit, link.repairs, open_cars)
        initial["scopes"] = [scope for scope in initial["scopes"] if scope in optional]
    if len(cars) == 1:
        initial["cars"] = [car.provider_vehicle_id for car in open_cars]
    return Choice(cars, open_cars, joined, refusals, usable, optional, unable & link.scopes_asked, may_change, initial)


def _as_before(visit: Visit, repaired: Connection, open_cars: list[RemoteVehicle]) -> dict[str, Any]:
    """Return cars and consents as they stood when the connection that is repaired last worked, and whose it is.

    Nothing of it to somebody who signed in to an account with none of its cars: the link may have gone astray.
    """
    owner, links = repaired.owner, VehicleLink.objects.filter(team_id=visit.team_id, connection=repaired)
    links = links.select_related("vehicle")
    ids = {link.provider_vehicle_id for link in links}
    vins = {link.vehicle.vin for link in links if link.vehicle.vin}
    # With the end of a link its consents end too; what was taken back before that stays taken back.
    held = Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=F("link__ended_at"))
    scopes = Consent.objects.filter(held, team_id=visit.team_id, link__in=links).values_list("scope", flat=True)
    cars = [
        car.provider_vehicle_id for car in open_cars if car.provider_vehicle_id in ids or clean_vin(car.vin) in vins
    ]
    if not cars:
        return {"cars": [], "scopes": []}
    return {"cars": cars, "scopes": sorted(set(scopes)), "name": owner.name, "email": owner.email}


def review_context(visit: Visit, form: ReviewForm, choice: Choice) -> dict[str, Any]:
    """Return what the page shows. Optional things start switched off but in a repair; needed ones that the maker
    withheld are named, because the team will not get them.
    """
    link, needed = visit.link, set(visit.link.scopes_needed)
    chosen, switched_on = form["cars"].value() or [], form["scopes"].value() or []
    optional = choice.usable & set(link.scopes_optional)
    return framed(link.team, step=3) | {
        "brand": NamedBrand(visit.brand_name),
        "cars": [_car_line(car, choice, chosen, needed) for car in choice.cars],
        "scopes": scope_lines(needed=needed & choice.usable, optional=optional - choice.impossible, chosen=switched_on),
        "missing": scope_lines(needed=needed - choice.usable),
        "impossible": scope_lines(needed=optional & choice.impossible),
        "ends_at": link.consent_ends_at,
        "is_repair": link.repairs_id is not None,
        "form": form,
        "back_url": brand_page_url(visit),
        "decline_url": reverse("connect:decline", args=[visit.id]),
    }


def _car_line(car: RemoteVehicle, choice: Choice, chosen: list[str], needed: set[str]) -> CarLine:
    refused = choice.refusals[car.provider_vehicle_id]
    is_unable = bool(needed & refused.keys())
    # What none of the cars can do is said once, below; of a car that can't be chosen only why it can't.
    said = {
        scope: why
        for scope, why in refused.items()
        if (scope in needed if is_unable else scope not in choice.impossible)
    }
    return CarLine(
        id=car.provider_vehicle_id,
        make=car.make,
        model=car.model,
        year=car.year,
        plate=car.license_plate or "",
        vin=clean_vin(car.vin) or _("VIN unknown"),
        is_chosen=car.provider_vehicle_id in chosen,
        is_joined=car.provider_vehicle_id in choice.joined and not choice.may_change,
        is_unable=is_unable,
        lacks=[lacks(scope, why, is_needed=scope in needed) for scope, why in said.items()],
    )
