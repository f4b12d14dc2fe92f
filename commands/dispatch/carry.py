"""One command's way: prepare, ask the permit, send once, say what became of it."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from math import inf
from typing import Any

import psycopg

from commands.dispatch.failpoints import reach, reach_soon
from commands.dispatch.makers import Makers, current_payer, in_thread, paying
from commands.dispatch.rulebook import Rulebook, RuleBroken
from commands.dispatch.sql import MARGIN_S
from commands.dispatch.starting import Starting
from commands.dispatch.store import Job, Mark, Outcome, Store
from commands.dispatch.stored import why_not_wake
from commands.evidence import value_for
from commands.freshness import must_look_first
from commands.rules.check import Rule
from fleet.adapters.base import Access, Adapter
from fleet.adapters.commands import Command, make_command
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
from fleet.adapters.http import Permit, prepaid
from fleet.adapters.signals import VehicleSnapshot
from fleet.budgets.meter import Payer
from fleet.budgets.models import Resource
from fleet.budgets.wakes import WAKE_CODES
from fleet.vehicles.sealing import unseal

logger = logging.getLogger(__name__)

# From the request for a permit to the first byte. A process that was frozen in between must not write.
GUARD_S = 1.0
# By then the request has left, and its answer has hardly come.
FIRST_BYTE_S = 0.01
# Beyond what the maker may take, until the sweeper calls the outcome unknown.
ANSWER_GRACE_S = 15.0
# The first look at the car follows at once, in this loop; this is for when this process is gone.
FIRST_CHECK_S = 30.0
WAKE_BUDGET_S = 60.0
# Nothing of this is the car's or the owner's fault, and nothing was written: try again soon.
GIVE_BACK_S = {
    "vehicle_unreachable": 10.0,
    "busy": 5.0,
    "rate_limited": 10.0,
    "upstream_down": 2.0,
    "upstream_error": 5.0,
}
# Whose wakes are nobody's who stands there and waits.
AUTOMATED = frozenset({"job", "schedule", "undo"})


class Carrier:
    """Carries one claimed command to its maker. `carry` returns what to record at the end.

    last_code: "" or the error code of the last answer, by which the provider's health is judged.
    """

    def __init__(self, store: Store, makers: Makers, rulebook: Rulebook, job: Job, starting: Starting) -> None:
        self._store = store
        self._makers = makers
        self._rulebook = rulebook
        self._job = job
        self._starting = starting
        self._deadline = time.monotonic() + job.left_s
        self._has_asked = False
        self._is_permitted = False
        self._is_unsure = False
        self._has_woken = False
        self._before: Any = None
        self.last_code = ""

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
        job = self._job
        try:
            adapter = await self._makers.adapter(job.app_id)
            order = make_command(job.kind, job.parameters | self._open_secret())
            with paying(Payer(job.app_id, job.account_id, job.lane_id, is_urgent=job.rank == 0)):
                verdict = await self._send_within_budget(adapter, order)
        except AdapterError as error:
            return await self._after_preparation_failed(error)
        except RuleBroken as broken:
            return self._make("claimed", "refused", code="rule", reason=broken.reason)
        except PermitRefused:
            return await self._after_refusal()
        except NotWritten:
            return self._after_not_written()
        return await self._after(verdict)

    def abandon(self) -> Outcome:
        """Say what to record when this process stops in the middle."""
        if self._is_permitted:
            return self._make("sending", "unknown", code="outcome_unknown")
        return self._make("claimed", "queued")

    def _open_secret(self) -> dict[str, str]:
        sealed = self._job.secret_sealed
        return {} if sealed is None else {"pin": unseal(sealed, bound_to=f"command:{self._job.id}:pin")}

    async def _send_within_budget(self, adapter: Adapter, order: Command) -> Verdict:
        """Take what the command will cost before anything of it leaves, and give back what it did not use."""
        payer = current_payer()
        rules = await self._rulebook.rules_for(self._job)
        must_look = (
            bool(rules)
            or self._job.is_probe
            or must_look_first(
                self._job.retry_class,
                online_state=self._job.online_state,
                age_s=self._job.state_age_s,
                check_first_s=self._job.check_first_s,
                attempts=self._job.attempts,
            )
        )

        async def renew(age_s: float) -> None:
            await self._makers.meter.renew(payer, age_s=age_s)

        await self._makers.meter.take(payer, n=1 + must_look)
        with prepaid(1 + must_look, renew) as paid:
            try:
                access = await self._prepare(adapter, rules, must_look=must_look)
                await self._makers.meter.take(payer, resource=Resource.COMMANDS)
                try:
                    return await self._send(adapter, access, order)
                finally:
                    if not self._is_permitted:
                        await self._makers.meter.give_back(payer, resource=Resource.COMMANDS)
            finally:
                if paid.left:
                    await self._makers.meter.give_back(payer, n=paid.left)

    async def _send(self, adapter: Adapter, access: Access, order: Command) -> Verdict:
        """Send it; once more with another token, or to a car woken meanwhile, if that failed before the permit."""
        permit, request_id = self._make_permit(adapter), str(self._job.id)
        try:
            return await adapter.send(access, order, permit=permit, request_id=request_id, left_s=self._left_s())
        except AdapterError as error:
            if self._has_asked:
                raise
            if error.code == "vehicle_asleep" and adapter.manifest.can_wake and not self._has_woken:
                with self._starting.away():
                    await self._wake(adapter, access)
            elif error.code == "needs_reconnect":
                login = await self._makers.renewed_login(self._job.account_id, refused=access.access_token)
                access = login.to(self._job.provider_vehicle_id)
            else:
                raise
        return await adapter.send(access, order, permit=permit, request_id=request_id, left_s=self._left_s())

    # Preparing: all that can fail without touching the car --------------------------------------------------------

    async def _prepare(self, adapter: Adapter, rules: list[Rule], *, must_look: bool) -> Access:
        """Get a token, look at the car if what is known is too old (kept as evidence), wake it if it sleeps."""
        reach("in_prepare")
        access = (await self._makers.login(self._job.account_id)).to(self._job.provider_vehicle_id)
        online_state = self._job.online_state
        if must_look:
            with self._starting.away():
                access, snapshot = await self._look(adapter, access)
            online_state = snapshot.online_state
            if rules and (broken := await self._rulebook.find_broken(rules, self._job, snapshot)) is not None:
                raise RuleBroken(broken.reason)
        if online_state == "offline":
            raise AdapterError("vehicle_unreachable")
        if online_state == "asleep" and adapter.manifest.can_wake:
            with self._starting.away():
                await self._wake(adapter, access)
        return access

    async def _look(self, adapter: Adapter, access: Access) -> tuple[Access, VehicleSnapshot]:
        try:
            snapshot = await adapter.read(access)
        except AdapterError as error:
            if error.code != "needs_reconnect":
                raise
            login = await self._makers.renewed_login(self._job.account_id, refused=access.access_token)
            access = login.to(self._job.provider_vehicle_id)
            snapshot = await adapter.read(access)
        self._before = value_for(self._job.kind, snapshot, self._job.scopes)
        await self._store.save_snapshot(self._job, snapshot, adapter.manifest.key)
        return access, snapshot

    async def _wake(self, adapter: Adapter, access: Access) -> None:
        is_automated = self._job.origin in AUTOMATED
        why = await in_thread(why_not_wake, self._job.vehicle_id) if is_automated else ""
        if why := why or await self._store.grant_wake(self._job, is_automated=is_automated):
            raise AdapterError("vehicle_asleep", detail=why)
        await self._makers.meter.take(current_payer(), resource=Resource.WAKES)
        self._has_woken = True
        await self._store.note_waking(self._job)
        budget_s = min(WAKE_BUDGET_S, self._left_s() - MARGIN_S)
        try:
            is_awake = budget_s > 0 and await adapter.wake(access, budget_s=budget_s)
        except AdapterError as error:
            if error.code == "quota_exhausted":
                # It was asked to wake, and only our own budget keeps us from seeing it: by the next try it is awake.
                raise
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
            reach("before_mark")
            try:
                is_given = await self._store.permit(Mark(self._job.id, self._job.fence, wait_s))
            except psycopg.Error as error:
                # Whether it was committed is not known. Unsure means: not a byte.
                self._is_unsure = True
                raise NotWritten from error
            if not is_given:
                raise PermitRefused
            self._is_permitted = True
            reach("after_mark")
            if time.monotonic() - began > GUARD_S or self._left_s() <= 0:
                raise NotWritten
            self._starting.leave()
            reach_soon("after_first_byte", FIRST_BYTE_S)

        return permit

    def _left_s(self) -> float:
        return self._deadline - time.monotonic()

    # What became of it --------------------------------------------------------------------------------------------

    def _make(self, expected: str, state: str, **what: Any) -> Outcome:
        return Outcome(self._job.id, self._job.fence, expected, state, before=self._before, **what)

    async def _after_preparation_failed(self, error: AdapterError) -> Outcome:
        self.last_code = error.code
        retry_s = GIVE_BACK_S.get(error.code)
        if error.code == "quota_exhausted":
            retry_s = error.retry_after_s if error.retry_after_s is not None else inf
        if retry_s is None:
            return self._make("claimed", "refused", code=error.code, reason=_reason_of(error))
        retry_s = error.retry_after_s if error.retry_after_s is not None else retry_s
        if error.code == "rate_limited":
            await self._store.hold(self._job.app_id, retry_s)
        if retry_s >= self._left_s() - MARGIN_S:
            # It would only wait for its deadline: say now why nothing came of it.
            return self._make("claimed", "expired", code=error.code)
        reach("before_give_back")
        return self._make("claimed", "queued", code=error.code, retry_s=retry_s)

    async def _after_refusal(self) -> Outcome | None:
        why = await self._store.why_not(self._job)
        if why is None:
            return None
        if why.code == "rate_limited":
            return await self._after_preparation_failed(AdapterError("rate_limited", retry_after_s=why.retry_s))
        return self._make("claimed", "expired" if why.code == "expired" else "refused", code=why.code)

    def _after_not_written(self) -> Outcome:
        if self._is_unsure:
            given_back = self._make("claimed", "queued", code="not_written", retry_s=1.0)
            return replace(given_back, otherwise=self._after_not_written_in_time())
        return self._after_not_written_in_time()

    def _after_not_written_in_time(self) -> Outcome:
        if self._may_send_again():
            return self._make("sending", "queued", code="not_written")
        # Frozen for so long that the sweeper called it unknown: we know better, nothing left.
        return self._make("sending,unknown", "refused", code="not_written")

    def _may_send_again(self) -> bool:
        # The permit counted: attempts on the job is the number before it.
        return self._job.retry_class == "A" and self._job.attempts + 1 < self._job.max_attempts

    async def _after(self, verdict: Verdict) -> Outcome:
        reach("after_answer")
        match verdict:
            case Done(evidence=evidence, ref=ref):
                return self._make("sending,unknown", "confirmed", evidence=evidence, ref=ref)
            case Accepted(ref=ref):
                return self._make("sending,unknown", "sent", ref=ref, check_s=FIRST_CHECK_S)
            case NotExecuted():
                return await self._after_not_executed(verdict)
            case MaybeExecuted(code=code):
                self.last_code = code
                return self._make("sending", "unknown", code=code, check_s=FIRST_CHECK_S)
        raise AssertionError(f"not a verdict: {verdict!r}")

    async def _after_not_executed(self, verdict: NotExecuted) -> Outcome:
        what: dict[str, Any] = {"code": verdict.code, "reason": verdict.reason}
        if not self._is_permitted:
            error = AdapterError(verdict.code, retry_after_s=verdict.retry_after_s)
            return await self._after_preparation_failed(error)
        self.last_code = verdict.code
        retry_s = verdict.retry_after_s
        if verdict.code == "rate_limited":
            await self._store.hold(self._job.app_id, GIVE_BACK_S["rate_limited"] if retry_s is None else retry_s)
        if verdict.code == "not_capable":
            await self._store.learn_cannot(self._job)
        if retry_s is not None and retry_s < self._left_s() and self._may_send_again():
            return self._make("sending", "queued", retry_s=retry_s, **what)
        return self._make("sending,unknown", "refused", **what)


def _reason_of(error: AdapterError) -> str:
    return error.detail if error.detail in WAKE_CODES else ""


async def finish_carrying(store: Store, outcome: Outcome) -> bool:
    """Record an outcome, outlasting a short outage of the database; the sweeper knows what to do if it stays away."""
    for wait_s in (0.0, 0.2, 1.0, 3.0):
        await asyncio.sleep(wait_s)
        try:
            reach("before_record")
            is_recorded = await store.record(outcome)
            if not is_recorded and outcome.otherwise is not None:
                is_recorded = await store.record(outcome.otherwise)
            reach("after_record")
        except psycopg.OperationalError as error:
            logger.warning("recording command %s failed: %s", outcome.id, type(error).__name__)
        else:
            return is_recorded
    return False
