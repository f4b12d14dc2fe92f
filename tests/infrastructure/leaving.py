"""Keeps every process of a test run on this machine: this one at once, its children through the environment."""

import os
import runpy
from pathlib import Path

FOLDER = Path(__file__).parent / "loopback"


def stay_on_this_machine() -> None:
    """Have every connection to another machine fail the test that wanted it."""
    runpy.run_path(str(FOLDER / "sitecustomize.py"))
    inherited = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(part for part in (str(FOLDER), inherited) if part)
