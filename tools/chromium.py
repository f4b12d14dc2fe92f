"""Finds a Chromium for the browser tests: `python tools/chromium.py` prints its path, and installs one where it may.

Where it may: as root on Debian or Ubuntu. Elsewhere it says what to do and exits with 1.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# The shell without a window goes first: each page of the others has a toolbar, drawn by a page of its own.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium-headless-shell", "chromium")
MAC_APPS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
MISSING = (
    "The browser tests need Chromium: install it (Debian: apt-get install chromium-headless-shell; Ubuntu: chromium; "
    "macOS: Chromium or Chrome in /Applications), name it in FLEETWELL_CHROMIUM, or leave these tests out with "
    "FLEETWELL_SKIP_BROWSER=1."
)


def find() -> str | None:
    """$FLEETWELL_CHROMIUM, else one on the PATH, else an application of macOS."""
    if chosen := os.environ.get("FLEETWELL_CHROMIUM"):
        return chosen
    on_path = (shutil.which(name) for name in NAMES)
    in_apps = (app for app in MAC_APPS if Path(app).exists())
    return next((path for path in (*on_path, *in_apps) if path), None)


def install() -> None:
    """With the system's own package tool; quietly, as it says hundreds of lines. Not every system has the first."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, stdout=subprocess.DEVNULL, check=True)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    if subprocess.run([*command, PACKAGES[0]], env=quiet, capture_output=True, check=False).returncode:
        subprocess.run([*command, PACKAGES[1]], env=quiet, stdout=subprocess.DEVNULL, check=True)


def main() -> int:
    if os.environ.get("FLEETWELL_SKIP_BROWSER") == "1":
        print("FLEETWELL_SKIP_BROWSER=1: the browser tests are left out.")
        return 0
    if not find() and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the browser tests …", flush=True)
        try:
            install()
        except subprocess.CalledProcessError as error:
            print(f"{' '.join(error.cmd)} failed with exit code {error.returncode}.", file=sys.stderr)
    if path := find():
        print(path)
        return 0
    print(MISSING, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
