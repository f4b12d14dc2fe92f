"""The lane is locked before its commands, by everybody: a press and whoever moves an older one never deadlock."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from commands.dispatch.store import Outcome, open_store
from commands.services import TooLate, cancel_command, sweep_commands
from fleet.adapters.commands import Lock, Unlock
from fleet.run.processes import wait_until
from tests.commands.rig import known, make_dispatchers_silent, press

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def cancel(command):
    try:
        cancel_command(command_id=command.id, actor="system:test")
    except TooLate as error:
        return error.command.state
    return "cancelled"


def give_back(command):
    async def record():
        async with open_store() as store:
            return await store.record(Outcome(command.id, command.fence, "claimed", "queued"))

    return asyncio.run(record())


def sweep(command):
    return sweep_commands()


@pytest.mark.parametrize("move", [cancel, give_back, sweep])
def test_press_when_it_supersedes_a_command_that_is_just_being_moved_then_neither_fails(link, as_owner, move):
    lock = press(link, Lock())
    as_owner.execute("SELECT set_config('fleetwell.actor', 'system:test', false)")
    as_owner.execute(
        "UPDATE commands_command SET state = 'claimed', lease_until = now() + interval '1 hour', fence = 1"
    )
    as_owner.execute("UPDATE vehicles_lane SET busy_id = %s", [lock.id])
    make_dispatchers_silent(as_owner)
    lock.refresh_from_db()

    def run(call, *arguments):
        try:
            return call(*arguments)
        finally:
            connection.close()

    def are_waiting(many):
        return wait_until(lambda: as_owner.execute(WAITING).fetchone()[0] >= many, within_s=5)

    with ThreadPoolExecutor(2) as pool:
        # Both come to a held lane, the press first; the one behind it must not have locked the command already.
        with as_owner.transaction():
            as_owner.execute("SELECT 1 FROM vehicles_lane FOR UPDATE")
            pressing = pool.submit(run, press, link, Unlock())
            assert are_waiting(1)
            moving = pool.submit(run, move, lock)
            assert are_waiting(2)
        unlock = pressing.result(timeout=10)
        moving.result(timeout=10)

    assert known(unlock)[0] == "queued"
    assert known(lock)[0] == "superseded"
