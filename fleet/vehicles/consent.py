"""What an owner decides later: give and take back single permissions, private hours; and what follows at once.

Whoever takes something back locks the car's lane first, as a press does, then the link: the other way round the two
would deadlock. What waits for the car is stopped in the same transaction by those who registered for it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.db import connection
from django.db.models import F
from django.utils import timezone

from fleet.adapters.signals import SIGNALS
from fleet.events.services import acting_as, record
from fleet.vehicles.models import Connection, Consent, Lane, Owner, Vehicle, VehicleLink, VehicleSignal

# Who has something waiting for a car registers here in its apps.py; called inside the transaction of the change.
Stop = Callable[[Iterable[VehicleLink], str], None]
_stops: list[Stop] = []

LOCATION = sorted(name for name, signal in SIGNALS.items() if signal.scope == "read_location")
MOST_WINDOWS = 7
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

FORGET_PRIVATE = """
DELETE FROM vehicles_vehiclesignal s WHERE s.signal = ANY(%(location)s) AND s.vehicle_id IN (
    SELECT l.vehicle_id FROM vehicles_vehiclelink l JOIN vehicles_connection n ON n.id = l.connection_id
    JOIN vehicles_owner o ON o.id = n.owner_id
    WHERE l.ended_at IS NULL AND n.status = 'active' AND o.private_hours <> '[]'
        AND in_private_hours(o.private_hours, o.private_time_zone, clock_timestamp()))
"""


def on_stop(stop: Stop) -> None:
    """Have `stop(links, actor)` called when what was allowed on links shrinks, in the transaction of the change."""
    _stops.append(stop)


def stop_waiting(links: Iterable[VehicleLink], *, actor: str) -> None:
    """Stop whatever waits to be sent through links; the caller's transaction carries the change that asks for it."""
    links = list(links)
    for stop in _stops:
        stop(links, actor)


def lock_lane(vehicle: Vehicle) -> None:
    """Hold a car's lane in the current transaction."""
    Lane.objects.select_for_update(no_key=True).get(pk=vehicle.lane_id)


def withdraw_consent(*, link: VehicleLink, scope: str, actor: str) -> bool:
    """Take one permission back; True if it was given.

    Commands that wait for the car are refused at once, whatever they need: each was accepted under the older version
    of the consent. What was read by the permission is forgotten.
    """
    with acting_as(actor):
        lock_lane(link.vehicle)
        given = Consent.objects.filter(link=link, scope=scope, withdrawn_at__isnull=True)
        if not given.update(withdrawn_at=timezone.now()):
            return False
        VehicleLink.objects.this(link).update(consent_version=F("consent_version") + 1)
        stop_waiting([link], actor=actor)
        forget_unallowed(link.vehicle)
        _record("consent.withdrawn", link, actor=actor, scope=scope)
    return True


def give_consent(*, link: VehicleLink, scope: str, text_version: str, actor: str) -> bool:
    """Give one permission more on a car that is shared; True if it was not given before.

    Raises ValueError when the maker did not grant it: nothing would come of it. What waits stays as it is.
    """
    with acting_as(actor):
        lock_lane(link.vehicle)
        live = VehicleLink.objects.this(link).filter(ended_at__isnull=True, connection__status=Connection.Status.ACTIVE)
        found = live.select_related("connection").first()
        if found is None or scope not in found.connection.scopes_granted:
            raise ValueError(f"{scope} is not granted at the maker")
        consent, is_new = Consent.objects.get_or_create(
            team_id=link.team_id, link=link, scope=scope, withdrawn_at=None, defaults={"text_version": text_version}
        )
        if is_new:
            _record("consent.given", link, actor=actor, scope=scope, text_version=consent.text_version)
    return is_new


def _record(kind: str, link: VehicleLink, *, actor: str, **data: Any) -> None:
    record(kind, actor=actor, team_id=link.team_id, vehicle_id=link.vehicle_id, subject=f"link:{link.id}", data=data)


def allowed_scopes(link: VehicleLink) -> frozenset[str]:
    """Return what may be done and read through a link: what the owner allowed and the maker granted, both."""
    given = set(Consent.objects.filter(link=link, withdrawn_at__isnull=True).values_list("scope", flat=True))
    return frozenset(given & set(link.connection.scopes_granted))


def forget_unallowed(vehicle: Vehicle) -> None:
    """Delete the readings of a car that no live link allows any more; the caller's transaction says why."""
    links = VehicleLink.objects.filter(
        vehicle=vehicle, ended_at__isnull=True, connection__status=Connection.Status.ACTIVE
    ).select_related("connection")
    allowed = frozenset[str]().union(*(allowed_scopes(link) for link in links))
    gone = [name for name, signal in SIGNALS.items() if signal.scope not in allowed]
    VehicleSignal.objects.filter(vehicle=vehicle, signal__in=gone).delete()


def set_private_hours(*, owner: Owner, windows: Sequence[Mapping[str, Any]], time_zone: str, actor: str) -> None:
    """Keep in which hours no location of the owner's cars is kept or shown; what is kept is forgotten if they run now.

    windows: as Owner.private_hours. Raises ValueError for anything else, for more than seven, for an unknown zone.
    """
    plain = [_window(window) for window in windows]
    if len(plain) > MOST_WINDOWS:
        raise ValueError("too many windows")
    if time_zone not in available_timezones():
        raise ValueError("unknown time zone")
    with acting_as(actor):
        Owner.objects.this(owner).update(private_hours=plain, private_time_zone=time_zone)
        record(
            "owner.private_hours_set",
            actor=actor,
            team_id=owner.team_id,
            subject=f"owner:{owner.id}",
            data={"windows": len(plain)},
        )
        forget_private_locations()


def _window(raw: Mapping[str, Any]) -> dict[str, Any]:
    days, begins, ends = sorted(set(raw["days"])), raw["from"], raw["until"]
    if not days or not set(days) <= set(range(1, 8)):
        raise ValueError("days are 1 to 7")
    if not (_CLOCK.fullmatch(begins) and _CLOCK.fullmatch(ends)) or begins == ends:
        raise ValueError("a window has a beginning and another end")
    return {"days": days, "from": begins, "until": ends}


def private_until(link: VehicleLink | None, now: datetime) -> datetime | None:
    """Return until when the owner's private hours hide where a car is; None when they do not run now."""
    if link is None or not link.is_live or not link.connection.owner.private_hours:
        return None
    owner = link.connection.owner
    here = now.astimezone(ZoneInfo(owner.private_time_zone or "UTC"))
    ends = [end for window in owner.private_hours for end in _ends_of(window, here) if end is not None]
    return max(ends, default=None)


def _ends_of(window: Mapping[str, Any], here: datetime) -> Iterator[datetime | None]:
    """Yield when a window ends that began today or yesterday and runs at a local time; None for one that does not."""
    begins, ends = time.fromisoformat(window["from"]), time.fromisoformat(window["until"])
    for began in (here.date(), here.date() - timedelta(days=1)):
        ended = began if begins < ends else began + timedelta(days=1)
        is_running = datetime.combine(began, begins) <= here.replace(tzinfo=None) < datetime.combine(ended, ends)
        runs = is_running and began.isoweekday() in window["days"]
        yield datetime.combine(ended, ends, tzinfo=here.tzinfo) if runs else None


def forget_private_locations() -> int:
    """Delete the locations of cars whose owners have private hours now; return how many. Saving drops them anyway."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET_PRIVATE, {"location": LOCATION})
        return cursor.rowcount
