"""What a car's page shows of timed commands: what waits, what ended lately, and what can be started."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from commands.availability import check_availability
from commands.models import Command, State
from commands.programs.models import TimedCommand, TimedState
from commands.programs.pages import Sign
from commands.programs.timed import PASSES_LATER
from commands.programs.wayback import PROGRAMS, next_due
from commands.programs.words import (
    KEEP_LABELS,
    NOW_LABELS,
    TIMED_SENTENCES,
    TIMED_STATES,
    TIMED_TITLES,
    ended_sentence,
    way_back_words,
)
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.vehicles.access import find_link
from fleet.vehicles.models import Vehicle

# An end is shown for a while; one that needs somebody's eyes for longer.
SHOWN_FOR = {TimedState.DONE: timedelta(minutes=10), TimedState.DROPPED: timedelta(minutes=30)}
FAILURE_SHOWN_FOR = timedelta(hours=24)
POLL_NEAR_S, POLL_FAR_S = 2, 15
NEAR = timedelta(minutes=3)
MAX_CARDS = 20


@dataclass(frozen=True)
class TimedCard:
    """A timed command on its car's page. remaining: until the way back, in words; "" when it is not waiting."""

    timed: TimedCommand
    title: str
    icon: str
    sign: Sign
    back: str
    why: str
    due_at: datetime
    remaining: str
    is_waiting_for_first: bool
    now_label: str
    keep_label: str
    may_decide: bool


@dataclass(frozen=True)
class Offered:
    """One program that can be started on a car."""

    kind: str
    title: str
    sentence: str
    url: str


def timed_context(vehicle: Vehicle, membership: Membership, now: datetime) -> dict[str, Any]:
    """Return what templates/programs/_timed.html shows of a vehicle; poll_s is None when nothing will change."""
    latest = TimedCommand.objects.filter(vehicle=vehicle, team_id=membership.team_id)
    rows = list(latest.select_related("first").order_by("-created_at")[:MAX_CARDS])
    cards = [_card(timed, membership, now) for timed in rows if _is_shown(timed, now)]
    open_cards = [card for card in cards if card.timed.is_open]
    going_on = {card.icon for card in open_cards}
    programs = [program for program in _offered(vehicle, membership) if program.kind not in going_on]
    is_near = any(not card.remaining or card.due_at - now < NEAR for card in open_cards)
    poll_s = (POLL_NEAR_S if is_near else POLL_FAR_S) if open_cards else None
    return {"vehicle": vehicle, "cards": cards, "programs": programs, "poll_s": poll_s}


def _offered(vehicle: Vehicle, membership: Membership) -> list[Offered]:
    """Return the programs whose way there and way back this car can go, for this person."""
    available = check_availability(find_link(vehicle), membership)
    return [
        Offered(
            kind,
            str(TIMED_TITLES[kind]),
            str(TIMED_SENTENCES[kind]),
            reverse("programs:start", args=[vehicle.id, kind]),
        )
        for kind, program in PROGRAMS.items()
        if available[kind].is_offered and available[program.back].code in PASSES_LATER
    ]


def _is_shown(timed: TimedCommand, now: datetime) -> bool:
    if timed.finished_at is None:
        return True
    needs_eyes = timed.state == TimedState.FAILED or timed.reason == "role"
    span = FAILURE_SHOWN_FOR if needs_eyes else SHOWN_FOR[TimedState(timed.state)]
    return now - timed.finished_at < span


def _card(timed: TimedCommand, membership: Membership, now: datetime) -> TimedCard:
    kind, first = timed.first.kind, timed.first
    due_at = next_due(timed.due_at, minutes=timed.minutes, left_at=first.answered_at or first.permitted_at)
    is_armed = timed.state == TimedState.ARMED
    text, tone, icon = map(str, TIMED_STATES[TimedState(timed.state)])
    if timed.reason == "role":
        tone, icon = "danger", "warn"
    return TimedCard(
        timed=timed,
        title=str(TIMED_TITLES[kind]),
        icon=kind,
        sign=Sign(text, tone, icon),
        back=way_back_words(timed),
        why=ended_sentence(timed),
        due_at=due_at,
        remaining=_span_words(due_at - now) if is_armed else "",
        is_waiting_for_first=is_armed and _waits(first),
        now_label=str(NOW_LABELS[kind]),
        keep_label=str(KEEP_LABELS[kind]),
        may_decide=is_armed and membership.may(Permission.COMMAND),
    )


def _waits(first: Command) -> bool:
    return first.state in {State.QUEUED, State.CLAIMED}


def _span_words(span: timedelta) -> str:
    """Return a span as people read a timer: "4 h 10 min", "1 min 20 s"."""
    minutes, seconds = divmod(max(0, round(span.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": seconds}
    return _("%(seconds)s s") % {"seconds": seconds}
