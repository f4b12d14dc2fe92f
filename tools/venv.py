"""Makes .venv with exactly the pinned, hashed packages: `python3 tools/venv.py run|dev`; quick when it is there.

Runs on the system's Python, before anything is installed, so it uses the standard library alone, and a syntax
that an older Python understands well enough to be told that it is too old.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed"
LOCKS = {"run": ROOT / "requirements.txt", "dev": ROOT / "requirements-dev.txt"}
UV_LOCK = ROOT / "requirements-uv.txt"
OLDEST = (3, 11)
NEWER_PYTHONS = ("python3.13", "python3.12", "python3.11")


class SetUpError(Exception):
    """A sentence for the person at the terminal."""


def main():
    wanted = sys.argv[1]
    if sys.version_info < OLDEST:
        continue_with_newer_python()
    if is_installed(wanted):
        return
    started_at = time.time()
    make_venv()
    install(LOCKS[wanted])
    STAMP.write_text(stamp_of(wanted), encoding="ascii")
    print(f"Packages ........... ready ({time.time() - started_at:.1f} s)", flush=True)


def continue_with_newer_python():
    for name in NEWER_PYTHONS:
        path = shutil.which(name)
        if path:
            os.execv(path, [path, *sys.argv])  # noqa: S606 - no shell is wanted
    raise SetUpError(
        "Fleetwell needs Python {}.{} or newer; `{}` is {}.{}. Install one and run: make PYTHON=python3.11 …".format(
            *OLDEST, sys.executable, *sys.version_info[:2]
        )
    )


def is_installed(wanted):
    """What the tests need holds all that a run needs, so a run leaves it as it is."""
    try:
        have = STAMP.read_text(encoding="ascii")
    except OSError:
        return False
    return have in (stamp_of(wanted), stamp_of("dev")) and PYTHON.exists()


def stamp_of(wanted):
    seen = hashlib.sha256(UV_LOCK.read_bytes())
    for lock in LOCKS.values():
        seen.update(lock.read_bytes())
    return wanted + " " + seen.hexdigest()


def make_venv():
    if PYTHON.exists() and subprocess.call([str(PYTHON), "-m", "pip", "--version"], stdout=subprocess.DEVNULL) == 0:
        return
    if importlib.util.find_spec("ensurepip") is None:
        raise SetUpError(
            "This Python cannot make a virtual environment: install its venv package "
            "(Debian, Ubuntu: apt-get install python3-venv) and start again."
        )
    print("Making .venv with Python {}.{} …".format(*sys.version_info[:2]), flush=True)
    shutil.rmtree(str(VENV), ignore_errors=True)
    run([sys.executable, "-m", "venv", str(VENV)], "The virtual environment .venv could not be made.")


def install(lock):
    """uv takes seconds where pip takes a minute; pip serves where uv has no wheel."""
    print(f"Installing the packages of {lock.name} …", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]
    uv = str(VENV / "bin" / "uv")
    if subprocess.call([*pip, str(UV_LOCK)], stderr=subprocess.DEVNULL) == 0:
        command = [uv, "pip", "sync", "--quiet", "--python", str(PYTHON), "--require-hashes", str(lock)]
    else:
        print("No uv for this machine: pip does it, which takes a minute or two.", flush=True)
        command = [*pip, str(lock)]
    run(command, "The packages could not be installed; is there a network, and room on the disk?")


def run(command, sentence):
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if answer.returncode != 0:
        last = answer.stdout.decode("utf-8", "replace").strip().splitlines()[-8:]
        raise SetUpError("\n    ".join([sentence, *last]))


if __name__ == "__main__":
    try:
        main()
    except SetUpError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Stopped.")
