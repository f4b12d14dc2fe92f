"""A PIN on its way: seen by the car alone, in clear nowhere else, and gone as soon as it is no longer needed."""

import logging
import re

import psycopg
import pytest
from psycopg import sql

from commands.models import CommandSecret
from commands.services import cancel_command, sweep_commands
from fleet.adapters.commands import DisableValet, EnableValet, ResetPin, SetPin
from fleet.celery import app
from tests.commands.rig import carry, end_time_of, known, press

PIN = "8317"
# Not as a part of a longer number or of an id.
ALONE = r"(?<![0-9a-fA-F.])8317(?![0-9a-fA-F])"


def places_of_the_pin(connection: psycopg.Connection) -> list[str]:
    """The columns of the whole database that hold the PIN in clear, whatever their type."""
    columns = connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
    ).fetchall()
    found = []
    for table, column, kind in columns:
        names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
        if kind == "bytea":
            query = sql.SQL("SELECT EXISTS (SELECT 1 FROM {table} WHERE position(%s::bytea IN {column}) > 0)")
            row = connection.execute(query.format(**names), [PIN.encode()]).fetchone()
        else:
            query = sql.SQL("SELECT EXISTS (SELECT 1 FROM {table} WHERE {column}::text ~ %s)")
            row = connection.execute(query.format(**names), [ALONE]).fetchone()
        if row[0]:
            found.append(f"{table}.{column}")
    return found


def messages_in_the_broker() -> list[str]:
    """Everything of every message that waits for a dispatcher: its body, headers and properties."""
    found = []
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        while message := channel.basic_get("dispatch", no_ack=True):
            found.append(f"{message.body!r} {message.headers} {message.properties}")
    return found


@pytest.mark.parametrize("order", [SetPin(pin=PIN), EnableValet(pin=PIN), DisableValet(pin=PIN)], ids=lambda o: o.kind)
def test_pin_when_it_waits_and_is_sent_then_it_is_in_clear_nowhere(link, car, as_owner, caplog, order):
    caplog.set_level(logging.DEBUG)
    command = press(link, order)
    while_waiting = places_of_the_pin(as_owner), CommandSecret.objects.count()
    messages = messages_in_the_broker()
    carry()

    assert while_waiting == ([], 1)
    assert ["commands.tasks.dispatch" in message for message in messages] == [True]
    assert [message for message in messages if re.search(ALONE, message)] == []
    assert len(car.requests()) == 1
    assert (places_of_the_pin(as_owner), CommandSecret.objects.count()) == ([], 0)
    assert not re.search(ALONE, caplog.text)
    assert PIN not in repr(command) + repr(order) + str(command.parameters)


def test_search_for_the_pin_when_it_is_somewhere_in_clear_then_it_is_found(link, as_owner):
    press(link, ResetPin(), idempotency_key=f"pin {PIN}")

    assert places_of_the_pin(as_owner) == ["commands_command.idempotency_key"]


def test_pin_when_the_car_gets_it_then_it_is_the_right_one(link, car):
    press(link, SetPin(pin=PIN))
    carry()
    car.behave(answer="ack")

    repeated = press(link, SetPin(pin=PIN))
    carry()

    # The simulated car says "already" only to the PIN that it has.
    assert known(repeated)[:2] == ("confirmed", "already")


def cancel(command, as_owner):
    cancel_command(command_id=command.id, actor="system:test")


def expire(command, as_owner):
    end_time_of(as_owner, command)
    sweep_commands()


def supersede(command, as_owner):
    press(command.link, ResetPin())


@pytest.mark.parametrize(("end", "state"), [(cancel, "cancelled"), (expire, "expired"), (supersede, "superseded")])
def test_secret_when_its_command_ends_unsent_then_it_is_gone(link, as_owner, end, state):
    command = press(link, SetPin(pin=PIN))

    end(command, as_owner)

    assert known(command)[0] == state
    assert CommandSecret.objects.count() == 0


def test_secret_when_the_command_is_given_back_then_it_is_still_there_for_the_next_try(link, car):
    car.set(online="offline")

    command = press(link, SetPin(pin=PIN))
    carry()

    assert known(command)[0] == "queued"
    assert CommandSecret.objects.filter(command=command).exists()
