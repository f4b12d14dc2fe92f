"""How a command gets to a car: signed, plain, or not at all; with all that has to be known before the one request."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fleet.adapters.base import Access
from fleet.adapters.commands import Command, SetPin, StartClimate, StartEngine
from fleet.adapters.errors import Accepted, AdapterError, Done, MaybeExecuted, NotExecuted, Verdict
from fleet.adapters.http import Answer, OnePermit
from fleet.adapters.providers.tesla import rest
from fleet.adapters.providers.tesla.cars import UNSIGNED, Standing, standing
from fleet.adapters.providers.tesla.cloud import Cloud, error_text
from fleet.adapters.providers.tesla.sessions import CarSessions, NotPaired, read_answer, signed_body, signed_path
from fleet.adapters.providers.tesla.signing.orders import signed_order
from fleet.adapters.providers.tesla.signing.replies import NotOurs
from fleet.adapters.providers.tesla.signing.verdicts import verdict_of_reply

# A signed command dies in the car after so long, and at its deadline if that is sooner. Shorter than we wait for its
# answer (card.toml): who has given up waiting reads a car that can no longer obey. Long enough for clocks that have
# drifted apart by some seconds.
LIFETIME_S = 25.0
# Whether a car wants signatures changes with its firmware at most, and whether it knows our key, seldom.
STANDING_S = 300.0


class Sender:
    """Sends commands to cars for one registration. Without sessions (no signing key) only plain ones."""

    def __init__(self, cloud: Cloud, sessions: CarSessions | None, *, answer_within_s: float) -> None:
        self._cloud = cloud
        self._sessions = sessions
        self._answer_within_s = answer_within_s
        self._standings: dict[str, tuple[float, Standing]] = {}
        # What the cloud said when it was asked to pass a command on; it knows better than fleet_status.
        self._must_sign: dict[str, bool] = {}

    async def send(self, access: Access, command: Command, permit: OnePermit) -> Verdict:
        """Send one command. Raises AdapterError when something before it went wrong, and what Http.act raises."""
        _check_sayable(command)
        if command.kind in UNSIGNED:
            return await self._send_plain(access, command, permit)
        vin = access.provider_vehicle_id
        found = await self.find_standing(access)
        if not self._must_sign.get(vin, found.must_sign):
            refusal = await self._look_at_trunk(access, command)
            return refusal or await self._send_plain(access, command, permit)
        if self._sessions is None:
            return NotExecuted("setup_required", written=False)
        if not found.is_paired:
            return NotExecuted("needs_pairing", written=False)
        try:
            return await self._send_signed(self._sessions, access, command, permit)
        except NotPaired:
            self._standings.pop(vin, None)
            return NotExecuted("needs_pairing", written=False)

    async def find_standing(self, access: Access, *, is_fresh: bool = False) -> Standing:
        """Return how a car takes commands; what was asked lately, unless it has to be fresh. Raises AdapterError."""
        vin = access.provider_vehicle_id
        until, known = self._standings.get(vin, (0.0, None))
        if known is not None and not is_fresh and time.monotonic() < until:
            return known
        said = await self._cloud.post("/api/1/vehicles/fleet_status", access, {"vins": [vin]})
        found = standing(said, vin)
        if found is None:
            raise AdapterError("upstream_error", detail="fleet_status says nothing of the car")
        # Who is about to be paired must not wait for what was known before.
        if found.is_paired or not found.must_sign:
            self._standings[vin] = time.monotonic() + STANDING_S, found
        return found

    # Plain --------------------------------------------------------------------------------------------------------

    async def _send_plain(self, access: Access, command: Command, permit: OnePermit) -> Verdict:
        name, body = rest.order(command)
        path = f"/api/1/vehicles/{quote(access.provider_vehicle_id, safe='')}/command/{name}"
        answer = await self._cloud.act(path, access, body, permit=permit, timeout_s=self._answer_within_s)
        self._learn(answer, access)
        return _no_more_than_known(rest.verdict_of(answer, command.kind), command)

    async def _look_at_trunk(self, access: Access, command: Command) -> NotExecuted | None:
        """Refuse to turn a trunk round that stands as it should, or nobody knows how: the plain command is a toggle."""
        if command.kind not in {"open_trunk", "close_trunk"}:
            return None
        described = await self.describe(access, "vehicle_state;vehicle_config")
        state, config = described.get("vehicle_state"), described.get("vehicle_config")
        lid = state.get("rt") if isinstance(state, dict) else None
        if not isinstance(lid, int):
            return NotExecuted("upstream_error", written=False)
        if command.kind == "open_trunk":
            return NotExecuted("vehicle_refused", "trunk_open", written=False) if lid else None
        if not isinstance(config, dict) or config.get("plg") is not True:
            return NotExecuted("not_capable", written=False)
        return None if lid else NotExecuted("vehicle_refused", "other", written=False)

    async def describe(self, access: Access, parts: str) -> Mapping[str, Any]:
        """Read parts of vehicle_data. Raises AdapterError("vehicle_asleep") for a car that is not awake, and others."""
        vin = access.provider_vehicle_id
        said = await self._cloud.get(
            f"/api/1/vehicles/{quote(vin, safe='')}/vehicle_data?endpoints={quote(parts, safe='')}", access
        )
        if not isinstance(said, dict) or said.get("vin") != vin:
            raise AdapterError("upstream_error", detail="not this car")
        return said

    # Signed -------------------------------------------------------------------------------------------------------

    async def _send_signed(self, sessions: CarSessions, access: Access, command: Command, permit: OnePermit) -> Verdict:
        domain, payload = signed_order(command)
        until_s = time.time() + min(LIFETIME_S, permit.left_s)
        has_one_try = command.retry_class.max_requests == 1
        sent = await sessions.sign(access, domain, payload, until_s=until_s, has_one_try=has_one_try)
        answer = await self._cloud.act(
            signed_path(access), access, signed_body(sent), permit=permit, timeout_s=self._answer_within_s
        )
        if answer.status != 200:
            self._learn(answer, access)
            return rest.verdict_of_status(answer)
        try:
            reply = read_answer(answer, sent)
        except (NotOurs, AdapterError):
            return MaybeExecuted(detail="HTTP 200")
        await sessions.learn(reply, sent)
        verdict = verdict_of_reply(reply, domain=domain, kind=command.kind)
        if isinstance(verdict, NotExecuted) and verdict.code == "needs_pairing":
            self._standings.pop(access.provider_vehicle_id, None)
        return _no_more_than_known(verdict, command)

    def _learn(self, answer: Answer, access: Access) -> None:
        """Keep what a refusal tells of how this car takes commands."""
        text = error_text(answer)
        if answer.status == 403 and rest.MUST_SIGN in text:
            self._must_sign[access.provider_vehicle_id] = True
        elif answer.status == 422 and rest.CANNOT_READ_SIGNED in text:
            self._must_sign[access.provider_vehicle_id] = False


def _check_sayable(command: Command) -> None:
    """Raise AdapterError for what one request cannot tell: nobody may read of what the car never heard of."""
    match command:
        case StartClimate(temperature_c=temperature) if temperature is not None:
            raise AdapterError("invalid_request", detail="a temperature is a command of its own")
        case StartEngine(duration_min=minutes) if minutes is not None:
            raise AdapterError("invalid_request", detail="the car chooses for how long it may be driven")


def _no_more_than_known(verdict: Verdict, command: Command) -> Verdict:
    """A car that stores a PIN already keeps it, and says yes to a new one all the same: "taken" is all we know.

    Removing the old one first would be a second request that acts; that is the owner's own command (reset_pin).
    """
    if isinstance(command, SetPin) and isinstance(verdict, Done):
        return Accepted()
    return verdict
