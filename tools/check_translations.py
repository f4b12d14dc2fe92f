"""Fail when a text has no translation, a translation lost a placeholder, or locale/ is behind templates and code."""

import re
import sys
from pathlib import Path

# Started by its path, a script knows only its own folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools.translate import (
    LANGUAGES,
    ROOT,
    collect,
    compiled,
    key_of,
    po_path,
    read_catalog,
    settle_head,
    untranslated,
)

PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w+\}")


def faults(root: Path = ROOT) -> list[str]:
    """What is wrong with the catalogues, one line each."""
    found = []
    wanted = {key_of(message) for message in collect(root) if message.id}
    for language in LANGUAGES:
        path = po_path(language, root)
        if not path.exists():
            found.append(f"{language}: there is no catalogue; run tools/translate.py")
            continue
        catalog = read_catalog(language, root)
        had = {key_of(message) for message in catalog if message.id}
        found += [f"{language}: not collected yet: {key[1]}" for key in sorted(wanted - had, key=str)]
        found += [f"{language}: no longer used: {key[1]}" for key in sorted(had - wanted, key=str)]
        found += [f"{language}: not translated: {text}" for text in untranslated(catalog)]
        for message in catalog:
            if message.id and lost_placeholders(message.id, message.string):
                found.append(f"{language}: other placeholders than the source: {message.id}")
        settle_head(catalog)
        binary = path.with_suffix(".mo")
        if not binary.exists() or binary.read_bytes() != compiled(catalog):
            found.append(f"{language}: django.mo is older than django.po; run tools/translate.py")
    return found


def lost_placeholders(source: str | tuple[str, ...], translation: str | tuple[str, ...]) -> bool:
    """A plural form may leave a placeholder out ("one car"), but none may invent one, and a single form keeps all."""
    sources = [source] if isinstance(source, str) else list(source)
    forms = [translation] if isinstance(translation, str) else list(translation)
    known = {name for text in sources for name in PLACEHOLDER.findall(text)}
    used = [set(PLACEHOLDER.findall(text)) for text in forms]
    if any(names - known for names in used):
        return True
    return len(sources) == 1 and any(names != known for names in used if forms != [""])


def main() -> int:
    for fault in (found := faults()):
        sys.stderr.write(f"{fault}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
