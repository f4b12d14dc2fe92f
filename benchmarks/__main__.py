"""`python -m benchmarks [name …]`: run every module here that has a main(), or the named ones."""

import argparse
import importlib
import pkgutil
import time
from collections.abc import Callable
from pathlib import Path


def find_benchmarks() -> dict[str, Callable[[], None]]:
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    modules = {name: importlib.import_module(f"benchmarks.{name}") for name in names if name != "__main__"}
    return {name: module.main for name, module in modules.items() if hasattr(module, "main")}


def main() -> None:
    benchmarks = find_benchmarks()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=f"Known: {', '.join(benchmarks)}.")
    parser.add_argument("names", nargs="*", metavar="name", help="all of them unless named")
    names = parser.parse_args().names or list(benchmarks)
    if unknown := set(names) - set(benchmarks):
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}; known: {', '.join(benchmarks)}")
    for name in names:
        started_at = time.monotonic()
        benchmarks[name]()
        print(f"  {name} took {time.monotonic() - started_at:.0f} s", flush=True)


if __name__ == "__main__":
    main()
