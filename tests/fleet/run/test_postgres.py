"""PostgreSQL under our launcher: it keeps its data, and it never outlives us, however we end."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fleet.run import databases, postgres
from fleet.run.errors import RunError
from fleet.run.postgres import PostgresServer, find_programs, stop_stale
from fleet.run.processes import IS_LINUX, start_process
from fleet.run.users import NOBODY, nobody
from tests.fleet.run.programs import close, is_gone, python, read_numbers, wait_gone

STARTS_AND_WAITS = """
import sys, signal
from pathlib import Path
from fleet.run.postgres import PostgresServer
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by whoever runs the tests in the background
folder = Path(sys.argv[1])
sockets = folder / "sockets"
sockets.mkdir(mode=0o700, exist_ok=True)
server = PostgresServer(folder, sockets=sockets, log=folder / "postgresql.log", settings={"fsync": "off"})
server.start()
print(server.process.pid, flush=True)
signal.pause()
"""


@pytest.fixture
def server(folder: Path) -> Iterator[PostgresServer]:
    server = make_server(folder)
    yield server
    server.stop()


def make_server(folder: Path, **options: object) -> PostgresServer:
    sockets = folder / "sockets"
    sockets.mkdir(mode=0o700, exist_ok=True)
    log = folder / "postgresql.log"
    return PostgresServer(folder, sockets=sockets, log=log, settings={"fsync": "off"}, **options)


def test_start_when_started_again_then_the_data_is_there(folder: Path, server: PostgresServer) -> None:
    server.start()
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    server.stop()
    again = make_server(folder)

    again.start()

    with psycopg.connect(again.url()) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]
    again.stop()


def test_start_then_unix_socket_only_and_private(server: PostgresServer) -> None:
    server.start()

    with psycopg.connect(server.url()) as connection:
        listen = connection.execute("SHOW listen_addresses").fetchone()
        locale = connection.execute("SELECT upper('äß'), 'Z' < 'a'").fetchone()
    assert listen == ("",)
    assert server.socket_folder.stat().st_mode & 0o777 == 0o700
    assert server.data.name == f"postgresql-{server.major}"
    assert server.data.stat().st_mode & 0o777 == 0o700
    assert locale == ("Äß", True)


def test_stop_when_called_twice_then_nothing_is_left(server: PostgresServer) -> None:
    server.start()
    pid = server.process.pid

    server.stop()
    server.stop()

    assert is_gone(pid)
    assert not server.socket_folder.exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
@pytest.mark.skipif(not IS_LINUX, reason="without a parent-death signal the next start ends the server")
def test_server_when_its_parent_dies_then_it_goes_too(folder: Path, how: signal.Signals) -> None:
    parent = python(STARTS_AND_WAITS, folder)
    pids = read_numbers(parent)

    parent.send_signal(how)

    assert wait_gone(pids) == []
    close(parent)


def test_start_when_an_older_server_still_runs_then_it_is_ended_first(folder: Path, server: PostgresServer) -> None:
    server.start()
    older = server.process.pid
    newer = make_server(folder)

    newer.start()

    assert is_gone(older) or server.process.poll() is not None
    with psycopg.connect(newer.url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    newer.stop()


def test_stop_stale_when_the_pid_is_somebody_elses_then_it_lives(folder: Path) -> None:
    data = folder / "postgresql-18"
    data.mkdir()
    stranger = start_process(["sleep", "60"], log=folder / "log")
    (data / "postmaster.pid").write_text(f"{stranger.pid}\n{data}\n", encoding="utf-8")

    stop_stale(data)

    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_start_when_the_first_one_was_interrupted_then_it_begins_anew(server: PostgresServer) -> None:
    unfinished = server.data.with_name(server.data.name + ".unfinished")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18", encoding="ascii")

    server.start()

    assert not unfinished.exists()
    assert (server.data / "global").is_dir()


def test_start_when_the_server_refuses_then_the_end_of_its_log_is_shown(folder: Path) -> None:
    server = make_server(folder)
    server.settings["shared_buffers"] = "nonsense"

    with pytest.raises(RunError, match=r"(?s)PostgreSQL did not start.*nonsense"):
        server.start()

    assert not server.socket_folder.exists()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may reach. Only root can become another user, who must be able to read the programs."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes somebody else")
    try:
        nobody(find_programs() / "postgres")
    except RunError as error:
        pytest.skip(str(error))
    path = Path(tempfile.mkdtemp(prefix="fleetwell-open-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def test_start_when_root_without_namespaces_then_the_server_is_nobody(open_folder: Path) -> None:
    server = make_server(open_folder, as_nobody=True)

    server.start()

    owner = Path(f"/proc/{server.process.pid}").stat().st_uid
    with psycopg.connect(server.url()) as connection:
        answer = connection.execute("SELECT 1").fetchone()
    server.stop()
    assert owner == NOBODY
    assert answer == (1,)


def test_start_when_an_ordinary_user_then_the_server_is_that_user(open_folder: Path) -> None:
    os.chown(open_folder, NOBODY, NOBODY)
    # The interpreter may lie in root's home, so it is changed from within, after the imports.
    become_ordinary = f"import os\nos.setgroups([])\nos.setgid({NOBODY})\nos.setuid({NOBODY})\nfolder ="
    ordinary = python(STARTS_AND_WAITS.replace("folder =", become_ordinary, 1), open_folder)

    pids = read_numbers(ordinary)

    owners = [Path(f"/proc/{pid}").stat().st_uid for pid in pids]
    ordinary.send_signal(signal.SIGTERM)
    assert owners == [NOBODY]
    assert wait_gone(pids) == []
    close(ordinary)


def test_find_programs_when_pg_bin_has_no_server_then_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN", str(folder))

    with pytest.raises(RunError, match=f"PG_BIN is {folder}, and there is no PostgreSQL server in it"):
        find_programs()


def test_find_programs_when_the_system_has_another_then_the_wheel_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PG_BIN", raising=False)

    assert "site-packages" in str(find_programs())


def test_find_programs_when_there_is_none_then_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PG_BIN", raising=False)
    monkeypatch.setattr(postgres, "WHEELS", {})
    monkeypatch.setenv("PATH", str(folder))

    with pytest.raises(RunError, match="No PostgreSQL found"):
        find_programs()


def test_roles_then_the_application_owns_nothing_and_makes_no_tables(server: PostgresServer) -> None:
    server.start()
    databases.create_roles(server.url())
    databases.create_roles(server.url())
    databases.create_database(server.url(), "fleetwell")
    databases.close_public_schema(server.url("fleetwell", user=databases.OWNER))

    with psycopg.connect(server.url("fleetwell", user=databases.OWNER)) as connection:
        connection.execute("CREATE TABLE of_the_owner (number int)")

    with psycopg.connect(server.url("fleetwell", user=databases.APP), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE of_the_application (number int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM of_the_owner")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE ROLE another SUPERUSER")


def test_stamp_when_written_then_read_back_from_the_database_itself(server: PostgresServer) -> None:
    server.start()
    databases.create_roles(server.url())
    databases.create_database(server.url(), "fleetwell")

    before = databases.read_stamp(server.url(), "fleetwell")
    databases.write_stamp(server.url(), "fleetwell", "it's 7")

    assert (before, databases.read_stamp(server.url(), "fleetwell")) == (None, "it's 7")
