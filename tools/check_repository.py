"""What must not be in the repository: registries' hosts, machines' paths, addresses in locks, very long files."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINES_LIMIT = 400
TEXTS = {
    ".py",
    ".html",
    ".css",
    ".js",
    ".md",
    ".toml",
    ".txt",
    ".in",
    ".json",
    ".csv",
    ".yml",
    ".yaml",
    ".sh",
    ".po",
    "",
}
CODE = {".py", ".html", ".css", ".js"}
NOT_OURS = ("static/vendor/", "tests/vendor/")

# One letter of each in brackets, so that this file does not match itself.
HOSTS = re.compile(r"p[y]pi\.org|pythonh[o]sted\.org|registry\.npm[j]s|deb\.d[e]bian\.org")
MACHINE_PATHS = re.compile(r"(?<![\w.-])/(?:wor[k]|roo[t]|hom[e]/\w+|User[s]/\w+)/|/tm[p]/(?:spec|bash_jobs)")
LOCK_ADDRESSES = re.compile(r"://|index-url|find-links|trusted-host")


def faults_in(path: str, text: str) -> Iterator[str]:
    """One line for each fault of one file; `path` is relative to the repository."""
    is_lock = re.fullmatch(r"requirements[\w-]*\.txt", path) is not None
    for number, line in enumerate(text.splitlines(), start=1):
        if HOSTS.search(line):
            yield f"{path}:{number}: names the host of a package registry"
        if MACHINE_PATHS.search(line):
            yield f"{path}:{number}: names a path of one machine"
        if is_lock and LOCK_ADDRESSES.search(line):
            yield f"{path}:{number}: a lock holds an address"
    lines = text.count("\n")
    if lines > LINES_LIMIT and Path(path).suffix in CODE and "/migrations/" not in path:
        yield f"{path}: has {lines} lines; split it by idea below {LINES_LIMIT}"


def tracked_files() -> list[str]:
    """What git knows; in an unpacked archive, everything outside hidden folders and var/."""
    answer = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        return answer.stdout.splitlines()
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return [str(path) for path in paths if not path.parts[0].startswith(".") and path.parts[0] != "var"]


def faults() -> Iterator[str]:
    for path in tracked_files():
        file = ROOT / path
        if file.suffix in TEXTS and not path.startswith(NOT_OURS) and file.is_file():
            yield from faults_in(path, file.read_text(encoding="utf-8"))


def main() -> int:
    found = list(faults())
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
