"""The folder of all state: one instance at a time, private secrets, and sentences when it cannot be."""

import errno
import os
import signal
import stat
from pathlib import Path

import pytest

from fleet.run.errors import RunError, from_os_error
from fleet.run.home import LOG_LIMIT_BYTES, Home
from tests.fleet.run.programs import close, python, read_numbers, wait_gone

HOLDS = """
import os, signal, sys
from pathlib import Path
from fleet.run.home import Home
with Home(Path(sys.argv[1])) as home:
    print(os.getpid(), flush=True)
    signal.pause()
"""


def test_open_when_another_instance_holds_it_then_a_sentence_with_its_process(folder: Path) -> None:
    other = python(HOLDS, folder)
    (pid,) = read_numbers(other)

    with pytest.raises(RunError) as caught, Home(folder):
        pass

    assert str(caught.value) == (
        f"Fleetwell already runs from {folder} (process {pid}): "
        "stop that one first, or set FLEETWELL_VAR and FLEETWELL_PORT to run another."
    )
    close(other)


def test_open_when_the_holder_was_killed_then_free(folder: Path) -> None:
    other = python(HOLDS, folder)
    pids = read_numbers(other)
    other.send_signal(signal.SIGKILL)
    assert wait_gone(pids) == []

    with Home(folder) as home:
        assert home.folder == folder.resolve()
    close(other)


def test_open_when_a_crash_left_sockets_then_they_are_removed(folder: Path) -> None:
    with Home(folder) as home:
        left_over = home.make_socket_folder("pg")
        (left_over / "socket").touch()

    with Home(folder):
        assert not left_over.exists()


def test_open_when_the_note_of_sockets_names_something_else_then_it_stays(folder: Path) -> None:
    precious = folder / "fleetwell-precious"
    precious.mkdir()
    (folder / "sockets").write_text(f"{precious}\n", encoding="utf-8")

    with Home(folder):
        assert precious.is_dir()


def test_keep_when_asked_again_then_the_same_and_private(home: Home) -> None:
    first = home.keep("secret", lambda: "made")

    second = home.keep("secret", lambda: "made again")

    mode = stat.S_IMODE((home.folder / "secret").stat().st_mode)
    assert (first, second, mode) == ("made", "made", 0o600)


def test_keep_when_the_disk_fills_up_then_no_half_secret(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space left"):
        home.keep("secret", lambda: "made")

    assert [path.name for path in home.folder.iterdir() if path.name.startswith("secret")] == []


def test_log_when_it_has_grown_then_set_aside(home: Home) -> None:
    home.log("web").write_bytes(b"x" * (LOG_LIMIT_BYTES + 1))

    log = home.log("web")

    assert not log.exists()
    assert log.with_suffix(".log.1").stat().st_size == LOG_LIMIT_BYTES + 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_from_os_error_when_the_disk_is_full_then_says_so(number: int) -> None:
    error = from_os_error(OSError(number, os.strerror(number)), folder=Path("/data"))

    assert str(error) == ("The disk that holds /data is full: free some space, or set FLEETWELL_VAR to another folder.")


def test_open_when_it_may_not_write_then_a_sentence(folder: Path) -> None:
    blocker = folder / "a-file"
    blocker.touch()

    with pytest.raises(RunError, match="Not a directory"), Home(blocker / "var"):
        pass
