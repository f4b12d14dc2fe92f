"""Sessions with the parts of cars: handshakes, counters that are used once, and what faults teach."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from weakref import WeakValueDictionary

from fleet.adapters.base import Access
from fleet.adapters.errors import AdapterError
from fleet.adapters.http import Answer
from fleet.adapters.providers.tesla.cloud import Cloud
from fleet.adapters.providers.tesla.signing.keys import BadKey, SigningKey
from fleet.adapters.providers.tesla.signing.messages import (
    HIGHEST_COUNTER,
    Sent,
    Terms,
    make_handshake,
    sign,
)
from fleet.adapters.providers.tesla.signing.replies import (
    NotBelieved,
    NotOurs,
    Reply,
    Told,
    read_reply,
    read_session,
)
from fleet.adapters.providers.tesla.signing.verdicts import BUSY, FAULTS
from fleet.adapters.sessions import CarSession, SessionStore

# Another process may shake hands at the same moment, with a car that has just started anew.
TRIES = 3
# A car that has started anew refuses what was signed for its old epoch. Who has one try only asks first, if the car was
# not heard of for so long: one call more, and no unlock that fails because a car has rebooted in the night.
FRESH_S = 600.0


class NotPaired(Exception):
    """The car does not know our key."""


class CarSessions:
    """Signs commands for cars. What it knows of a car lives in the store; only clocks it has seen are kept here."""

    def __init__(self, cloud: Cloud, store: SessionStore, key: SigningKey) -> None:
        self._cloud = cloud
        self._store = store
        self._key = key
        # (car, part) -> its epoch, and the latest that its clock was seen to show.
        self._clocks: dict[tuple[str, int], tuple[bytes, int]] = {}
        # (car, part) -> when it last showed, in our process, that the session is its.
        self._heard: dict[tuple[str, int], float] = {}
        # A handshake is billed and counted like a command: who finds one going on waits for what it brings.
        self._greeting: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()

    async def sign(self, access: Access, domain: int, payload: bytes, *, until_s: float, has_one_try: bool) -> Sent:
        """Sign one command, which the car refuses from until_s (Unix time) on. The counter it takes is used up.

        has_one_try: a session that turns out to be an old one cannot be mended by sending again.
        Raises AdapterError and NotPaired; then nothing that acts has left.
        """
        vin, part = access.provider_vehicle_id, str(domain)
        if has_one_try and time.monotonic() - self._heard.get((vin, domain), -FRESH_S) >= FRESH_S:
            await self._shake_hands(access, domain)
        for _ in range(TRIES):
            session = await self._store.load(vin, part) or await self._begin(access, domain)
            counter = await self._store.take_counter(vin, part, epoch=session.epoch)
            if counter is None:
                continue
            if counter > HIGHEST_COUNTER:
                raise AdapterError("upstream_error", detail="counter used up")
            # Rounded down, and the clock was read when its word had arrived: both let a command end sooner, not later.
            expires_at = int(until_s - session.clock_zero_s)
            terms = Terms(session.epoch, counter, expires_at)
            try:
                return sign(
                    self._key, self._key.share_with(session.public_key), payload, vin=vin, domain=domain, terms=terms
                )
            except (BadKey, OverflowError):
                # What is stored makes no sense (a clock of ours that was wrong by years): begin anew.
                await self._shake_hands(access, domain)
        raise AdapterError("busy", detail="no session")

    async def learn(self, reply: Reply, sent: Sent) -> None:
        """Keep the session that a car adds to a fault, so that the next try fits, if the car vouches for it; without a
        fault, that the session is still the car's.
        """
        if reply.session_info is None:
            if not reply.fault:
                self._heard[sent.vin, sent.domain] = time.monotonic()
            return
        try:
            await self._keep(read_session(reply, sent, self._key), sent)
        except NotBelieved:
            return

    async def _begin(self, access: Access, domain: int) -> CarSession:
        vin = access.provider_vehicle_id
        lock = self._greeting.setdefault((vin, domain), asyncio.Lock())
        async with lock:
            return await self._store.load(vin, str(domain)) or await self._shake_hands(access, domain)

    async def _shake_hands(self, access: Access, domain: int) -> CarSession:
        sent = make_handshake(self._key, vin=access.provider_vehicle_id, domain=domain)
        answer = await self._cloud.ask("POST", signed_path(access), access, signed_body(sent))
        try:
            reply = read_answer(answer, sent)
            if reply.session_info is None and (reply.fault or reply.is_waiting):
                raise _error_of(reply)
            told = read_session(reply, sent, self._key)
            if not told.is_paired:
                raise NotPaired
            return await self._keep(told, sent)
        except (NotOurs, NotBelieved) as error:
            raise AdapterError("upstream_error", detail=f"handshake: {error}") from error

    async def _keep(self, told: Told, sent: Sent) -> CarSession:
        epoch, seen = self._clocks.get((sent.vin, sent.domain), (b"", 0))
        if epoch == told.epoch and told.clock_s < seen:
            raise NotBelieved("its clock went back")
        self._clocks[sent.vin, sent.domain] = told.epoch, told.clock_s
        session = CarSession(told.public_key, told.epoch, told.counter, time.time() - told.clock_s)
        await self._store.save(sent.vin, str(sent.domain), session)
        self._heard[sent.vin, sent.domain] = time.monotonic()
        return session


def _error_of(reply: Reply) -> AdapterError | NotPaired:
    """Return why a car gave no session."""
    verdict = FAULTS.get(reply.fault) if reply.fault else BUSY
    if verdict is None:
        return AdapterError("upstream_error", detail=f"fault {reply.fault}")
    if verdict.code == "needs_pairing":
        return NotPaired()
    return AdapterError(verdict.code, detail=f"fault {reply.fault}", retry_after_s=verdict.retry_after_s)


def signed_path(access: Access) -> str:
    return f"/api/1/vehicles/{quote(access.provider_vehicle_id, safe='')}/signed_command"


def signed_body(sent: Sent) -> Mapping[str, Any]:
    return {"routable_message": base64.b64encode(sent.body).decode("ascii")}


def read_answer(answer: Answer, sent: Sent) -> Reply:
    """Return the car's reply out of the cloud's answer. Raises AdapterError for an error of the cloud, and NotOurs."""
    said = Cloud.said(answer)
    if not isinstance(said, str):
        raise NotOurs("no message")
    try:
        raw = base64.b64decode(said, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotOurs("no message") from error
    return read_reply(raw, sent)
