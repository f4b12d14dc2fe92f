"""Starting a child so that it cannot outlive us, and stopping it. What the child is for lives elsewhere."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

IS_LINUX = sys.platform.startswith("linux")
PR_SET_PDEATHSIG = 1
POLL_S = 0.02

# Loaded before any fork: the child must not import or allocate more than it has to.
LIBC = ctypes.CDLL(None, use_errno=True)


def start_process(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    change_user: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, its output appended to `log`; Linux sends it `death_signal` when we die.

    The parent-death signal belongs to the *thread* that started the child: call this from the main thread.
    A session of its own keeps the terminal's Ctrl-C away, so that the supervisor alone decides the order of the end.
    """
    parent = os.getpid()

    def prepare() -> None:
        os.setsid()
        if change_user:
            change_user()
        # After the change of user: the kernel clears the signal whenever the credentials change.
        die_with_parent(death_signal, parent=parent)

    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            preexec_fn=prepare,
        )


def die_with_parent(death_signal: signal.Signals, *, parent: int) -> None:
    """Ask the kernel to signal this process when its parent dies; end at once when that has happened already."""
    if not IS_LINUX:
        return
    LIBC.prctl(PR_SET_PDEATHSIG, int(death_signal))
    if os.getppid() != parent:
        os._exit(1)


def stop_process(
    process: subprocess.Popen[bytes], *, with_signal: signal.Signals = signal.SIGTERM, within_s: float = 3.0
) -> bool:
    """End one child and everything in its session; True when it ended by itself in time, False when it was killed."""
    if process.poll() is None:
        process.send_signal(with_signal)
    in_time = wait_until(lambda: process.poll() is not None, within_s=within_s)
    kill_group(process)
    return in_time


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the child and of the processes that it started in its own session."""
    # A group whose leader was reaped keeps its number while members live; with none left there is nothing to signal.
    if group_exists(process.pid):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # members of another user: there, but not ours
        return False
    return True


def wait_until(condition: Callable[[], bool], *, within_s: float) -> bool:
    """Ask again and again until the condition holds (True) or the time is over (False)."""
    return any(condition() for _ in attempts(within_s=within_s))


def attempts(*, within_s: float) -> Iterator[float]:
    """Yield the seconds that passed, a moment apart, until the time is over; the last one after it."""
    started = time.monotonic()
    while (passed := time.monotonic() - started) < within_s:
        yield passed
        time.sleep(POLL_S)
    yield passed


def command_line(pid: int) -> str:
    """The command line of a live process, "" when there is none (zombies count as none)."""
    if IS_LINUX:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        except (FileNotFoundError, ProcessLookupError):
            return ""
    answer = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()
