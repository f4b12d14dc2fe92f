"""What the repository holds: no registry host, no path of one machine, no address in a lock; the check sees each."""

import pytest

from tools.check_repository import faults, faults_in, tracked_files

# Put together here, so that this file holds none of them.
REGISTRY = "https://" + "pypi" + ".org/simple"
MACHINE = "/" + "root/project/"


def test_repository_when_checked_then_no_fault() -> None:
    assert list(faults()) == []


def test_repository_when_listed_then_the_files_are_seen() -> None:
    """A check that looks at nothing finds nothing."""
    assert {"Makefile", "requirements.txt", "fleet/settings.py"} <= set(tracked_files())


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        (
            "fleet/settings.py",
            f"x = 1\nINDEX = '{REGISTRY}'\n",
            "fleet/settings.py:2: names the host of a package registry",
        ),
        ("README.md", f"see {MACHINE}notes\n", "README.md:1: names a path of one machine"),
        ("requirements.txt", "--find-links wheels\n", "requirements.txt:1: a lock holds an address"),
        ("requirements-dev.txt", "celery @ git+ssh://somewhere\n", "requirements-dev.txt:1: a lock holds an address"),
        ("commands/services.py", "x = 1\n" * 401, "commands/services.py: has 401 lines; split it by idea below 400"),
    ],
)
def test_faults_when_a_file_has_one_then_it_is_named(path: str, text: str, fault: str) -> None:
    assert list(faults_in(path, text)) == [fault]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("requirements.txt", "celery==5.7.0 \\\n    --hash=sha256:00\n"),
        ("fleet/urls.py", 'path("work/", include("work.urls"))\n'),
        ("README.md", "Open https://example.com/home/page/ in the browser.\n"),
    ],
)
def test_faults_when_a_file_has_none_then_silence(path: str, text: str) -> None:
    assert list(faults_in(path, text)) == []
