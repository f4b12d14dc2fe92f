"""What the team's pages of share links show, made from rows. No rights, no changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from compatibility.vins import make_of
from connect.brands import OfferedBrand
from connect.countries import COUNTRIES
from connect.forms import ShareLinkForm
from connect.models import Recipient, ShareLink
from connect.qr import qr_path
from connect.scopes import ScopeLine, scope_lines
from connect.sending.services import MOST_LETTERS, remindable
from connect.sending.status import recipient_rows
from connect.start_page import start_context
from connect.vins import brand_of_make
from fleet.vehicles.models import Vehicle, VehicleLink

RECIPIENTS_A_PAGE = 50
MOST_CARS = 200


@dataclass(frozen=True)
class LinkRow:
    """One line of the team's list. status: open, used, expired or revoked; revoke_url only while it can be used."""

    label: str
    url: str
    brand_name: str
    scope_titles: list[str]
    status: str
    status_words: str
    sent_words: str
    created_at: datetime
    revoke_url: str


@dataclass(frozen=True)
class UsedBy:
    """One car that came by a link."""

    vehicle: Vehicle
    joined_at: datetime
    has_ended: bool


def count_recipients(links: QuerySet[ShareLink]) -> QuerySet[ShareLink]:
    """Add to links how many personal links each has, and how many of these came to something."""
    out = Q(recipients__revoked_at__isnull=True)
    done = Q(recipients__done_at__isnull=False)
    return links.annotate(asked_count=Count("recipients", filter=out), done_count=Count("recipients", filter=done))


def link_rows(links: Iterable[ShareLink], brands: list[OfferedBrand]) -> list[LinkRow]:
    """Return the lines of the team's list; links as count_recipients returns them."""
    now = timezone.now()
    return [_link_row(link, brands, now) for link in links]


def _link_row(link: ShareLink, brands: list[OfferedBrand], now: datetime) -> LinkRow:
    status, words = status_of(link, now)
    asked, done = getattr(link, "asked_count", 0), getattr(link, "done_count", 0)
    return LinkRow(
        label=link.label,
        url=reverse("connect:link", args=[link.id]),
        brand_name=brand_names(link, brands),
        scope_titles=[line.title for line in _scopes_of(link)],
        status=status,
        status_words=words,
        sent_words=_("%(done)s of %(asked)s asked are connected") % {"done": done, "asked": asked} if asked else "",
        created_at=link.created_at,
        revoke_url=reverse("connect:revoke", args=[link.id]) if status in {"open", "used"} else "",
    )


def status_of(link: ShareLink, now: datetime) -> tuple[str, str]:
    """Return a link's state as a key and in words."""
    is_open = _("Open, used %(uses)s of %(limit)s") if link.max_uses else _("Open, used %(uses)s times")
    return {
        "": ("open", is_open % {"uses": link.uses, "limit": link.max_uses}),
        "link_used_up": ("used", _("Used")),
        "link_expired": ("expired", _("Expired")),
        "link_revoked": ("revoked", _("Revoked")),
        "team_closed": ("revoked", _("Closed")),
    }[link.problem(now)]


def brand_names(link: ShareLink, brands: Iterable[OfferedBrand]) -> str:
    """Return the names of the makes that a link is for; "" for any."""
    names = {brand.key: brand.name for brand in brands}
    return ", ".join(names.get(key, key) for key in link.brands)


def _scopes_of(link: ShareLink) -> list[ScopeLine]:
    return scope_lines(needed=link.scopes_needed, optional=link.scopes_optional)


def link_context(link: ShareLink, brands: list[OfferedBrand], *, page: str = "1") -> dict[str, Any]:
    """Return what the page of one link shows."""
    now = timezone.now()
    recipients = Recipient.objects.filter(team_id=link.team_id, link=link).select_related("team")
    numbered = Paginator(recipients.order_by("-created_at", "email", "vin", "id"), RECIPIENTS_A_PAGE).get_page(page)
    status, words = status_of(link, now)
    return {
        "link": link,
        "link_url": reverse("connect:link", args=[link.id]),
        "status": status,
        "status_words": words,
        "is_open": status in {"open", "used"},
        "scopes": _scopes_of(link),
        "brand_names": brand_names(link, brands),
        "language_name": dict(settings.LANGUAGES).get(link.language, ""),
        "country_name": COUNTRIES.get(link.country, ""),
        "used_by": _used_by(link),
        "page": numbered,
        "recipients": recipient_rows(link, numbered.object_list),
        "remind_count": remindable(link, now).count() if status in {"open", "used"} else 0,
        "most_letters": MOST_LETTERS,
    }


def _used_by(link: ShareLink) -> list[UsedBy]:
    joined = VehicleLink.objects.filter(team_id=link.team_id, connection__share_link_id=link.id)
    newest = joined.select_related("vehicle").order_by("-created_at", "id")[:MOST_CARS]
    return [UsedBy(one.vehicle, one.created_at, one.ended_at is not None) for one in newest]


def preview_context(form: ShareLinkForm) -> dict[str, Any]:
    """Return what the preview beside the form shows: the owner's first screen as the form stands, in its language."""
    link = form.as_link()
    offered = {brand.key: brand for brand in form.offered}
    only = offered.get(link.brands[0]) if len(link.brands) == 1 else brand_of_make(make_of(link.vin), form.offered)
    return {"preview": start_context(link, brand_name=only.name if only else ""), "preview_language": link.language}


def code_context(url: str) -> dict[str, Any]:
    """Return a link as it is shown once: its address, and its QR code as one path."""
    path, side = qr_path(url)
    return {"new_url": url, "qr_path": path, "qr_side": side}
