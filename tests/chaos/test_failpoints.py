"""Failpoints: off they do nothing; armed, exactly one process does what was asked, once, and says so before."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from commands.dispatch import failpoints
from commands.dispatch.failpoints import POINTS
from fleet.run.environment import ROOT
from fleet.run.processes import wait_until
from tests.chaos.failpoints import Failpoints, Taken

# A start loads the settings, and a machine that tests everything at once may take its time.
GIVE_UP_S = 90.0
SETTINGS_WITHOUT = "tests.settings"
SETTINGS_WITH = "tests.chaos.settings"
REACH = """
from commands.dispatch.failpoints import reach, FailpointReached
for point in {points!r}:
    try:
        reach(point)
        print("passed", point, flush=True)
    except FailpointReached as error:
        print("raised", error, flush=True)
"""


def start(folder: Path, *points: str, settings: str = SETTINGS_WITH) -> subprocess.Popen[str]:
    env = {**os.environ, "FLEETWELL_FAILPOINTS": str(folder), "DJANGO_SETTINGS_MODULE": settings}
    code = REACH.format(points=points)
    return subprocess.Popen([sys.executable, "-c", code], env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[str, int]:
    output, _ = process.communicate(timeout=GIVE_UP_S)
    return output, process.returncode


def test_reach_when_settings_do_not_allow_it_then_nothing(tmp_path: Path) -> None:
    armed = Failpoints(tmp_path)
    armed.arm("after_claim", "kill")

    assert finish(start(tmp_path, "after_claim", settings=SETTINGS_WITHOUT)) == ("passed after_claim\n", 0)
    assert armed.disarm() == 1


def test_reach_when_armed_to_raise_then_raises_once_at_that_point_only(tmp_path: Path) -> None:
    armed = Failpoints(tmp_path)
    armed.arm("after_mark", "raise")

    output, code = finish(start(tmp_path, "after_claim", "after_mark", "after_mark"))

    assert (output, code) == ("passed after_claim\nraised after_mark\npassed after_mark\n", 0)


def test_reach_when_armed_to_kill_then_dies_there_and_leaves_its_note(tmp_path: Path) -> None:
    armed = Failpoints(tmp_path)
    armed.arm("before_record", "kill")

    process = start(tmp_path, "after_claim", "before_record")

    assert finish(process) == ("passed after_claim\n", -signal.SIGKILL)
    taken = list(armed.news())
    assert taken == [Taken("before_record", "kill", process.pid, taken[0].at)]
    assert list(armed.news()) == []


def test_reach_when_armed_to_stop_then_freezes_until_continued(tmp_path: Path) -> None:
    armed = Failpoints(tmp_path)
    armed.arm("after_claim", "stop")
    process = start(tmp_path, "after_claim")

    assert wait_until(lambda: is_frozen(process.pid), within_s=GIVE_UP_S)
    assert [(taken.point, taken.action, taken.pid) for taken in armed.news()] == [("after_claim", "stop", process.pid)]
    process.send_signal(signal.SIGCONT)

    assert finish(process) == ("passed after_claim\n", 0)


def test_reach_when_several_processes_arrive_then_one_takes_the_shot(tmp_path: Path) -> None:
    armed = Failpoints(tmp_path)
    armed.arm("after_claim", "raise")

    processes = [start(tmp_path, *["after_claim"] * 50) for _ in range(3)]

    output = "".join(finish(process)[0] for process in processes)
    assert output.count("raised after_claim\n") == 1
    assert output.count("passed after_claim\n") == 149


def test_every_point_in_the_code_is_one_that_the_rig_knows() -> None:
    placed = {
        point
        for path in (ROOT / "commands").rglob("*.py")
        for point in re.findall(r'\breach(?:_soon)?\("(\w+)"', path.read_text(encoding="utf-8"))
    }

    assert placed - set(POINTS) == set()
    assert failpoints._folder is None


def is_frozen(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "T"
