"""An owner's data as one JSON file, written while it is sent, so that a log of years fits as well."""

import json
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.utils import timezone

from fleet.portal.access import links_of
from fleet.portal.log import Entry, everything_of
from fleet.vehicles.models import Connection, Consent, Owner, VehicleSignal

CHUNK = 500


def parts_of(owner: Owner) -> Iterator[str]:
    """Yield the file in parts: who, what is shared, what was allowed when, the latest values, then the whole log."""
    yield '{"made_at": ' + _json(timezone.now().isoformat())
    yield ',\n"owner": ' + _json(_owner(owner))
    yield ',\n"connections": ' + _json([_connection(one) for one in _connections(owner)])
    links = list(links_of(owner).order_by("created_at", "id"))
    yield ',\n"cars": ' + _json([_car(link) for link in links])
    yield ',\n"consents": '
    yield from _array(_consents(owner, [link.id for link in links]))
    yield ',\n"latest_values": '
    live = {link.vehicle_id for link in links if link.is_live}
    yield from _array(_values(owner, live))
    yield ',\n"log": '
    yield from _array(_line(entry) for page in everything_of(owner) for entry in page)
    yield "}\n"


def _array(objects: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield an array some objects at a time. Between two parts the connection is given back: no cursor outlives one."""
    separator, waiting = "[", []
    for one in objects:
        waiting.append(_json(one))
        if len(waiting) == CHUNK:
            yield separator + "\n" + ",\n".join(waiting)
            separator, waiting = ",", []
    yield (separator + "\n" + ",\n".join(waiting) + "\n]") if waiting else ("[]" if separator == "[" else "\n]")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _owner(owner: Owner) -> dict[str, Any]:
    return {
        "shared_with": owner.team.name,
        "name": owner.name,
        "email": owner.email,
        "language": owner.language,
        "private_hours": owner.private_hours,
        "private_hours_time_zone": owner.private_time_zone,
        "since": owner.created_at.isoformat(),
    }


def _connections(owner: Owner) -> Iterable[Connection]:
    connections = Connection.objects.filter(owner=owner, team_id=owner.team_id).select_related("account")
    return connections.order_by("created_at", "id")


def _connection(connection: Connection) -> dict[str, Any]:
    return {
        "id": str(connection.id),
        "make": connection.account.brand,
        "account_at_maker": connection.account.provider_user_id,
        "granted_at_maker": connection.scopes_granted,
        "status": connection.status,
        "begun_at": connection.created_at.isoformat(),
        "ends_at": _time(connection.ends_at),
        "ended_at": _time(connection.ended_at),
    }


def _car(link: Any) -> dict[str, Any]:
    vehicle = link.vehicle
    return {
        "id": str(link.id),
        "connection": str(link.connection_id),
        "vin": vehicle.vin,
        "make": vehicle.make,
        "model": vehicle.model,
        "year": vehicle.year,
        "plate": vehicle.plate,
        "name_given_by_the_team": vehicle.name,
        "shared_at": link.created_at.isoformat(),
        "ended_at": _time(link.ended_at),
    }


def _consents(owner: Owner, link_ids: list[UUID]) -> Iterator[dict[str, Any]]:
    consents = Consent.objects.filter(team_id=owner.team_id, link_id__in=link_ids).order_by("given_at", "id")
    for consent in consents:
        yield {
            "car": str(consent.link_id),
            "permission": consent.scope,
            "text_version": consent.text_version,
            "given_at": consent.given_at.isoformat(),
            "taken_back_at": _time(consent.withdrawn_at),
        }


def _values(owner: Owner, vehicle_ids: set[UUID]) -> Iterator[dict[str, Any]]:
    signals = VehicleSignal.objects.filter(team_id=owner.team_id, vehicle_id__in=vehicle_ids)
    for signal in signals.order_by("vehicle_id", "signal"):
        yield {
            "vehicle": str(signal.vehicle_id),
            "signal": signal.signal,
            "value": signal.value,
            "observed_at": signal.observed_at.isoformat(),
            "received_at": signal.received_at.isoformat(),
        }


def _line(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(),
        "kind": "command" if entry.is_command else "read",
        "what": entry.what,
        "car": entry.car,
        "who": entry.who,
        "why": entry.why,
        "outcome": entry.outcome.word if entry.outcome else None,
        "reason": entry.reason or None,
        "seen": entry.seen,
    }


def _time(moment: Any) -> str | None:
    return moment.isoformat() if moment is not None else None
