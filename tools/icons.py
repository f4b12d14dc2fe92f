"""Pack the icons in use, from Lucide and from our own drawings in tools/icons/, into the sprite static/icons.svg."""

import re
import sys
import tomllib

from vendor import ROOT, fetch_package, packages

DRAWN = ROOT / "tools" / "icons"
SPRITE = ROOT / "static" / "icons.svg"
SYMBOL = (
    '<symbol id="{id}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" '
    'stroke-linecap="round" stroke-linejoin="round">{drawing}</symbol>'
)
NOTE = (
    "Lucide {version} (ISC, some MIT from Feather; licence in vendor/lucide-{version}) and our own drawings. "
    "Made by tools/icons.py from the list tools/icons/icons.toml."
)


def drawing_of(svg: str) -> str:
    """What stands between <svg …> and </svg>, on one line."""
    body = re.sub(r"(?s)^.*?<svg[^>]*>|</svg>\s*$", "", svg)
    return re.sub(r"\s+", " ", body).replace("> <", "><").replace(" />", "/>").strip()


def build_sprite() -> str:
    listed: dict[str, str] = tomllib.loads((DRAWN / "icons.toml").read_text(encoding="utf-8"))
    lucide = next(package for package in packages() if package["name"] == "lucide-static")
    contents = fetch_package(lucide["name"], lucide["version"], lucide["integrity"])
    symbols = []
    for identifier, source in sorted(listed.items()):
        own = DRAWN / f"{source}.svg"
        svg = own.read_text(encoding="utf-8") if own.exists() else contents[f"icons/{source}.svg"].decode()
        symbols.append(SYMBOL.format(id=identifier, drawing=drawing_of(svg)))
    note = NOTE.format(version=lucide["version"])
    return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg">', f"<!-- {note} -->", *symbols, "</svg>", ""])


if __name__ == "__main__":
    SPRITE.write_text(build_sprite(), encoding="utf-8")
    sys.stdout.write(f"{SPRITE.relative_to(ROOT)} written\n")
