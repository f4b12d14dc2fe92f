"""Looking for the effect of a command that a maker took, or that nobody answered for."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from uuid import UUID

from commands.dispatch.makers import Makers
from commands.dispatch.store import Check, Outcome, Store
from commands.evidence import Finding, judge_report, judge_snapshot, judge_window
from fleet.adapters.base import Access, Adapter
from fleet.adapters.commands import KINDS, Command, make_command
from fleet.adapters.errors import AdapterError
from fleet.adapters.signals import VehicleSnapshot

logger = logging.getLogger(__name__)

# Most cars show the effect within a second of the answer; after these looks the reconciler goes on more slowly.
LOOK_AFTER_S = (0.0, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 5.0, 8.0)


async def follow(store: Store, makers: Makers, command_id: UUID) -> None:
    """Look at the car several times within some 20 s, until its own state tells what became of a command."""
    for wait_s in LOOK_AFTER_S:
        await asyncio.sleep(wait_s)
        checks = await store.checks([command_id])
        if not checks or await look(store, makers, checks[0]):
            return


async def look(store: Store, makers: Makers, check: Check) -> bool:
    """Look once: read the car without waking it, ask the maker, and record what that proves. True when it is final."""
    order = _order(check)
    snapshot: VehicleSnapshot | None = None
    finding: Finding | None = None
    try:
        adapter = await makers.adapter(check.app_id)
        access = Access(check.provider_vehicle_id, await makers.access_token(check.account_id))
        snapshot = await adapter.read(access)
        await store.save_snapshot(check, snapshot, adapter.manifest.key)
        finding = await _judge(adapter, access, order, check, snapshot)
    except AdapterError as error:
        logger.info("looking for the effect of command %s: %s", check.id, error.code)
    if finding is None:
        finding = judge_window(order, snapshot, answered_at=check.answered_at, now=datetime.now(UTC))
    return finding is not None and await store.record(_outcome(check, finding))


async def _judge(
    adapter: Adapter, access: Access, order: Command, check: Check, snapshot: VehicleSnapshot
) -> Finding | None:
    finding = judge_snapshot(
        order, snapshot, scopes=check.scopes, answered_at=check.answered_at, is_overtaken=check.is_overtaken
    )
    if finding is None and check.ref and adapter.manifest.can_poll:
        finding = judge_report(await adapter.poll(access, check.ref), order=order, scopes=check.scopes)
    return finding


def _order(check: Check) -> Command:
    # A PIN is long gone by now; what proves it does not depend on its digits.
    secrets = dict.fromkeys(KINDS[check.kind].secrets, "0000")
    return make_command(check.kind, check.parameters | secrets)


def _outcome(check: Check, finding: Finding) -> Outcome:
    return Outcome(
        check.id,
        check.fence,
        "sent,unknown",
        finding.state,
        evidence=_evidence(check, finding),
        code=finding.code,
        reason=finding.reason,
        after=finding.value,
        observed_at=finding.observed_at,
    )


def _evidence(check: Check, finding: Finding) -> str:
    # The car was so before: true, but no proof that the command did it.
    was_so_before = finding.evidence == "readback" and check.before is not None and check.before == finding.value
    return "already" if was_so_before else finding.evidence
