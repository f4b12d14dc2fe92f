"""What only the pages of jobs draw: spans of minutes and hours, and the bar of a job."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

from commands.jobs.labels import BAR, sentence_of_counts
from fleet.templatetags.fleetwell import NO_BREAK_SPACE

register = template.Library()

MINUTES_FROM_S = 90
HOURS_FROM_S = 90 * 60
BAR_LENGTH = 1000.0
# One failed car of ten thousand must be seen, too.
LEAST_LENGTH = 5.0


@register.filter
def span(value_s: float | None) -> str:
    """Return a span as people say it: 40 s, 12 min, 3.5 h."""
    if value_s is None or value_s == "":
        return ""
    if value_s < MINUTES_FROM_S:
        return f"{number_format(max(1, round(value_s)), 0)}{NO_BREAK_SPACE}s"
    if value_s < HOURS_FROM_S:
        return f"{number_format(round(value_s / 60), 0)}{NO_BREAK_SPACE}min"
    hours = round(value_s / 3600, 1)
    return f"{number_format(hours, 1 if hours % 1 else 0)}{NO_BREAK_SPACE}h"


@register.simple_tag
def money(amount: Decimal | None, currency: str) -> SafeString | str:
    """An amount with its currency, in the viewer's language."""
    if amount is None:
        return ""
    places = 2 if amount >= 1 or amount == 0 else 4
    return format_html("<bdi>{}{}{}</bdi>", number_format(amount, places), NO_BREAK_SPACE, currency)


@register.simple_tag
def moment(at: datetime | None) -> SafeString | str:
    """A moment to come, as day and time: its age would be nothing yet."""
    if not at:
        return ""
    utc = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    # Translators: date format of Django: day, short month, hour and minute.
    shown = date_format(timezone.localtime(at), pgettext("date format", "j M, H:i"))
    return format_html('<time datetime="{}" data-time="thisYear">{}</time>', utc, shown)


@register.simple_tag
def countdown(moment: datetime | None) -> SafeString | str:
    """The seconds until a moment; a script counts them down."""
    if not moment:
        return ""
    utc = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    left_s = max(0, math.ceil((moment - timezone.now()).total_seconds()))
    return format_html('<span data-until="{}">{}{}s</span>', utc, number_format(left_s, 0), NO_BREAK_SPACE)


@register.simple_tag
def job_bar(counts: Mapping[str, int], css: str = "") -> SafeString:
    """Draw the outcomes of a job as one bar; widths are SVG attributes, since a style would be blocked."""
    rects = format_html_join(
        "", '<rect class="{}" x="{}" width="{}" height="14"></rect>', ((s.css, s.x, s.width) for s in _pieces(counts))
    )
    return format_html(
        '<svg class="jobbar{}" viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        f" {css}" if css else "",
        sentence_of_counts(counts),
        rects,
    )


class _Piece:
    """One stretch of the bar; lengths are written with a point, whatever the language."""

    def __init__(self, css: str, x: float, width: float) -> None:
        self.css = css
        self.x = f"{x:.1f}"
        self.width = f"{width:.1f}"


def _pieces(counts: Mapping[str, Any]) -> list[_Piece]:
    shown = [(tone, sum(counts.get(outcome, 0) for outcome in outcomes)) for tone, outcomes in BAR]
    shown = [(tone, count) for tone, count in shown if count]
    total = sum(count for _, count in shown)
    if not total:
        return []
    lengths = [max(LEAST_LENGTH, BAR_LENGTH * count / total) for _, count in shown]
    scale = BAR_LENGTH / sum(lengths)
    pieces, x = [], 0.0
    for (tone, _), length in zip(shown, lengths, strict=True):
        pieces.append(_Piece(tone, x, length * scale))
        x += length * scale
    return pieces
