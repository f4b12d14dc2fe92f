"""Who may import whom, as import-linter's contracts in pyproject.toml say; and that each bites when broken."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

from fleet.run.environment import ROOT

PACKAGES = ("fleet", "connect", "commands", "compatibility", "simulator")


def lint_imports(folder: Path) -> tuple[int, str]:
    answer = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.returncode, answer.stdout + answer.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's Python files and contracts, to be broken."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            target = folder / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    return folder


def test_imports_when_the_project_is_linted_then_every_contract_is_kept() -> None:
    code, words = lint_imports(ROOT)

    assert code == 0, words
    assert " 0 broken." in words


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("fleet/events/models.py", "import fleet.teams.models", "Lower never imports higher"),
        ("fleet/vehicles/models.py", "import commands.models", "Lower never imports higher"),
        ("commands/models.py", "import connect.models", "Lower never imports higher"),
        ("connect/models.py", "def later():\n    import commands.models", "Lower never imports higher"),
        ("commands/services.py", "import commands.jobs.models", "Inside commands, lower never imports higher"),
        ("fleet/live/views.py", "import fleet.urls", "Lower never imports higher"),
        ("fleet/adapters/base.py", "import django.db", "Adapters know no Django, no Celery, no ORM"),
        ("simulator/world.py", "import fleet.adapters.commands", "The simulator imports none of ours"),
        ("fleet/vehicles/services.py", "import simulator.world", "Nobody imports the simulator"),
        ("fleet/run/machine.py", "import fleet.settings", "The supervisor starts the apps and imports none"),
        ("connect/apps.py", "import fleet.run.home", "Nobody imports the supervisor"),
    ],
)
def test_imports_when_one_is_forbidden_then_its_contract_breaks(
    copy: Path, file: str, line: str, contract: str
) -> None:
    path = copy / file
    before = path.read_text(encoding="utf-8")
    path.write_text(f"{before}\n\n{line}\n", encoding="utf-8")

    code, words = lint_imports(copy)

    path.write_text(before, encoding="utf-8")
    assert code == 1
    assert f"{contract} BROKEN" in words


def test_layers_when_an_app_is_installed_then_it_has_its_place() -> None:
    """An app that no layer names would be free to import anything: settings and contracts must agree."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    placed = {
        f"{container}{name.strip('() ')}"
        for contract in contracts
        if contract["type"] == "layers"
        for container in [f"{package}." for package in contract.get("containers", [])] or [""]
        for layer in contract["layers"]
        for name in re.split(r"[|:]", layer)
    }

    ours = {app for app in settings.INSTALLED_APPS if app.split(".")[0] in PACKAGES} - {"fleet"}

    assert ours - placed == set()
