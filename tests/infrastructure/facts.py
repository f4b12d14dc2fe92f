"""Small data sets of a test's own, written as the files that people edit."""

from collections.abc import Callable
from pathlib import Path

import pytest

from compatibility.loading import load
from compatibility.models import CarLine, Fact, LineEntry
from compatibility.reading import read_data

HEADING = "make,model,years,engine,region,support,commands,condition,as_of,source"
WORDS = {
    "providers.toml": '[cloud]\nname = "A cloud"\nkind = "maker_api"\nurl = ""\n',
    "sources.toml": '[list]\ntitle = "A list"\nurl = ""\nlicence = "MIT"\n',
    "makes.toml": '[Volkswagen]\naliases = ["VW"]\n\n[Audi]\n',
    "regions.toml": 'alps = "AT CH"\n',
}


@pytest.fixture
def write_data(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder of data: rows of the provider "cloud", and files that replace the usual words."""

    def write(*rows: str, **files: str) -> Path:
        (tmp_path / "providers").mkdir(exist_ok=True)
        for name, text in (WORDS | {name.replace("_toml", ".toml"): text for name, text in files.items()}).items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / "providers" / "cloud.csv").write_text("\n".join([HEADING, *rows, ""]), encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def no_facts(db: None) -> None:
    """The product's own facts are out of the way, which is quicker than to let a load end each of them."""
    for model in (LineEntry, CarLine, Fact):
        model.objects.all().delete()


@pytest.fixture
def declare_of_simulator(no_facts: None, write_data: Callable[..., Path]) -> Callable[..., None]:
    """Declare what the simulator lets cars of one make do, and nothing else of anybody.

    Rows as in a file of data, from the model to the condition.
    """

    def declare(make: str, *rows: str) -> None:
        words = "".join(f'["{name}"]\n' for name in sorted({make, "Audi", "Volkswagen"}))
        folder = write_data(providers_toml='[simulator]\nname = "S"\nkind = "simulator"\n', makes_toml=words)
        (folder / "providers" / "cloud.csv").unlink()
        lines = [HEADING, *(f"{make},{row},2022-08,list" for row in rows), ""]
        (folder / "providers" / "simulator.csv").write_text("\n".join(lines), encoding="utf-8")
        load(read_data(folder))

    return declare
