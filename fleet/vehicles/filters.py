"""Which cars of a team: one filter that the list, jobs and schedules share. No rights, no pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict

from fleet.adapters.rules import InvalidParameter, Number
from fleet.adapters.signals import ONLINE_STATES
from fleet.vehicles.models import Vehicle, VehicleLink, VehicleSignal

TEXT_MAX_LENGTH = 100
WORDS_MAX = 100
IDS_MAX = 10_000
PERCENT = Number(0, 100, 0, "%")
LINK_STATUSES = ("ok", "needs_owner", "ended")
IS_CHARGING = ("charging", "starting")
# How a field is written in an address, where that is shorter or known from before.
QUERY_NAMES = {"text": "q", "makes": "make", "models": "model", "ids": "id"}


@dataclass(frozen=True)
class VehicleFilter:
    """Narrows a team's cars by what is last known of them; empty fields narrow nothing, and all of them must hold.

    text: part of plate, name, VIN, make or model. online: words of ONLINE_STATES. charging, plugged, locked: yes or
    no as the car last said; a car that never said so matches neither. soc_below, soc_above: percent, both exclusive.
    link: "ok", "needs_owner" or "ended". ids: only these cars (None: no such limit; empty: none at all).

    Raises InvalidParameter, with the field's name, for a value that makes no sense.
    """

    text: str = ""
    makes: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    online: tuple[str, ...] = ()
    charging: bool | None = None
    plugged: bool | None = None
    locked: bool | None = None
    soc_below: float | None = None
    soc_above: float | None = None
    link: str = ""
    ids: tuple[UUID, ...] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or len(self.text) > TEXT_MAX_LENGTH or "\x00" in self.text:
            raise InvalidParameter("text", "too_long", maximum=TEXT_MAX_LENGTH)
        for field in ("makes", "models", "online"):
            _check_words(field, getattr(self, field))
        if not set(self.online) <= ONLINE_STATES:
            raise InvalidParameter("online", "unknown_word")
        if self.link not in ("", *LINK_STATUSES):
            raise InvalidParameter("link", "unknown_word")
        for field in ("charging", "plugged", "locked"):
            if getattr(self, field) not in (True, False, None):
                raise InvalidParameter(field, "unknown_word")
        for field in ("soc_below", "soc_above"):
            if getattr(self, field) is not None:
                PERCENT.check(field, getattr(self, field))
        if self.ids is not None and len(self.ids) > IDS_MAX:
            raise InvalidParameter("ids", "too_many", maximum=IDS_MAX)

    # From and to what is stored and what stands in an address ------------------------------------------------------

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> VehicleFilter:
        """Make a filter from its stored form, see values(). Raises InvalidParameter."""
        fields = {field.name for field in dataclasses.fields(cls)}
        for name in values:
            if name not in fields:
                raise InvalidParameter(name, "unknown_parameter")
        made = dict(values)
        for name in ("makes", "models", "online"):
            if name in made:
                made[name] = _tuple_of_text(name, made[name])
        if made.get("ids") is not None:
            made["ids"] = _read_ids(made["ids"])
        return cls(**made)

    @classmethod
    def from_query(cls, query: QueryDict) -> VehicleFilter:
        """Make a filter from an address or a form: q, make, model, online, id (repeated), charging, plugged, locked
        (yes or no), soc_below, soc_above, link. Other names are not ours and are left alone. Raises InvalidParameter.
        """
        return cls(
            text=query.get("q", "").strip(),
            makes=_present(query.getlist("make")),
            models=_present(query.getlist("model")),
            online=_present(query.getlist("online")),
            charging=_read_yes_no("charging", query.get("charging", "")),
            plugged=_read_yes_no("plugged", query.get("plugged", "")),
            locked=_read_yes_no("locked", query.get("locked", "")),
            soc_below=_read_number("soc_below", query.get("soc_below", "")),
            soc_above=_read_number("soc_above", query.get("soc_above", "")),
            link=query.get("link", ""),
            ids=_read_ids(query.getlist("id")) if "id" in query else None,
        )

    def values(self) -> dict[str, Any]:
        """Return the plain form for a JSON column: only what narrows."""
        kept: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value == field.default:
                continue
            kept[field.name] = [str(part) for part in value] if isinstance(value, tuple) else value
        return kept

    def query(self) -> str:
        """Return the form for an address, without the question mark; from_query() reads it back."""
        pairs: list[tuple[str, str]] = []
        for name, value in self.values().items():
            parts = (value or [""]) if isinstance(value, list) else [value]
            pairs += [(QUERY_NAMES.get(name, name), _word(part)) for part in parts]
        return urlencode(pairs)

    @property
    def is_empty(self) -> bool:
        """True when nothing is narrowed: all cars of the team."""
        return not self.values()

    # Asking --------------------------------------------------------------------------------------------------------

    def apply(self, vehicles: QuerySet[Vehicle]) -> QuerySet[Vehicle]:
        """Narrow a queryset of one team's cars; still one query, through the indexes of links and signals."""
        if self.text:
            vehicles = vehicles.filter(
                Q(plate__icontains=self.text)
                | Q(name__icontains=self.text)
                | Q(vin__icontains=self.text)
                | Q(make__icontains=self.text)
                | Q(model__icontains=self.text)
            )
        if self.makes:
            vehicles = vehicles.filter(make__in=self.makes)
        if self.models:
            vehicles = vehicles.filter(model__in=self.models)
        if self.ids is not None:
            vehicles = vehicles.filter(id__in=self.ids)
        vehicles = self._by_signals(vehicles)
        return _by_link(vehicles, self.link) if self.link else vehicles

    def _by_signals(self, vehicles: QuerySet[Vehicle]) -> QuerySet[Vehicle]:
        if self.online:
            vehicles = vehicles.filter(_says("online_state", Q(value__in=self.online)))
        if self.charging is not None:
            is_charging = Q(value__in=IS_CHARGING)
            vehicles = vehicles.filter(_says("charging_state", is_charging if self.charging else ~is_charging))
        if self.plugged is not None:
            vehicles = vehicles.filter(_says("plugged_in", Q(value=self.plugged)))
        if self.locked is not None:
            vehicles = vehicles.filter(_says("locked", Q(value=self.locked)))
        if self.soc_below is not None:
            vehicles = vehicles.filter(_says("soc_percent", Q(value__lt=self.soc_below)))
        if self.soc_above is not None:
            vehicles = vehicles.filter(_says("soc_percent", Q(value__gt=self.soc_above)))
        return vehicles


def _says(signal: str, condition: Q) -> Exists:
    """The car last said so of one signal: one look-up in the index of (vehicle, signal)."""
    return Exists(VehicleSignal.objects.filter(condition, vehicle=OuterRef("pk"), signal=signal))


def _by_link(vehicles: QuerySet[Vehicle], status: str) -> QuerySet[Vehicle]:
    live = VehicleLink.objects.filter(vehicle=OuterRef("pk"), ended_at__isnull=True, connection__status="active")
    if status == "ended":
        return vehicles.filter(~Exists(live))
    is_active = Exists(live.filter(connection__account__status="active"))
    return vehicles.filter(is_active) if status == "ok" else vehicles.filter(Exists(live), ~is_active)


def _word(part: Any) -> str:
    return {True: "yes", False: "no"}[part] if isinstance(part, bool) else str(part)


def _check_words(field: str, words: tuple[str, ...]) -> None:
    if len(words) > WORDS_MAX:
        raise InvalidParameter(field, "too_many", maximum=WORDS_MAX)
    if any(len(word) > TEXT_MAX_LENGTH or "\x00" in word for word in words):
        raise InvalidParameter(field, "too_long", maximum=TEXT_MAX_LENGTH)


def _present(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word)


def _tuple_of_text(field: str, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(part, str) for part in given):
        raise InvalidParameter(field, "unknown_word")
    return tuple(given)


def _read_ids(given: Any) -> tuple[UUID, ...]:
    if not isinstance(given, list | tuple):
        raise InvalidParameter("ids", "unknown_word")
    try:
        return tuple(UUID(str(raw)) for raw in given if raw != "")
    except ValueError as error:
        raise InvalidParameter("ids", "unknown_word") from error


def _read_yes_no(field: str, raw: str) -> bool | None:
    try:
        return {"": None, "yes": True, "no": False}[raw]
    except KeyError as error:
        raise InvalidParameter(field, "unknown_word") from error


def _read_number(field: str, raw: str) -> float | None:
    if not raw.strip():
        return None
    try:
        return float(raw)
    except ValueError as error:
        raise InvalidParameter(field, "not_a_number") from error
