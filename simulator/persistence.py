"""Keeping the world over a restart: one JSON snapshot, replaced atomically. Behaviours and the ledger are not kept."""

import asyncio
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulator.accounts import Account
from simulator.cars import Car, PendingEffect
from simulator.oauth import Grant
from simulator.world import Reference, World

SAVE_EVERY_S = 2.0
VERSION = 1
_KEPT_REFERENCES = 1000


class Unreadable(Exception):
    """The snapshot is there and cannot be used."""


def make_snapshot(world: World) -> dict[str, Any]:
    return {
        "version": VERSION,
        "serial": world.garage.serial,
        "accounts": [asdict(account) for account in world.accounts],
        "clients": [asdict(client) for client in world.authorizations.clients.values()],
        "grants": [asdict(grant) for grant in world.authorizations.grants.values()],
        "cars": [{**asdict(car), "not_capable": sorted(car.not_capable)} for car in world.garage],
        "references": [
            {"ref": kept.ref, "account_id": kept.account_id, "status": kept.status, "reason": kept.reason}
            for kept in list(world.references.values())[-_KEPT_REFERENCES:]
        ],
        "shelves": world.shelves,
    }


def restore(world: World, snapshot: dict[str, Any]) -> None:
    """Fill an empty world. Effects that were due meanwhile happen now; call inside the running loop."""
    world.garage.serial = snapshot["serial"]
    for account in snapshot["accounts"]:
        world.accounts.add(Account(**account))
    for client in snapshot["clients"]:
        world.authorizations.register_client(**client)
    for grant in snapshot["grants"]:
        world.authorizations.restore_grant(Grant(**grant))
    for reference in snapshot["references"]:
        world.references[reference["ref"]] = Reference(**reference)
    world.shelves.update(snapshot.get("shelves", {}))
    for fields in snapshot["cars"]:
        pending = [PendingEffect(**effect) for effect in fields.pop("pending")]
        car = Car(**{**fields, "not_capable": frozenset(fields["not_capable"])}, pending=pending)
        # The number of an "asleep" setting means nothing to the next process.
        car.woken_generation = 0
        world.garage.add(car)
        for effect in pending:
            world.schedule(car, effect)


class Keeper:
    """Writes the snapshot to its folder when something has changed."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._path = folder / "simulator.json"
        self._saved_changes = -1
        self._writing = asyncio.Lock()

    def load(self) -> bool:
        """Restore the world from the snapshot; return whether there was one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if not self._path.exists():
            return False
        try:
            snapshot = json.loads(self._path.read_bytes())
            if snapshot["version"] != VERSION:
                raise Unreadable(f"{self._path} was written by another version; move it away to start afresh.")
            restore(self._world, snapshot)
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(f"{self._path} is damaged ({error!r}); move it away to start afresh.") from error
        return True

    async def save_regularly(self) -> None:
        took_s = 0.0
        while True:
            # A big world takes long to write down, and nothing else runs meanwhile: a twentieth of the time at most.
            await asyncio.sleep(max(SAVE_EVERY_S, 20 * took_s))
            began = time.monotonic()
            try:
                await self.save()
            except OSError as error:
                print(f"simulator: cannot write {self._path}: {error.strerror}; will try again", file=sys.stderr)
            took_s = time.monotonic() - began

    async def save(self) -> None:
        """Write the snapshot if anything has changed. One at a time: two writers would mix in the partial file."""
        async with self._writing:
            if self._saved_changes == self._world.changes:
                return
            changes = self._world.changes
            content = json.dumps(make_snapshot(self._world), separators=(",", ":")).encode()
            # Only the disk is waited for elsewhere; the snapshot itself is of one moment.
            await asyncio.to_thread(_write, self._path, content)
            self._saved_changes = changes


def _write(path: Path, content: bytes) -> None:
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
