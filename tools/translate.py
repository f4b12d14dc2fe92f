"""Bring locale/ up to date: collect every text of templates and code, keep the translations, compile them.

Django's own command needs the gettext programs, which a fresh machine lacks; Babel does the same in Python.
`python tools/translate.py` prints the texts that have no translation yet.
"""

import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("de",)
PACKAGES = ("fleet", "connect", "commands", "compatibility")
# Dates and names in the head of a catalogue change with every run and say nothing that the history does not.
MADE_AT = datetime(2026, 11, 22, tzinfo=UTC)
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}


def source_files(root: Path) -> Iterator[Path]:
    yield from sorted((root / "templates").rglob("*.html"))
    for package in PACKAGES:
        yield from (path for path in sorted((root / package).rglob("*.py")) if "migrations" not in path.parts)


def python_of(path: Path) -> bytes:
    """The file as Python source: a template becomes one line per text, so that one extractor reads both."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        # The tokenizer would take the indentation of the page for that of a program.
        text = re.sub(r"(?m)^[ \t]+", "", templatize(text, origin=str(path)))
    return text.encode()


def collect(root: Path = ROOT) -> Catalog:
    """Every translatable text of the project, with the files it is in."""
    if not settings.configured:
        settings.configure(USE_I18N=True)
    catalog = Catalog(charset="utf-8")
    for path in source_files(root):
        found = extract("python", io.BytesIO(python_of(path)), KEYWORDS, comment_tags=("Translators:",))
        for _line, message, comments, context in found:
            where = [(str(path.relative_to(root)), 0)]
            catalog.add(message, locations=where, auto_comments=comments, context=context)
    return catalog


def po_path(language: str, root: Path = ROOT) -> Path:
    return root / "locale" / language / "LC_MESSAGES" / "django.po"


def read_catalog(language: str, root: Path = ROOT) -> Catalog:
    path = po_path(language, root)
    if not path.exists():
        return Catalog(locale=language, project="Fleetwell", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def settle_head(catalog: Catalog) -> None:
    catalog.creation_date = catalog.revision_date = MADE_AT
    catalog.project, catalog.version = "Fleetwell", "1"
    catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = "Fleetwell"
    catalog.header_comment = f"# Texts of Fleetwell, {catalog.locale}. Brought up to date by tools/translate.py."
    catalog.fuzzy = False


def compiled(catalog: Catalog) -> bytes:
    """The catalogue as the pages read it."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def key_of(message: object) -> tuple[str | None, object]:
    return message.context, message.id  # type: ignore[attr-defined]


def untranslated(catalog: Catalog) -> list[str]:
    """Texts without a translation, or with one that somebody has to look at."""
    open_texts = []
    for message in catalog:
        forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and (message.fuzzy or not all(forms)):
            open_texts.append(message.id if isinstance(message.id, str) else message.id[0])
    return open_texts


def main() -> int:
    found = collect()
    for language in LANGUAGES:
        catalog = read_catalog(language)
        # A guess by likeness is worse than an empty line: it looks translated.
        catalog.update(found, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        settle_head(catalog)
        path = po_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=120, omit_header=False, include_lineno=False, sort_output=True)
        path.with_suffix(".mo").write_bytes(compiled(catalog))
        for text in untranslated(catalog):
            sys.stdout.write(f"{language}: {text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
