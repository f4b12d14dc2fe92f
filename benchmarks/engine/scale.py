"""How large a run is: the whole figure unless FLEETWELL_BENCH_SCALE says a part of it, and then nothing is written."""

import os
from collections.abc import Mapping

from benchmarks.results import write_result

SCALE = float(os.environ.get("FLEETWELL_BENCH_SCALE", "1"))


def scaled(number: int, *, least: int = 100) -> int:
    """Return a size of the figure, made smaller for a trial."""
    return max(int(number * SCALE), min(least, number))


def report(
    name: str,
    *,
    value: float | Mapping[str, object] | None = None,
    ratio: float | None = None,
    unit: str,
    baseline: object,
    n: int,
    load: str | None = None,
) -> None:
    """Write the figure as results.write_result does; of a run that was made smaller, only print it."""
    if SCALE != 1:
        print(f"{name} (scale {SCALE}, not kept): {ratio if value is None else value} {unit}; {baseline}", flush=True)
        return
    write_result(name, value=value, ratio=ratio, unit=unit, baseline=baseline, n=n, load=load)
