"""What the team's pages of share links show, made from rows. No rights, no changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from connect.brands import OfferedBrand
from connect.models import ShareLink
from connect.scopes import scope_lines


@dataclass(frozen=True)
class LinkRow:
    """One line of the team's list. status: open, used, expired or revoked; revoke_url only while it can be used."""

    label: str
    brand_name: str
    scope_titles: list[str]
    status: str
    status_words: str
    created_at: datetime
    revoke_url: str


def link_rows(links: Iterable[ShareLink], brands: list[OfferedBrand]) -> list[LinkRow]:
    """Return the lines of the team's list."""
    names, now = {brand.key: brand.name for brand in brands}, timezone.now()
    return [_link_row(link, names, now) for link in links]


def _link_row(link: ShareLink, brand_names: dict[str, str], now: datetime) -> LinkRow:
    problem = link.problem(now)
    is_open = _("Open, used %(uses)s of %(limit)s") if link.max_uses else _("Open, used %(uses)s times")
    status, words = {
        "": ("open", is_open % {"uses": link.uses, "limit": link.max_uses}),
        "link_used_up": ("used", _("Used")),
        "link_expired": ("expired", _("Expired")),
        "link_revoked": ("revoked", _("Revoked")),
    }[problem]
    return LinkRow(
        label=link.label,
        brand_name=", ".join(brand_names.get(key, key) for key in link.brands),
        scope_titles=[line.title for line in scope_lines(needed=link.scopes_needed, optional=link.scopes_optional)],
        status=status,
        status_words=words,
        created_at=link.created_at,
        revoke_url="" if problem else reverse("connect:revoke", args=[link.id]),
    )
