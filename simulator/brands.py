"""The pretend makers: key, name and the look of their sign-in pages, from data/brands.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

TYPEFACES = {
    "plain": '"Helvetica Neue", Arial, sans-serif',
    "round": '"Trebuchet MS", "Segoe UI", Verdana, sans-serif',
    "serif": 'Georgia, "Times New Roman", serif',
}


@dataclass(frozen=True, slots=True)
class Brand:
    key: str
    name: str
    account_name: str
    ink: str
    paper: str
    accent: str
    on_accent: str
    header: str
    on_header: str
    radius: str
    typeface: str
    # Where its owners can sign in; none means everywhere.
    countries: tuple[str, ...] = ()


def _load() -> dict[str, Brand]:
    content = tomllib.loads((Path(__file__).parent / "data" / "brands.toml").read_text(encoding="utf-8"))
    return {
        fields["key"]: Brand(**{**fields, "countries": tuple(fields.get("countries", ()))})
        for fields in content["brands"]
    }


BRANDS: dict[str, Brand] = _load()
