"""The buttons of one vehicle: each command of the vocabulary in one of six states, and the commands that run."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from commands.availability import Availability, check_availability
from commands.cards import Card, card_of, outcome_of
from commands.declared import what_is_declared, why_not_offered
from commands.forms import CommandForm, make_form
from commands.models import RUNNING, Command, State
from commands.proof import Known, known_of
from commands.rules.words import sentence
from commands.words import GROUPS, LABELS, STATE_NOW, STATES
from fleet.adapters.commands import KINDS, make_command
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.teams.stepup import ConfirmForm, form_for, must_confirm
from fleet.vehicles.access import find_link
from fleet.vehicles.models import Vehicle
from fleet.vehicles.readings import Readings, readings_of

SHOWN_AFTER_END = timedelta(seconds=60)
FAILURE_SHOWN = timedelta(minutes=10)
MAX_CARDS = 4
POLL_IDLE_S = 15
FAILED = {State.FAILED, State.REFUSED, State.EXPIRED, State.UNRESOLVED}


@dataclass(frozen=True)
class NextStep:
    label: str
    url: str


@dataclass(frozen=True)
class Dialog:
    """What is asked before a command is sent; the safe answer comes first."""

    title: str
    body: str
    safe_label: str
    go_label: str


@dataclass(frozen=True)
class Offer:
    """One command as a tile or a row. tile_state: ready, on, pending, failed or none (not offered, with the reason).

    confirm: what the dialog asks besides, because nobody confirmed lately that it is them. known: the state that the
    button speaks of, with its age.
    """

    kind: str
    label: str
    icon: str
    tile_state: str
    detail: str
    asks: bool
    reason_code: str
    next_step: NextStep | None
    command: Command | None
    form: CommandForm | None
    press_url: str
    dialog: Dialog | None
    token: str
    confirm: ConfirmForm | None
    known: Known | None


@dataclass(frozen=True)
class Group:
    title: str
    offers: list[Offer]


@dataclass(frozen=True)
class Panel:
    """What templates/commands/_panel.html shows. is_idle: nothing runs, so nothing will change by itself."""

    vehicle: Vehicle
    groups: list[Group]
    cards: list[Card]
    poll_s: float
    is_idle: bool

    def offer(self, kind: str) -> Offer:
        """Return the offer of one command."""
        return next(offer for group in self.groups for offer in group.offers if offer.kind == kind)


def make_panel(
    vehicle: Vehicle,
    membership: Membership,
    *,
    is_confirmed: bool,
    forms: Mapping[str, CommandForm] | None = None,
    confirms: Mapping[str, ConfirmForm] | None = None,
) -> Panel:
    """Return all buttons of a vehicle for one person, in a handful of queries.

    is_confirmed: the person proved lately who they are; otherwise risky commands ask for it. forms, confirms: what was
    filled in and refused, to be shown again with the errors, by kind.
    """
    link = find_link(vehicle)
    state = readings_of(vehicle)
    available = check_availability(link, membership, vehicle=vehicle, state=state)
    confirms = confirms or {}
    if not is_confirmed:
        asking = [kind for kind in KINDS if must_confirm(membership, kind)]
        confirms = {kind: confirms.get(kind) or form_for(membership.user, auto_id=f"{kind}-%s") for kind in asking}
    recent = _recent_commands(vehicle, membership)
    latest = _latest_by_kind(recent)
    offers = {
        kind: _offer(
            vehicle,
            available[kind],
            state,
            latest.get(kind),
            form=(forms or {}).get(kind),
            confirm=confirms.get(kind),
            is_linked=bool(link),
        )
        for kind in KINDS
    }
    cards = _cards(recent, membership)
    polls_s = [card.poll_s for card in cards if card.poll_s is not None]
    return Panel(
        vehicle=vehicle,
        groups=[Group(str(title), [offers[kind] for kind in kinds]) for title, kinds in GROUPS],
        cards=cards,
        poll_s=min(polls_s, default=POLL_IDLE_S),
        is_idle=not polls_s,
    )


def _recent_commands(vehicle: Vehicle, membership: Membership) -> list[Command]:
    """Return what runs, and what ended so recently that a button still speaks of it; newest first."""
    recent = Command.objects.filter(vehicle=vehicle, team_id=membership.team_id).exclude(
        finished_at__lt=timezone.now() - FAILURE_SHOWN
    )
    rows = list(recent.select_related("user", "app").order_by("-sequence"))
    for command in rows:
        command.vehicle = vehicle
    return rows


def _latest_by_kind(recent: list[Command]) -> dict[str, Command]:
    """Return per kind the latest command, if it is also the latest of its family: older ones say nothing now."""
    by_family: dict[str, Command] = {}
    for command in recent:
        by_family.setdefault(command.family, command)
    return {command.kind: command for command in by_family.values()}


def _cards(recent: list[Command], membership: Membership) -> list[Card]:
    shown = [c for c in recent if c.finished_at is None or timezone.now() - c.finished_at < SHOWN_AFTER_END]
    may_cancel = membership.may(Permission.COMMAND)
    return [card_of(command, may_cancel=may_cancel) for command in shown[:MAX_CARDS]]


def _offer(
    vehicle: Vehicle,
    availability: Availability,
    state: Readings,
    latest: Command | None,
    *,
    form: CommandForm | None,
    confirm: ConfirmForm | None,
    is_linked: bool,
) -> Offer:
    kind = availability.kind
    if form is None and availability.is_offered:
        form = make_form(kind, availability.ranges, initial=_initial(kind, state))
    tile_state, detail = _tile(availability, state, latest)
    asks = KINDS[kind].asks or confirm is not None
    return Offer(
        kind=kind,
        label=str(LABELS[kind]),
        icon=kind,
        tile_state=tile_state,
        detail=detail,
        asks=asks,
        reason_code=availability.code,
        next_step=_next_step(availability) if is_linked else None,
        command=latest,
        form=form if availability.is_offered else None,
        press_url=reverse("commands:press", args=[vehicle.id, kind]),
        dialog=_dialog(kind, vehicle) if asks else None,
        token=secrets.token_urlsafe(16),
        confirm=confirm if availability.is_offered else None,
        known=_known(kind, state, vehicle, tile_state),
    )


def _tile(availability: Availability, state: Readings, latest: Command | None) -> tuple[str, str]:
    kind = availability.kind
    if availability.rule is not None:
        return "none", str(sentence(availability.rule))
    if not availability.is_offered:
        return "none", why_not_offered(availability)
    if latest is not None and latest.state in RUNNING:
        return "pending", _("Waking the car…") if latest.is_waking else f"{STATES[latest.state]}…"
    if latest is not None and latest.state in FAILED and timezone.now() - latest.accepted_at < FAILURE_SHOWN:
        return "failed", outcome_of(latest)
    if _is_so(kind, state) and not getattr(state, str(KINDS[kind].signal)).is_stale:
        return "on", str(STATE_NOW[kind])
    if KINDS[kind].asks:
        return "ready", _("Asks before it sends")
    return "ready", "" if availability.is_certain else what_is_declared(availability)


def _known(kind: str, state: Readings, vehicle: Vehicle, tile_state: str) -> Known | None:
    """Return what the car last said, for a button that shows it: as its present state, or as the value to change."""
    shows_it = KINDS[kind].ranges or _is_so(kind, state)
    return known_of(kind, state, vehicle.make) if shows_it and tile_state in {"ready", "on"} else None


def _is_so(kind: str, state: Readings) -> bool:
    """Say whether the car's last word was what this command brings about, however old."""
    signal = KINDS[kind].signal
    if kind not in STATE_NOW or signal is None:
        return False
    reading = getattr(state, signal)
    if reading is None:
        return False
    order = make_command(kind, dict.fromkeys(KINDS[kind].secrets, "0000"))
    return order.is_proved_by(reading.value) is True


def _initial(kind: str, state: Readings) -> dict[str, Any]:
    match kind:
        case "set_charge_limit":
            limit = state.value("charge_limit_percent")
            return {"limit_percent": 80 if limit is None else round(limit)}
        case "set_temperature":
            target = state.value("target_temperature_c")
            return {"temperature_c": 21.0 if target is None else target}
    return {}


def _next_step(availability: Availability) -> NextStep | None:
    if availability.rule is not None:
        return NextStep(_("See the rule"), f"{reverse('rules:list')}#rule-{availability.rule.id}")
    if availability.code in {"no_consent", "needs_owner", "connection_ended", "needs_pairing"}:
        return NextStep(_("Ask the owner"), reverse("connect:links"))
    return None


def _dialog(kind: str, vehicle: Vehicle) -> Dialog:
    label = str(LABELS[kind])
    which = vehicle.plate or vehicle.title
    bodies = {
        "unlock": _("Anyone near it can get in until it is locked again."),
        "open_trunk": _("Anyone near it can reach what is in the trunk. Most cars cannot close it from afar."),
        "open_frunk": _("Somebody has to close the front trunk by hand before the car drives."),
        "honk_horn": _("People near the car will hear it, at night too."),
        "set_pin": _("From now on the car drives only after this PIN was entered in it."),
        "reset_pin": _("From now on the car drives without a PIN."),
        "enable_valet": _("The car limits its speed and locks private things until valet mode is switched off."),
        "disable_valet": _("The limits of valet mode end."),
        "start_engine": _("The engine runs with nobody in the car. Be sure that it does not stand in a closed room."),
    }
    safe = {"unlock": _("Keep locked"), "honk_horn": _("Stay quiet")}.get(kind, _("Don’t send"))
    go = {
        "unlock": _("Unlock now"),
        "open_trunk": _("Open now"),
        "open_frunk": _("Open now"),
        "honk_horn": _("Honk now"),
        "set_pin": _("Set the PIN"),
        "reset_pin": _("Remove the PIN"),
        "enable_valet": _("Switch on"),
        "disable_valet": _("Switch off"),
        "start_engine": _("Start now"),
    }.get(kind, _("Send"))
    title = _("%(command)s: %(vehicle)s?") % {"command": label, "vehicle": which}
    body = bodies.get(kind) or _("Your role asks you to confirm who you are before each command.")
    return Dialog(title, body, safe, go)
