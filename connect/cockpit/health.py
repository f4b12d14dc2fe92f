"""How one connection is, judged from facts: no queries and no clock. What cannot be known is said to be not known."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

# Told and shown so long before the end: an owner needs some days to find a minute.
SOON = timedelta(days=14)
# A car sleeps for days, and its maker answers about it all the same; nothing at all for a day is no rest any more.
SILENT_AFTER = timedelta(hours=24)
# Where our calls are counted cars are asked more seldom: so many rounds without an answer.
SILENT_AFTER_ROUNDS = 3
# A maker asks us every day to wait a few seconds.
LONG_HOLD = timedelta(minutes=1)
# A grant that is refreshed in time never comes so near to its idle end.
IDLE_SHARE = 0.5


class State(Enum):
    """The worst first. NEW: joined, and its maker has not answered about the car yet."""

    NEEDS_OWNER = "needs_owner"
    SILENT = "silent"
    MAKER_DOWN = "maker_down"
    NEEDS_PAIRING = "needs_pairing"
    ENDS_SOON = "ends_soon"
    LIMITED = "limited"
    NEW = "new"
    WORKS = "works"
    ENDED = "ended"


RANK = {state: number for number, state in enumerate(State)}
# Where the owner can do something about it.
REPAIRABLE = frozenset(
    {State.NEEDS_OWNER, State.SILENT, State.NEEDS_PAIRING, State.ENDS_SOON, State.LIMITED, State.WORKS}
)


@dataclass(frozen=True)
class Facts:
    """What is known of one car on one connection. None: not known, or it did not happen.

    began_at: when the owner last signed in at the maker. heard_at: when the maker last answered about the car.
    missing: needed scopes that the owner or the maker did not give.
    """

    created_at: datetime
    ended_at: datetime | None = None
    unlisted_at: datetime | None = None
    consent_ends_at: datetime | None = None
    account_status: str = "active"
    refused_at: datetime | None = None
    refused_last_at: datetime | None = None
    refreshed_at: datetime | None = None
    refresh_failures: int = 0
    access_expires_at: datetime | None = None
    began_at: datetime | None = None
    grant_life_days: float | None = None
    idle_life_days: float | None = None
    is_enabled: bool = True
    refusing_since: datetime | None = None
    breaker_opened_at: datetime | None = None
    breaker_until: datetime | None = None
    held_until: datetime | None = None
    read_interval: timedelta = timedelta(0)
    heard_at: datetime | None = None
    needs_pairing: bool = False
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Expectation:
    """When a connection is expected to end, and of what.

    why: consent (until then it was given), grant (the maker's own limit), idle (nobody could refresh it),
    refused (the maker refused once; asked again it may be well).
    """

    at: datetime
    why: str


@dataclass(frozen=True)
class Health:
    """How it is: state, why in one word (see words.py), since when, until when, and the end that is expected."""

    state: State
    why: str = ""
    since: datetime | None = None
    until: datetime | None = None
    end: Expectation | None = None
    missing: frozenset[str] = frozenset()

    @property
    def rank(self) -> tuple[int, float]:
        """Return what the list is sorted by: the worst first, of several the one that is over first."""
        moment = self.until if self.state is State.ENDS_SOON else self.since
        return RANK[self.state], moment.timestamp() if moment else 0.0


def judge(facts: Facts, *, now: datetime) -> Health:
    """Say how a connection is: the worst of what is known counts, and the end is told beside it."""
    if facts.ended_at is not None:
        return Health(State.ENDED, _why_ended(facts), since=facts.ended_at)
    end = foresee(facts, now=now)
    if facts.account_status != "active":
        return Health(State.NEEDS_OWNER, since=facts.refused_last_at)
    if down := _maker_trouble(facts, now):
        why, since, until = down
        return Health(State.MAKER_DOWN, why, since=since, until=until, end=end, missing=facts.missing)
    if facts.unlisted_at is not None:
        return Health(State.SILENT, "unlisted", since=facts.unlisted_at, end=end, missing=facts.missing)
    since = facts.heard_at or facts.created_at
    if now - since > max(SILENT_AFTER, facts.read_interval * SILENT_AFTER_ROUNDS):
        why = "silent" if facts.heard_at else "never"
        return Health(State.SILENT, why, since=since, end=end, missing=facts.missing)
    if facts.needs_pairing:
        return Health(State.NEEDS_PAIRING, end=end, missing=facts.missing)
    if end is not None and end.at - now <= SOON:
        return Health(State.ENDS_SOON, end.why, until=end.at, end=end, missing=facts.missing)
    if facts.missing:
        return Health(State.LIMITED, end=end, missing=facts.missing)
    if facts.heard_at is None:
        return Health(State.NEW, since=facts.created_at, end=end)
    return Health(State.WORKS, since=facts.heard_at, end=end)


def foresee(facts: Facts, *, now: datetime) -> Expectation | None:
    """Return when a connection is expected to end, the earliest of what is known; None when nothing is."""
    known = []
    if facts.consent_ends_at is not None:
        known.append(Expectation(facts.consent_ends_at, "consent"))
    if facts.grant_life_days is not None and facts.began_at is not None:
        known.append(Expectation(facts.began_at + timedelta(days=facts.grant_life_days), "grant"))
    if facts.idle_life_days is not None and facts.refreshed_at is not None:
        idle_life = timedelta(days=facts.idle_life_days)
        if now - facts.refreshed_at > idle_life * IDLE_SHARE:
            known.append(Expectation(facts.refreshed_at + idle_life, "idle"))
    if facts.refused_at is not None and facts.access_expires_at is not None and facts.refusing_since is None:
        known.append(Expectation(max(facts.access_expires_at, now), "refused"))
    return min(known, key=lambda end: end.at, default=None)


def _maker_trouble(facts: Facts, now: datetime) -> tuple[str, datetime | None, datetime | None] | None:
    """Return why the maker can't be asked at all, since when and until when; None when it can."""
    if not facts.is_enabled:
        return "off", None, None
    if facts.refusing_since is not None:
        return "refusing", facts.refusing_since, None
    if facts.breaker_until is not None:
        return "breaker", facts.breaker_opened_at, None
    if facts.held_until is not None and facts.held_until - now > LONG_HOLD:
        return "held", None, facts.held_until
    if facts.refresh_failures and facts.access_expires_at is not None and facts.access_expires_at <= now:
        return "sign_in", facts.access_expires_at, None
    return None


def _why_ended(facts: Facts) -> str:
    ran_out = facts.consent_ends_at is not None and facts.ended_at is not None
    return "consent" if ran_out and facts.ended_at >= facts.consent_ends_at else "taken_back"  # type: ignore[operator]
