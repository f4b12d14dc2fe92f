"""Looking for the effect of a command that a maker took, or that nobody answered for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from weakref import WeakKeyDictionary

from commands.dispatch.batcher import Batcher
from commands.dispatch.makers import Makers, in_thread
from commands.dispatch.postpone import postpone
from commands.dispatch.store import Check, Outcome, Store
from commands.dispatch.stored import Stored, load_stored
from commands.evidence import (
    AWAY,
    OFFLINE_WINDOW,
    UNREACHABLE_WINDOW,
    Finding,
    can_be_read,
    judge_reading,
    judge_report,
    judge_window,
    next_look_s,
)
from fleet.adapters.base import Access, Adapter
from fleet.adapters.commands import KINDS, Command, make_command
from fleet.adapters.errors import AdapterError, Done, Verdict
from fleet.adapters.signals import Reading, VehicleSnapshot

logger = logging.getLogger(__name__)

# Most cars show the effect within a second of the answer; after these looks the reconciler goes on more slowly.
LOOK_AFTER_S = (0.0, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 5.0, 8.0)
# How many cars one process looks at in the same moment, and how many commands it follows; the rest is the reconciler's.
LOOKS_AT_ONCE = 200
MAX_FOLLOWED = 10_000
# The reconciler is the net under a follower whose process is killed: it comes so long after the follower's own look.
NET_S = 20.0
# A reading that came so lately by another way stands for one that would be asked for.
FRESH = timedelta(seconds=10)
# The maker's side is at fault, not the car's: no reading now says nothing.
TRANSIENT = frozenset({"upstream_down", "upstream_error", "rate_limited", "quota_exhausted", "vehicle_unreachable"})


@dataclass(frozen=True)
class Look:
    """What one look brought: a finding that was recorded, or in how many seconds to look again."""

    is_final: bool
    wait_s: float


@dataclass(frozen=True)
class Seen:
    """What was learnt of a car: its reading, the maker's report, and how much longer both may take than usual."""

    reading: Reading | None = None
    verdict: Verdict | None = None
    window: timedelta | None = None


class Lookout:
    """Bounds the looks of one process, so that a thousand answers in one second do not become a thousand requests."""

    def __init__(self) -> None:
        self.followed = 0
        self.gate = asyncio.Semaphore(LOOKS_AT_ONCE)
        self.postponing: Batcher[tuple[UUID, float], None] = Batcher(_postpone_many)


_lookouts: WeakKeyDictionary[Store, Lookout] = WeakKeyDictionary()


async def follow(store: Store, makers: Makers, command_id: UUID, *, is_metered: bool = False) -> None:
    """Look at the car several times within some 20 s, until its own state tells what became of a command.

    is_metered: calls at this provider are counted, so there is one look, when the command has settled, as the preview
    said. What cannot be followed now is left to the reconciler, which finds it by next_check_at.
    """
    lookout = _lookouts.setdefault(store, Lookout())
    if lookout.followed >= MAX_FOLLOWED:
        return
    lookout.followed += 1
    try:
        await (_follow_once if is_metered else _follow_closely)(store, makers, command_id)
    finally:
        lookout.followed -= 1


async def _follow_closely(store: Store, makers: Makers, command_id: UUID) -> None:
    for wait_s in LOOK_AFTER_S:
        await asyncio.sleep(wait_s)
        checks = await store.checks([command_id])
        if not checks or (await look_again(store, makers, checks[0])).is_final:
            return


async def _follow_once(store: Store, makers: Makers, command_id: UUID) -> None:
    checks = await store.checks([command_id])
    if not checks:
        return
    postponing = _lookouts[store].postponing
    settle_s = KINDS[checks[0].kind].settle_s
    await postponing.submit((command_id, settle_s + NET_S))
    await asyncio.sleep(settle_s)
    checks = await store.checks([command_id])
    if not checks:
        return
    # A reading that came meanwhile by another way has been paid for already.
    stored = (await in_thread(load_stored, checks))[command_id]
    seen = await look_again(store, makers, checks[0], stored=stored, is_metered=True)
    if not seen.is_final:
        await postponing.submit((command_id, seen.wait_s))


async def look(store: Store, makers: Makers, check: Check) -> bool:
    """Look once and record what that proves. True when it is final."""
    return (await look_again(store, makers, check)).is_final


async def look_again(
    store: Store, makers: Makers, check: Check, *, stored: Stored | None = None, is_metered: bool = False
) -> Look:
    """Judge what is at hand, else read the car without waking it and ask the maker; record what that proves.

    stored: readings and reports that came without asking; when they prove it, nobody is asked.
    """
    order = make_order(check)
    readable = can_be_read(order, check.scopes)
    known = stored.reading if stored is not None and readable else None
    finding = _judge(order, known, check)
    seen = Seen(known)
    if finding is None and (stored is None or not _is_fresh(stored, check)):
        async with _lookouts.setdefault(store, Lookout()).gate:
            seen = await _ask(store, makers, order, check, is_metered=is_metered)
        finding = _judge(order, seen.reading, check) or judge_report(seen.verdict, order=order, scopes=check.scopes)
    now = datetime.now(UTC)
    if finding is None:
        finding = judge_window(
            order,
            seen.reading or known,
            answered_at=check.answered_at,
            now=now,
            window=seen.window,
            is_overtaken=check.is_overtaken,
            has_report=_is_done(seen.verdict) or (stored is not None and stored.has_report),
        )
    is_final = finding is not None and await store.record(_outcome(check, finding))
    return Look(is_final, next_look_s(order, answered_at=check.answered_at, now=now, window=seen.window))


def _judge(order: Command, reading: Reading | None, check: Check) -> Finding | None:
    return judge_reading(
        order, reading, before=check.before, answered_at=check.answered_at, is_overtaken=check.is_overtaken
    )


def _is_fresh(stored: Stored, check: Check) -> bool:
    """Say whether a reading at hand is as good as one that would be asked for; a search never ends on that alone."""
    if stored.reading is None or stored.received_at is None or stored.reading.observed_at <= check.answered_at:
        return False
    now = datetime.now(UTC)
    is_over = now - check.answered_at >= timedelta(seconds=KINDS[check.kind].window_s)
    return not is_over and now - stored.received_at < FRESH


def _is_done(verdict: Verdict | None) -> bool:
    return isinstance(verdict, Done)


async def _ask(store: Store, makers: Makers, order: Command, check: Check, *, is_metered: bool) -> Seen:
    """Read the car and, where that is not paid for twice, ask the maker; what fails is left out."""
    readable = can_be_read(order, check.scopes)
    snapshot: VehicleSnapshot | None = None
    verdict: Verdict | None = None
    try:
        adapter = await makers.adapter(check.app_id)
        access = (await makers.login(check.account_id)).to(check.provider_vehicle_id)
        if readable:
            snapshot, access = await _read(makers, adapter, access, check)
            await store.save_snapshot(check, snapshot, adapter.manifest.key)
        reading = _reading(order, snapshot) if readable else None
        is_proved = _judge(order, reading, check) is not None
        if check.ref and adapter.manifest.can_poll and not is_proved and not (is_metered and readable):
            verdict = await adapter.poll(access, check.ref)
    except AdapterError as error:
        logger.info("looking for the effect of command %s: %s", check.id, error.code)
        if snapshot is None and verdict is None and error.code in TRANSIENT:
            return Seen(window=UNREACHABLE_WINDOW)
    is_away = snapshot is not None and snapshot.online_state in AWAY
    window = OFFLINE_WINDOW if is_away else None
    return Seen(_reading(order, snapshot) if readable else None, verdict, window)


async def _read(makers: Makers, adapter: Adapter, access: Access, check: Check) -> tuple[VehicleSnapshot, Access]:
    try:
        return await adapter.read(access), access
    except AdapterError as error:
        if error.code != "needs_reconnect":
            raise
    login = await makers.renewed_login(check.account_id, refused=access.access_token)
    access = login.to(check.provider_vehicle_id)
    return await adapter.read(access), access


def _reading(order: Command, snapshot: VehicleSnapshot | None) -> Reading | None:
    return snapshot.readings.get(order.signal) if snapshot is not None and order.signal is not None else None


def make_order(check: Check) -> Command:
    """Return the command of a check. A PIN is long gone by now; what proves it does not depend on its digits."""
    secrets = dict.fromkeys(KINDS[check.kind].secrets, "0000")
    return make_command(check.kind, check.parameters | secrets)


def _outcome(check: Check, finding: Finding) -> Outcome:
    return Outcome(
        check.id,
        check.fence,
        "sent,unknown",
        finding.state,
        evidence=finding.evidence,
        code=finding.code,
        reason=finding.reason,
        after=finding.value,
        observed_at=finding.observed_at,
    )


async def _postpone_many(waits: list[tuple[UUID, float]]) -> list[None]:
    latest: Mapping[UUID, float] = dict(waits)
    await postpone(latest)
    return [None] * len(waits)
