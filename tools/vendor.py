"""Keep our copies of third-party front-end files exact: fetch them by npm pack, or check their sums offline."""

import argparse
import base64
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def packages() -> list[dict[str, Any]]:
    return tomllib.loads((ROOT / "vendor.toml").read_text(encoding="utf-8"))["package"]


def fetch_package(name: str, version: str, integrity: str) -> dict[str, bytes]:
    """Download one package and return its files by path; a tarball with another integrity is refused."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        tarball = next(Path(folder).glob("*.tgz")).read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if found != integrity:
        raise SystemExit(f"{name}@{version}: integrity is {found}, vendor.toml says {integrity or 'nothing'}")
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        streams = ((member.name, archive.extractfile(member)) for member in archive.getmembers() if member.isfile())
        return {name.partition("/")[2]: stream.read() for name, stream in streams if stream}


def fetch_all() -> None:
    for package in packages():
        contents = fetch_package(package["name"], package["version"], package["integrity"])
        for file in package["files"]:
            target = ROOT / file["to"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(contents[file["from"]])


def faults(root: Path = ROOT) -> list[str]:
    """Every copy that is missing, changed, or lies in a vendor folder without being named in vendor.toml."""
    found, named = [], set()
    for package in packages():
        for file in package["files"]:
            path = root / file["to"]
            named.add(path)
            if not path.exists():
                found.append(f"{file['to']} is missing")
            elif (actual := hashlib.sha256(path.read_bytes()).hexdigest()) != file["sha256"]:
                found.append(f"{file['to']} has sha256 {actual}, vendor.toml says {file['sha256'] or 'nothing'}")
    for folder in (root / "static/vendor", root / "tests/vendor"):
        strangers = {path for path in folder.glob("*/*") if path.is_file()} - named
        found += [f"{path.relative_to(root)} is not named in vendor.toml" for path in sorted(strangers)]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare the sums, without a network")
    if not parser.parse_args().check:
        fetch_all()
    for fault in (found := faults()):
        sys.stderr.write(f"{fault}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
