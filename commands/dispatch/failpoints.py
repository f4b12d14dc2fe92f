"""Named places at which a test can kill, freeze or fail this process. What is armed, and when, is the test's.

Off unless the settings allow it (only those of tests do) and FLEETWELL_FAILPOINTS names the folder of what is armed.
Each armed point is one file, FOLDER/NAME/SHOT, that holds an action. Whoever takes the file away first performs it,
once: in its place it leaves FOLDER/taken/NAME.SHOT with its process id and the time.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings

POINTS = (
    "before_accept_commit",
    "after_accept_commit",
    "after_claim",
    "in_prepare",
    "before_give_back",
    "before_mark",
    "after_mark",
    "after_first_byte",
    "after_answer",
    "before_record",
    "after_record",
    "in_sweep",
    "in_feed",
)
ACTIONS = ("kill", "stop", "raise")


class FailpointReached(Exception):
    """What an armed point with the action "raise" raises: a fault that nobody foresaw."""


def reach(name: str) -> None:
    """Do what is armed for this point, if anything. Does not wait: it may be called in an event loop."""
    if _folder is not None:
        _perform(_folder, name)


def reach_soon(name: str, after_s: float) -> None:
    """Reach a point a moment later in the running event loop; nothing is planned while points are off."""
    if _folder is not None:
        asyncio.get_running_loop().call_later(after_s, reach, name)


def _perform(folder: Path, name: str) -> None:
    try:
        shots = sorted((folder / name).iterdir())
    except FileNotFoundError:
        return
    for shot in shots:
        # Renaming is what decides between processes that arrive together: one of them finds the file still there.
        mine = folder / "taking" / f"{name}.{shot.name}"
        with suppress(FileNotFoundError):
            shot.rename(mine)
            _act(mine.read_text(encoding="ascii").strip(), name=name, note=folder / "taken" / mine.name, mine=mine)
            return


def _act(action: str, *, name: str, note: Path, mine: Path) -> None:
    mine.write_text(f"{action} {os.getpid()} {time.time():.6f}", encoding="ascii")
    # Complete before it can be seen: nothing is written after the action.
    mine.rename(note)
    match action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "raise":
            raise FailpointReached(name)


def _find_folder() -> Path | None:
    named = os.environ.get("FLEETWELL_FAILPOINTS")
    return Path(named) if named and getattr(settings, "FAILPOINTS", False) else None


# Once, at import: a point that is off costs one comparison.
_folder = _find_folder()
