"""What the owner's first screen shows: one place for the page itself and for the team's preview of it."""

from typing import Any

from connect.looks import look_of
from connect.models import ShareLink
from connect.pages import NamedBrand
from connect.scopes import scope_lines


def start_context(link: ShareLink, *, brand_name: str = "") -> dict[str, Any]:
    """Return what connect/start_body.html shows of a link; it may be one that is not saved yet.

    brand_name: of the only make that it is for, or "".
    """
    return {
        "asker": link.team,
        "look": look_of(link.team),
        "link": link,
        "scopes": scope_lines(needed=link.scopes_needed, optional=link.scopes_optional),
        "brand": NamedBrand(brand_name) if brand_name else None,
    }
