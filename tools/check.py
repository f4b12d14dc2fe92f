"""`make check`: runs every check, shows what the failed ones said, and fails when one did."""

import base64
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def checks() -> Iterator[tuple[str, list[str | Path]]]:
    python = sys.executable
    yield "style", [BIN / "ruff", "check", "."]
    yield "format", [BIN / "ruff", "format", "--check", "."]
    yield "types", [BIN / "mypy"]
    yield "imports", [BIN / "lint-imports"]
    yield "settings, migrations", [python, ROOT / "tools" / "check_django.py"]
    yield "repository, locks", [python, ROOT / "tools" / "check_repository.py"]
    for name in ("templates", "translations"):
        if (script := ROOT / "tools" / f"check_{name}.py").exists():
            yield name, [python, script]
    if (script := ROOT / "tools" / "vendor.py").exists():
        yield "third-party files", [python, script, "--check"]


def main() -> int:
    # mypy's Django plugin reads the settings, and these read their environment; it connects to nothing.
    env = {
        **os.environ,
        "FLEETWELL_SECRET_KEY": "only-for-checks",
        "FLEETWELL_KEY_RING": "k1:" + base64.b64encode(bytes(32)).decode("ascii"),
        "DATABASE_URL": "postgresql:///unused",
        "CELERY_BROKER_URL": "memory://",
    }
    failed = []
    for name, command in checks():
        started_at = time.monotonic()
        answer = subprocess.run(
            command,
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        verdict = "ok" if answer.returncode == 0 else "FAILED"
        print(f"{name + ' ':.<24} {verdict} ({time.monotonic() - started_at:.1f} s)", flush=True)
        if answer.returncode != 0:
            failed.append(name)
            print(answer.stdout, flush=True)
    if failed:
        print(f"Failed: {', '.join(failed)}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
