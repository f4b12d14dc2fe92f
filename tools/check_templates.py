"""Fail when a template or a sheet breaks a rule: inline code, htmx beyond our subset, raw colours, bare text."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HTMX_CHECKER = ROOT / "tests/vendor/htmx-4.0.1/upgrade-check.py"

ALLOWED_HTMX = {
    "hx-get",
    "hx-post",
    "hx-delete",
    "hx-target",
    "hx-swap",
    "hx-trigger",
    "hx-vals",
    "hx-include",
    "hx-push-url",
    "hx-confirm",
    "hx-indicator",
    "hx-sync",
    "hx-swap-oob",
    "hx-headers:inherited",
}
# Words that are the same in every language.
NAMES = {"Fleetwell", "Fleetwell Connect", "°C", "kW", "km"}
TEXT_ATTRIBUTES = {"aria-label", "title", "placeholder", "alt"}
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color)\(")
# A mix of two tokens is no raw colour.
MIX = re.compile(r"color-mix\([^;]*?\)")
ICON = re.compile(r'{%\s*icon\s+"([^"]+)"|{%\s*status_pill\s+\S+\s+"[^"]*"\s+"([^"]+)"')


class Page(HTMLParser):
    """Reads one template whose Django tags are taken out, and notes what breaks a rule."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[tuple[int, str]] = []
        self._open_post_form = 0
        self._in_code = False

    def note(self, what: str) -> None:
        self.faults.append((self.getpos()[0], what))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.note(f"inline <{tag}>")
        for name, value in attributes:
            self._check_attribute(name, value or "")
        if "hx-post" in given and not {"hx-target", "hx-swap"} <= given.keys():
            self.note("hx-post without its own hx-target and hx-swap")
        if tag == "form" and (given.get("method") or "").lower() == "post":
            self._open_post_form = self.getpos()[0]
        if tag == "code":
            self._in_code = True
        if tag == "csrf-token":
            self._open_post_form = 0

    def handle_endtag(self, tag: str) -> None:
        if tag == "code":
            self._in_code = False
        if tag == "form" and self._open_post_form:
            self.note("form without csrf_token")
            self._open_post_form = 0

    def handle_data(self, data: str) -> None:
        # Words of a program are the same in every language.
        if self._in_code:
            return
        for text in (part.strip() for part in re.split("[–·]", data)):
            if re.search(r"[^\W\d_]{2}", text) and text not in NAMES:
                self.note(f"text that can't be translated: {text!r}")

    def _check_attribute(self, name: str, value: str) -> None:
        if name == "style" or name.startswith("on"):
            self.note(f"inline code: {name}=")
        if name.startswith(("hx-", "data-hx-")) and name not in ALLOWED_HTMX:
            self.note(f"htmx outside our subset: {name}")
        if name.startswith("hx-") and value.lstrip().lower().startswith(("js:", "javascript:")):
            self.note(f"script in {name}")
        if name == "hx-trigger" and "[" in value:
            self.note("filter in hx-trigger")
        if name == "href" and value == "#":
            self.note("a link that leads nowhere")
        if name in TEXT_ATTRIBUTES and re.search(r"[^\W\d_]{2}", value) and value not in NAMES:
            self.note(f"{name} that can't be translated: {value!r}")


def markup_of(template: str) -> str:
    """The template as HTML, line by line: tags of Django and translated texts are blanked, csrf_token is an element."""
    patterns = (
        r"{%\s*block \w+_class\s*%}.*?{%\s*endblock\s*%}",
        r"{#.*?#}",
        r"{%\s*comment\b.*?{%\s*endcomment\s*%}",
        r"{%\s*blocktrans(?:late)?\b.*?{%\s*endblocktrans(?:late)?\s*%}",
        r"{{.*?}}",
        r"{%(?!\s*csrf_token).*?%}",
    )
    for pattern in patterns:
        template = re.sub(pattern, lambda found: "\n" * found[0].count("\n"), template, flags=re.DOTALL)
    return re.sub(r"{%\s*csrf_token\s*%}", "<csrf-token>", template)


def template_faults(text: str, icons: set[str]) -> Iterator[tuple[int, str]]:
    page = Page()
    page.feed(markup_of(text))
    page.close()
    yield from page.faults
    for found in ICON.finditer(text):
        name = found[1] or found[2]
        if name not in icons:
            yield text.count("\n", 0, found.start()) + 1, f"the sprite has no icon {name!r}"


def sheet_faults(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if found := COLOUR.search(MIX.sub("", line)):
            yield number, f"raw colour {found[0]}"


def faults(root: Path = ROOT) -> list[str]:
    """Every breach as path:line: what."""
    icons = set(re.findall(r'<symbol id="([^"]+)"', (root / "static/icons.svg").read_text(encoding="utf-8")))
    found = []
    for path in sorted((root / "templates").rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        found += [f"{path.relative_to(root)}:{line}: {what}" for line, what in template_faults(text, icons)]
    for path in sorted((root / "static/css").glob("*.css")):
        if path.name != "tokens.css":
            text = path.read_text(encoding="utf-8")
            found += [f"{path.relative_to(root)}:{line}: {what}" for line, what in sheet_faults(text)]
    return found


def htmx_complaints(root: Path = ROOT) -> str:
    """What htmx's own checker says of attributes, events and calls of version 2; nothing when all is well.

    It also guesses where something might have been inherited; ours is the stricter rule that nothing is.
    """
    command = [sys.executable, HTMX_CHECKER, "--ext", ".html,.js", root / "templates", root / "static/js"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        return ""
    return "\n".join(line for line in answer.stdout.splitlines() if "[" in line and "[inheritance]" not in line)


def main() -> int:
    found = [*faults(), *filter(None, [htmx_complaints()])]
    for fault in found:
        sys.stderr.write(f"{fault}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
