"""Letting root start PostgreSQL, which refuses root: whom the server becomes, and how. No user is added."""

import ctypes
import os
import pwd
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fleet.run.errors import RunError
from fleet.run.processes import IS_LINUX, LIBC

CLONE_NEWUSER = 0x10000000
NOBODY = 65534


@dataclass(frozen=True)
class ServerUser:
    """How the server changes its user before it begins; `owner` must own its files outside, when that is not us."""

    change: Callable[[], None] | None = None
    owner: pwd.struct_passwd | None = None


def choose_server_user(postgres: Path) -> ServerUser:
    """As we are when we are not root; else another user inside a user namespace of its own; else `nobody`."""
    if os.geteuid() != 0:
        return ServerUser()
    if IS_LINUX and is_startable_as(postgres, enter_user_namespace):
        return ServerUser(change=enter_user_namespace)
    return nobody(postgres)


def nobody(postgres: Path) -> ServerUser:
    """Where namespaces are forbidden (some containers) the server is `nobody`, who must reach the program."""
    account = pwd.getpwnam("nobody")

    def become_nobody() -> None:
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)

    if not is_startable_as(postgres, become_nobody):
        raise RunError(
            f"PostgreSQL may not run as root, and the user `nobody` cannot reach {postgres}: "
            "run Fleetwell as an ordinary user, or put it into a folder that everybody may enter."
        )
    return ServerUser(change=become_nobody, owner=account)


def enter_user_namespace() -> None:
    """Be `nobody` inside and still root outside: no file changes hands, and it works below root's closed home."""
    uid, gid = os.getuid(), os.getgid()
    if LIBC.unshare(ctypes.c_int(CLONE_NEWUSER)) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1", encoding="ascii")


def is_startable_as(program: Path, change: Callable[[], None]) -> bool:
    """Try it on the program itself: this also shows that the new user can reach and read it."""
    try:
        answer = subprocess.run([program, "--version"], preexec_fn=change, capture_output=True, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.returncode == 0
