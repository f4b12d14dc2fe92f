"""Budgets inside pages of other apps, put there by the template and not by an import."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

from fleet.budgets.access import apps_of
from fleet.budgets.cards import lines_of_link, notices_of, notices_of_link, press_line
from fleet.teams.models import Membership

register = template.Library()


@register.inclusion_tag("budgets/_of_vehicle.html")
def budgets_of_vehicle(vehicle: Any, link: Any) -> dict[str, Any]:
    """Show why commands to a car wait, and what a press on it costs; one query where nothing is counted."""
    if link is None or not link.is_live:
        return {"vehicle": vehicle, "notices": [], "line": None}
    lines = lines_of_link(vehicle, link)
    return {
        "vehicle": vehicle,
        "notices": notices_of_link(vehicle, link, lines),
        "line": press_line(vehicle, link, lines),
    }


@register.inclusion_tag("budgets/_notices.html")
def budget_notices(membership: Membership | None) -> dict[str, Any]:
    """Show why commands of a team wait anywhere."""
    return {"notices": notices_of(apps_of(membership)) if membership is not None else []}


@register.simple_tag
def until(moment: datetime) -> SafeString:
    """When something ends: the time of day, with the day where that would not tell it. A script shows the own zone."""
    is_near = moment - timezone.now() < timedelta(hours=20)
    form = "H:i:s" if is_near else pgettext("date format", "j M, H:i")
    return format_html(
        '<time datetime="{}" data-time="{}">{}</time>',
        moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "clock" if is_near else "thisYear",
        date_format(timezone.localtime(moment), form),
    )
