"""Our copies of third-party files are what vendor.toml says, and one changed byte is noticed."""

import shutil
from pathlib import Path

from tools.vendor import ROOT, faults, packages


def copy_of_vendored_files(folder: Path) -> Path:
    for name in ("static/vendor", "tests/vendor"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def test_vendored_files_when_checked_are_as_recorded() -> None:
    assert faults() == []


def test_vendored_packages_when_listed_have_version_licence_and_integrity() -> None:
    for package in packages():
        assert {"name", "version", "licence", "integrity", "files"} <= package.keys()
        assert package["integrity"].startswith("sha512-")
        assert any(Path(file["to"]).name == "LICENSE" for file in package["files"])


def test_check_when_one_byte_changed_names_the_file(tmp_path: Path) -> None:
    root = copy_of_vendored_files(tmp_path)
    path = root / "static/vendor/htmx-4.0.1/htmx.min.js"
    path.write_bytes(path.read_bytes() + b" ")

    found = faults(root)

    assert [fault.split(" has sha256 ")[0] for fault in found] == ["static/vendor/htmx-4.0.1/htmx.min.js"]


def test_check_when_a_file_is_missing_or_unknown_names_it(tmp_path: Path) -> None:
    root = copy_of_vendored_files(tmp_path)
    (root / "static/vendor/inter-5.3.0/LICENSE").unlink()
    (root / "static/vendor/htmx-4.0.1/more.js").write_text("")

    assert faults(root) == [
        "static/vendor/inter-5.3.0/LICENSE is missing",
        "static/vendor/htmx-4.0.1/more.js is not named in vendor.toml",
    ]
