"""One command's way: prepare, ask the permit, send once, say what became of it."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import psycopg

from commands.dispatch.makers import Makers
from commands.dispatch.sql import MARGIN_S
from commands.dispatch.store import Job, Mark, Outcome, Store
from commands.evidence import value_for
from fleet.adapters.base import Access, Adapter
from fleet.adapters.commands import make_command
from fleet.adapters.errors import (
    Accepted,
    AdapterError,
    Done,
    MaybeExecuted,
    NotExecuted,
    NotWritten,
    PermitRefused,
    Verdict,
)
from fleet.adapters.http import Permit
from fleet.adapters.signals import VehicleSnapshot
from fleet.vehicles.sealing import unseal

logger = logging.getLogger(__name__)

# From the request for a permit to the first byte. A process that was frozen in between must not write.
GUARD_S = 1.0
# Beyond what the maker may take, until the sweeper calls the outcome unknown.
ANSWER_GRACE_S = 15.0
# The first look at the car follows at once, in this loop; this is for when this process is gone.
FIRST_CHECK_S = 30.0
WAKE_BUDGET_S = 60.0
# Nothing of this is the car's or the owner's fault, and nothing was written: try again soon.
GIVE_BACK_S = {"vehicle_unreachable": 10.0, "rate_limited": 10.0, "upstream_down": 2.0, "upstream_error": 5.0}


class Carrier:
    """Carries one claimed command to its maker. `outcome` is what to record at the end."""

    def __init__(self, store: Store, makers: Makers, job: Job) -> None:
        self._store = store
        self._makers = makers
        self._job = job
        self._deadline = time.monotonic() + job.left_s
        self._has_asked = False
        self._is_permitted = False
        self._before: Any = None

    @property
    def has_asked(self) -> bool:
        """True once the permit was asked for; before that, nothing is lost by handing the command back."""
        return self._has_asked

    @property
    def is_permitted(self) -> bool:
        """True from the moment at which bytes may leave."""
        return self._is_permitted

    async def carry(self) -> Outcome | None:
        """Do all of it and return what to record; None when the command was taken from us in between."""
        try:
            adapter = await self._makers.adapter(self._job.app_id)
            order = make_command(self._job.kind, self._job.parameters | self._open_secret())
            access = await self._prepare(adapter)
            verdict = await adapter.send(access, order, permit=self._make_permit(adapter), request_id=str(self._job.id))
        except AdapterError as error:
            return self._after_preparation_failed(error)
        except PermitRefused:
            return await self._after_refusal()
        except NotWritten:
            return self._after_not_written()
        return self._after(verdict)

    def abandon(self) -> Outcome:
        """Say what to record when this process stops in the middle."""
        if self._is_permitted:
            return self._make("sending", "unknown", code="outcome_unknown")
        return self._make("claimed", "queued")

    def _open_secret(self) -> dict[str, str]:
        sealed = self._job.secret_sealed
        return {} if sealed is None else {"pin": unseal(sealed, bound_to=f"command:{self._job.id}:pin")}

    # Preparing: all that can fail without touching the car --------------------------------------------------------

    async def _prepare(self, adapter: Adapter) -> Access:
        """Get a token, look at the car (the reading before is kept as evidence), wake it if it sleeps."""
        token = await self._makers.access_token(self._job.account_id)
        access = Access(self._job.provider_vehicle_id, token)
        try:
            snapshot = await adapter.read(access)
        except AdapterError as error:
            if error.code != "needs_reconnect":
                raise
            token = await self._makers.replace_token(self._job.account_id, refused=token)
            access = Access(self._job.provider_vehicle_id, token)
            snapshot = await adapter.read(access)
        await self._keep(adapter, snapshot)
        if snapshot.online_state == "offline":
            raise AdapterError("vehicle_unreachable")
        if snapshot.online_state == "asleep" and adapter.manifest.can_wake:
            await self._wake(adapter, access)
        return access

    async def _keep(self, adapter: Adapter, snapshot: VehicleSnapshot) -> None:
        self._before = value_for(self._job.kind, snapshot, self._job.scopes)
        await self._store.save_snapshot(self._job, snapshot, adapter.manifest.key)

    async def _wake(self, adapter: Adapter, access: Access) -> None:
        await self._store.note_waking(self._job)
        budget_s = min(WAKE_BUDGET_S, self._left_s() - MARGIN_S)
        try:
            is_awake = budget_s > 0 and await adapter.wake(access, budget_s=budget_s)
        except AdapterError as error:
            # Woken once: a give-back would wake it again and again, and the 12 V battery pays.
            raise AdapterError("vehicle_asleep", detail=error.code) from error
        if not is_awake:
            raise AdapterError("vehicle_asleep")

    # The permit ---------------------------------------------------------------------------------------------------

    def _make_permit(self, adapter: Adapter) -> Permit:
        wait_s = adapter.manifest.answer_within_s + ANSWER_GRACE_S

        async def permit() -> None:
            self._has_asked = True
            began = time.monotonic()
            if not await self._store.permit(Mark(self._job.id, self._job.fence, wait_s)):
                raise PermitRefused
            self._is_permitted = True
            if time.monotonic() - began > GUARD_S or self._left_s() <= 0:
                raise NotWritten

        return permit

    def _left_s(self) -> float:
        return self._deadline - time.monotonic()

    # What became of it --------------------------------------------------------------------------------------------

    def _make(self, expected: str, state: str, **what: Any) -> Outcome:
        return Outcome(self._job.id, self._job.fence, expected, state, before=self._before, **what)

    def _after_preparation_failed(self, error: AdapterError) -> Outcome:
        retry_s = GIVE_BACK_S.get(error.code)
        if retry_s is None:
            return self._make("claimed", "refused", code=error.code)
        retry_s = error.retry_after_s if error.retry_after_s is not None else retry_s
        if retry_s >= self._left_s():
            # It would only wait for its deadline: say now why nothing came of it.
            return self._make("claimed", "expired", code=error.code)
        return self._make("claimed", "queued", code=error.code, retry_s=retry_s)

    async def _after_refusal(self) -> Outcome | None:
        why = await self._store.why_not(self._job)
        if why is None:
            return None
        return self._make("claimed", "expired" if why == "expired" else "refused", code=why)

    def _after_not_written(self) -> Outcome:
        if self._may_send_again():
            return self._make("sending", "queued", code="not_written")
        # Frozen for so long that the sweeper called it unknown: we know better, nothing left.
        return self._make("sending,unknown", "refused", code="not_written")

    def _may_send_again(self) -> bool:
        # The permit counted: attempts on the job is the number before it.
        return self._job.retry_class == "A" and self._job.attempts + 1 < self._job.max_attempts

    def _after(self, verdict: Verdict) -> Outcome:
        match verdict:
            case Done(evidence=evidence, ref=ref):
                return self._make("sending,unknown", "confirmed", evidence=evidence, ref=ref)
            case Accepted(ref=ref):
                return self._make("sending,unknown", "sent", ref=ref, check_s=FIRST_CHECK_S)
            case NotExecuted():
                return self._after_not_executed(verdict)
            case MaybeExecuted(code=code):
                return self._make("sending", "unknown", code=code, check_s=FIRST_CHECK_S)
        raise AssertionError(f"not a verdict: {verdict!r}")

    def _after_not_executed(self, verdict: NotExecuted) -> Outcome:
        what: dict[str, Any] = {"code": verdict.code, "reason": verdict.reason}
        if not self._is_permitted:
            return self._after_preparation_failed(AdapterError(verdict.code, retry_after_s=verdict.retry_after_s))
        retry_s = verdict.retry_after_s
        if retry_s is not None and retry_s < self._left_s() and self._may_send_again():
            return self._make("sending", "queued", retry_s=retry_s, **what)
        return self._make("sending,unknown", "refused", **what)


async def finish_carrying(store: Store, outcome: Outcome) -> bool:
    """Record an outcome, outlasting a short outage of the database; the sweeper knows what to do if it stays away."""
    for wait_s in (0.0, 0.2, 1.0, 3.0):
        await asyncio.sleep(wait_s)
        try:
            return await store.record(outcome)
        except psycopg.OperationalError as error:
            logger.warning("recording command %s failed: %s", outcome.id, type(error).__name__)
    return False
