"""The maker's pages: filling templates with escaped words, in English or German. The steps are authorize_pages'."""

import json
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from simulator.brands import TYPEFACES, Brand

_FOLDER = Path(__file__).parent
LANGUAGES = ("en", "de")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


@cache
def _template(name: str) -> Template:
    return Template((_FOLDER / name).read_text(encoding="utf-8"))


@cache
def words(language: str) -> dict[str, str]:
    return json.loads((_FOLDER / f"words.{language}.json").read_text(encoding="utf-8"))


def fill(name: str, values: dict[str, str]) -> Markup:
    """Return the template with every value escaped, but for those that are Markup."""
    safe = {key: value if isinstance(value, Markup) else escape(value) for key, value in values.items()}
    return Markup(_template(name).substitute(safe))


def render_page(brand: Brand, language: str, *, title: str, body: Markup) -> str:
    return fill(
        "page.html",
        {
            "language": language,
            "title": title,
            "brand": brand.name,
            "account_name": brand.account_name,
            "look": f"/{brand.key}/oauth/look.css",
            "footer": words(language)["footer"].format(brand=brand.name),
            "body": body,
        },
    )


@cache
def render_look(brand: Brand) -> str:
    """Return the style sheet with the colours of the brand in front."""
    colours = {
        "ink": brand.ink,
        "paper": brand.paper,
        "accent": brand.accent,
        "on-accent": brand.on_accent,
        "header": brand.header,
        "on-header": brand.on_header,
        "radius": brand.radius,
        "font": TYPEFACES[brand.typeface],
    }
    rules = "".join(f"  --{name}: {value};\n" for name, value in colours.items())
    return f":root {{\n{rules}}}\n" + (_FOLDER / "look.css").read_text(encoding="utf-8")


def choose_language(ui_locales: str, accept_language: str) -> str:
    """Return the first language asked for that there is: `ui_locales` before the browser's own list."""
    by_weight: list[tuple[float, str]] = []
    for part in accept_language.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            by_weight.append((-float(weight or 1), tag))
        except ValueError:
            continue
    for tag in [*ui_locales.split(), *(tag for _, tag in sorted(by_weight, key=lambda pair: pair[0]))]:
        language = tag.split("-")[0].lower()
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]
