"""What may go wrong while starting or running on one machine, as one sentence for the person at the terminal."""

import errno
import os
import shutil
from pathlib import Path

NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
# The second is PostgreSQL's hint after a write that was cut short.
NO_SPACE_WORDS = (*(os.strerror(number) for number in sorted(NO_SPACE)), "Check free disk space")
NO_SPACE_BYTES = 1_000_000
NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS}


class RunError(Exception):
    """Something that a person can act on; str() is the sentence to print."""


def from_os_error(error: OSError, *, folder: Path) -> RunError:
    """Say in a sentence what the operating system refused while we worked in this folder."""
    if error.errno in NO_SPACE:
        return disk_full(folder)
    if error.errno in NOT_WRITABLE:
        place = error.filename or folder
        return RunError(
            f"Fleetwell may not write to {place}: change its owner, or set FLEETWELL_VAR to another folder."
        )
    return RunError(f"{error.strerror or error} ({error.filename or folder}).")


def disk_full(folder: Path) -> RunError:
    return RunError(f"The disk that holds {folder} is full: free some space, or set FLEETWELL_VAR to another folder.")


def from_log(sentence: str, *, log: Path, folder: Path, lines: int = 6) -> RunError:
    """The sentence with the last lines of a log below it; a full disk, found in those lines, is said instead."""
    last = tail(log, lines=40)
    # A full disk may have kept the log itself from being written, so the disk is asked as well.
    if any(word in line for line in last for word in NO_SPACE_WORDS) or shutil.disk_usage(folder).free < NO_SPACE_BYTES:
        return disk_full(folder)
    shown = "".join(f"\n    {line}" for line in last[-lines:])
    return RunError(f"{sentence} The end of {log}:{shown}" if shown else f"{sentence} Its log {log} is empty.")


def tail(path: Path, *, lines: int, read_bytes: int = 16_384) -> list[str]:
    """The last lines of a file without the empty ones; an absent file has none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - read_bytes))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]
