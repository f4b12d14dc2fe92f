"""What the database itself refuses, whoever asks: an old worker, the application, the owner of the tables in psql."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql

from commands.models import FINAL, State
from commands.transitions import TRANSITIONS
from fleet.adapters.commands import Lock, SetPin, Unlock
from tests.commands.rig import carry, press, undone
from tests.factories import join_simulated_car, make_team


@pytest.fixture(params=["application", "owner"])
def anybody(request, committed_db) -> Iterator[psycopg.Connection]:
    """A connection in each of the two roles, in the name of somebody."""
    url = committed_db.url if request.param == "application" else committed_db.owner_url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT set_config('fleetwell.actor', 'system:test', false)")
        yield connection


def move(connection: psycopg.Connection, command_id: object, state: str) -> None:
    """Change the state with everything that the other constraints want, so that only the table of states is left."""
    connection.execute(
        """
        UPDATE commands_command SET state = %(state)s::text,
            attempts = attempts + CASE WHEN %(state)s::text = 'sending' AND state <> 'sending' THEN 1 ELSE 0 END,
            lease_until = CASE WHEN %(state)s::text = 'claimed' THEN now() + interval '1 minute' END,
            finished_at = CASE WHEN %(state)s::text = ANY(%(final)s) THEN now() END,
            evidence = CASE WHEN %(state)s::text = 'confirmed' THEN 'readback' ELSE '' END
        WHERE id = %(id)s
        """,
        {"state": state, "final": [str(final) for final in FINAL], "id": command_id},
    )


def ways_to_every_state() -> dict[str, list[str]]:
    """The shortest legal way from queued to each state."""
    ways: dict[str, list[str]] = {"queued": []}
    found = ["queued"]
    for state in found:
        for old, new in sorted(TRANSITIONS):
            if old == state and new not in ways:
                ways[new] = [*ways[state], new]
                found.append(new)
    return ways


def refusal_of(connection: psycopg.Connection, statement: sql.Composable | str, *parameters: object) -> str:
    """Why a statement was refused, in the trigger's words after the colon; "" when it passed."""
    with undone(connection):
        try:
            connection.execute(statement, parameters)
        except errors.CheckViolation as error:
            return str(error.diag.message_primary).partition(": ")[2] or str(error.diag.message_primary)
    return ""


def is_moved(connection: psycopg.Connection, command_id: object, state: str) -> bool:
    try:
        with connection.transaction():
            move(connection, command_id, state)
    except errors.CheckViolation:
        return False
    return True


def test_table_of_transitions_when_read_then_it_equals_the_code(link, anybody):
    rows = anybody.execute("SELECT from_state, to_state FROM commands_transition").fetchall()

    assert set(rows) == TRANSITIONS
    assert set(ways_to_every_state()) == set(State.values)


@pytest.mark.parametrize("order", [Lock(), Unlock()], ids=["class A", "class B"])
def test_every_pair_of_states_when_tried_then_only_the_transitions_of_the_table_pass(link, anybody, order):
    command = press(link, order)
    legal = TRANSITIONS if order.kind == "lock" else TRANSITIONS - {("sending", "queued")}

    passed = set()
    for old, way in ways_to_every_state().items():
        with undone(anybody):
            for state in way:
                move(anybody, command.id, state)
            for new in set(State.values) - {old}:
                with undone(anybody):
                    if is_moved(anybody, command.id, new):
                        passed.add((old, new))

    assert passed == legal


COLUMNS = {
    "id": "gen_random_uuid()",
    "team_id": "gen_random_uuid()",
    "vehicle_id": "gen_random_uuid()",
    "lane_id": "gen_random_uuid()",
    "link_id": "gen_random_uuid()",
    "app_id": "gen_random_uuid()",
    "kind": "'unlock'",
    "family": "'charge'",
    "retry_class": "'B'",
    "parameters": """'{"limit_percent": 90}'""",
    "authority_id": "gen_random_uuid()",
    "authority_version": "authority_version + 1",
    "consent_version": "consent_version + 1",
    "sequence": "sequence + 1",
    "max_attempts": "1",
    "accepted_at": "accepted_at - interval '1 s'",
    "deadline": "deadline + interval '1 s'",
    "fence": "fence - 1",
    "claims": "claims - 2",
    "attempts": "attempts + 1",
}


def test_columns_when_they_may_not_change_then_every_change_is_refused(link, anybody):
    press(link, Lock())

    refusals = {}
    for column, value in COLUMNS.items():
        change = sql.SQL("UPDATE commands_command SET {} = {}").format(sql.Identifier(column), sql.SQL(value))
        refusals[column] = refusal_of(anybody, change)

    unlawful = "an immutable or monotonic column changed"
    assert refusals == dict.fromkeys(COLUMNS, unlawful) | {"attempts": "attempt without a permit"}


@pytest.mark.parametrize("more", [0, 2])
def test_permit_when_it_does_not_count_exactly_one_attempt_then_it_is_refused(link, anybody, more):
    command = press(link, Lock())
    move(anybody, command.id, "claimed")

    with pytest.raises(errors.CheckViolation, match="permit is not given"):
        anybody.execute(
            "UPDATE commands_command SET state = 'sending', lease_until = NULL, attempts = attempts + %s WHERE id = %s",
            [more, command.id],
        )


def test_permit_when_the_deadline_has_passed_then_it_is_refused(link, anybody):
    command = press(link, Lock())
    move(anybody, command.id, "claimed")
    anybody.execute("UPDATE commands_command SET deadline = accepted_at + interval '1 microsecond'")

    with pytest.raises(errors.CheckViolation, match="permit is not given"):
        move(anybody, command.id, "sending")


COPY = "CREATE TEMPORARY TABLE born AS SELECT * FROM commands_command WHERE id = '{}'"
BEAR = "INSERT INTO commands_command SELECT * FROM born"


@pytest.mark.parametrize("start", ["state = 'claimed', lease_until = now()", "attempts = 1", "claims = 1", "fence = 7"])
def test_command_when_it_is_not_born_as_queued_then_it_is_refused(link, committed_db, start):
    command = press(link, Lock())

    with psycopg.connect(committed_db.url) as connection:
        connection.execute("SELECT set_config('fleetwell.actor', 'system:test', false)")
        connection.execute(COPY.format(command.id))
        connection.execute("UPDATE born SET id = gen_random_uuid(), sequence = sequence + 1")
        lawful = refusal_of(connection, BEAR)
        connection.execute(sql.SQL("UPDATE born SET {}").format(sql.SQL(start)))
        unlawful = refusal_of(connection, BEAR)

    assert (lawful, unlawful) == ("", "must start as queued")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE commands_command SET state = 'cancelled', finished_at = now()",
        "UPDATE commands_command SET state = 'claimed', lease_until = now()",
    ],
)
def test_change_of_state_when_nobody_is_named_then_it_is_refused(link, committed_db, change):
    press(link, Lock())

    with psycopg.connect(committed_db.url) as connection, pytest.raises(errors.Error) as refusal:
        connection.execute(change)

    assert isinstance(refusal.value, errors.UndefinedObject | errors.CheckViolation)
    assert "fleetwell.actor" in str(refusal.value) or "event_has_actor" in str(refusal.value)


def test_lane_and_secret_when_a_command_is_moved_by_hand_then_they_are_let_go_by_every_path(link, anybody):
    command = press(link, SetPin(pin="4711"))
    ways = [("claimed", *way[1:]) for way in ways_to_every_state().values() if "claimed" in way]
    ways += [("claimed", new) for old, new in TRANSITIONS if old == "claimed"]

    held, kept = set(), set()
    for way in ways:
        with undone(anybody):
            anybody.execute("UPDATE vehicles_lane SET busy_id = %s", [command.id])
            for state in way:
                move(anybody, command.id, state)
            if anybody.execute("SELECT busy_id FROM vehicles_lane").fetchone() != (None,):
                held.add(way[-1])
            if anybody.execute("SELECT count(*) FROM commands_commandsecret").fetchone() != (0,):
                kept.add(way[-1])

    assert {way[-1] for way in ways} == set(State.values)
    assert (held, kept) == ({"claimed", "sending"}, {"queued", "claimed"})


def test_command_when_it_names_another_teams_row_then_it_is_refused(link, committed_db, simulator):
    ours = press(link, Lock())
    theirs = press(join_simulated_car(make_team(), simulator), Lock())

    refused = {}
    with psycopg.connect(committed_db.url, autocommit=True) as connection:
        connection.execute("SELECT set_config('fleetwell.actor', 'system:test', false)")
        for column in ("vehicle_id", "link_id", "authority_id"):
            with undone(connection):
                connection.execute(COPY.format(ours.id))
                connection.execute("UPDATE born SET id = gen_random_uuid(), sequence = sequence + 1")
                change = sql.SQL("UPDATE born SET {} = %s").format(sql.Identifier(column))
                connection.execute(change, [getattr(theirs, column)])
                try:
                    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                    connection.execute(BEAR)
                except errors.ForeignKeyViolation as error:
                    refused[column] = error.diag.constraint_name

    assert refused == {
        column: f"commands_command_{column}_same_team" for column in ("vehicle_id", "link_id", "authority_id")
    }


def test_two_commands_of_a_car_when_both_want_to_be_in_flight_then_the_second_is_refused(link, anybody):
    first, second = press(link, Lock()), press(link, SetPin(pin="4711"))
    move(anybody, first.id, "claimed")

    with pytest.raises(errors.UniqueViolation, match="command_one_in_flight"):
        move(anybody, second.id, "claimed")


def test_confirmed_unlock_when_somebody_wants_it_sent_again_then_it_is_refused(link, car, anybody):
    command = press(link, Unlock())
    carry()

    with pytest.raises(errors.CheckViolation, match="confirmed -> queued is not allowed"):
        move(anybody, command.id, "queued")

    assert car.requests() == ["unlock"]
