"""Children under the supervisor: all are stopped, none is left, and a dead one ends everything with a sentence."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from fleet.run.children import Child, logged
from fleet.run.errors import RunError
from fleet.run.home import Home
from fleet.run.processes import IS_LINUX, wait_until
from fleet.run.supervisor import StopFlag, StopRequested, Supervisor
from tests.fleet.run.programs import PATIENCE_S, close, is_gone, python, read_numbers, wait_gone

POLITE = "import signal; print('ready', flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
WITH_A_CHILD = (
    "import subprocess, sys, signal; child = subprocess.Popen(['sleep', '600']);"
    "print('ready', child.pid, flush=True); signal.pause()"
)
DIES = "import sys; print('the tank is empty', flush=True); sys.exit(3)"
SUPERVISES = """
import os, signal, sys
from pathlib import Path
from fleet.run.children import Child, logged
from fleet.run.home import Home
from fleet.run.supervisor import StopFlag, Supervisor
with Home(Path(sys.argv[1])) as home:
    supervisor = Supervisor(home, stop=StopFlag())
    child = lambda name: Child(name, name, [sys.executable, "-c", sys.argv[2]], dict(os.environ), logged("ready"))
    started = [supervisor.start(child(name)) for name in ("one", "two")]
    supervisor.wait_ready(started, when_ready=lambda _: None)
    print(*(running.process.pid for running in started), flush=True)
    signal.pause()
"""


def child(code: str, *, name: str = "engine", ready: str = "ready") -> Child:
    return Child(name, name.title(), [sys.executable, "-c", code], dict(os.environ), logged(ready))


def test_stop_when_all_are_polite_then_none_is_left_and_none_was_killed(supervisor: Supervisor) -> None:
    started = [supervisor.start(child(POLITE, name=name)) for name in ("one", "two")]
    supervisor.wait_ready(started, when_ready=lambda _: None)

    killed = supervisor.stop()

    assert killed == []
    assert [running.process.returncode for running in started] == [-signal.SIGTERM, -signal.SIGTERM]


def test_stop_when_one_does_not_listen_then_killed_within_five_seconds(supervisor: Supervisor) -> None:
    started = [supervisor.start(child(POLITE, name="one")), supervisor.start(child(STUBBORN, name="two"))]
    supervisor.wait_ready(started, when_ready=lambda _: None)
    asked_at = time.monotonic()

    killed = supervisor.stop()

    assert killed == ["Two"]
    assert time.monotonic() - asked_at < 5
    assert [running.process.returncode for running in started] == [-signal.SIGTERM, -signal.SIGKILL]


def test_stop_when_a_child_has_children_then_they_go_too(supervisor: Supervisor) -> None:
    started = supervisor.start(child(WITH_A_CHILD))
    supervisor.wait_ready([started], when_ready=lambda _: None)
    grandchild = int(started.logged.split()[1])
    assert not is_gone(grandchild)

    supervisor.stop()

    assert wait_gone([grandchild]) == []


def test_watch_when_a_child_dies_then_a_sentence_with_the_end_of_its_log(supervisor: Supervisor, home: Home) -> None:
    supervisor.start(child(DIES))

    with pytest.raises(RunError) as caught:
        supervisor.watch()

    assert str(caught.value) == (
        f"Engine ended unexpectedly, with exit code 3. The end of {home.folder}/log/engine.log:\n    the tank is empty"
    )


def test_watch_when_a_child_is_killed_then_the_signal_is_named(supervisor: Supervisor) -> None:
    started = supervisor.start(child(POLITE))
    supervisor.wait_ready([started], when_ready=lambda _: None)
    started.process.kill()

    with pytest.raises(RunError, match="Engine ended unexpectedly, by signal SIGKILL"):
        supervisor.watch()


def test_watch_when_a_dead_childs_log_says_no_space_then_the_disk_is_named(supervisor: Supervisor) -> None:
    supervisor.start(child("import os, sys; sys.exit(os.strerror(28))"))

    with pytest.raises(RunError, match=r"The disk that holds .* is full"):
        supervisor.watch()


def test_wait_ready_when_another_child_dies_meanwhile_then_at_once(supervisor: Supervisor) -> None:
    waiting = supervisor.start(child(POLITE, name="slow", ready="never said"))
    supervisor.start(child(DIES))

    with pytest.raises(RunError, match="Engine ended unexpectedly"):
        supervisor.wait_ready([waiting], when_ready=lambda _: None)


def test_wait_ready_when_an_older_run_logged_ready_then_that_does_not_count(supervisor: Supervisor, home: Home) -> None:
    home.log("engine").write_text("ready\n", encoding="utf-8")

    started = supervisor.start(child(DIES))

    with pytest.raises(RunError, match="Engine ended unexpectedly"):
        supervisor.wait_ready([started], when_ready=lambda _: None)


def test_start_when_asked_to_stop_then_nothing_more_is_started(home: Home) -> None:
    flag = StopFlag()
    supervisor = Supervisor(home, stop=flag)
    flag.is_set = True

    with pytest.raises(StopRequested):
        supervisor.start(child(POLITE))

    assert supervisor.running == []


def test_run_when_the_command_fails_then_a_sentence_with_its_words(supervisor: Supervisor, home: Home) -> None:
    with pytest.raises(RunError, match=r"(?s)Filling up failed\. The end of .*the tank is empty"):
        supervisor.run([sys.executable, "-c", DIES], name="fill", env=dict(os.environ), title="Filling up")


@pytest.mark.skipif(not IS_LINUX, reason="there is no parent-death signal")
@pytest.mark.parametrize("code", [POLITE, STUBBORN])
def test_children_when_the_supervisor_is_killed_then_they_go_too(folder: Path, code: str) -> None:
    supervising = python(SUPERVISES, folder, code)
    pids = read_numbers(supervising)
    assert len(pids) == 2

    supervising.send_signal(signal.SIGKILL)

    assert wait_gone(pids) == []
    close(supervising)


def test_children_when_started_then_the_terminals_ctrl_c_does_not_reach_them(supervisor: Supervisor) -> None:
    started = supervisor.start(child(POLITE))

    assert wait_until(lambda: os.getsid(started.process.pid) == started.process.pid, within_s=PATIENCE_S)
    assert os.getpgid(started.process.pid) != os.getpgrp()
