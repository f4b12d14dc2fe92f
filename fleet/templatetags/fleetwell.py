"""Template tags of the whole product: icons, times, numbers with units, pills and marks. No queries, no rights."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from fleet.teams import units

register = template.Library()

# How many decimals a unit is shown with; what is not listed has none.
DECIMALS = {"kW": 1, "kWh": 1}
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
EN_DASH = "\N{EN DASH}"
# Two letters that people know, where the first two of the name are not them.
MARKS = {"volkswagen": "VW", "mercedes-benz": "MB", "mercedes": "MB", "land rover": "LR", "alfa romeo": "AR"}
HUES = 6
LOW_CHARGE_PERCENT = 20
# Commands whose value is set beside the tiles; other values are asked for in a dialog or left to the car.
VALUE_KINDS = {"set_charge_limit", "set_temperature", "send_destination"}


# --- Icons -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def icon_names() -> frozenset[str]:
    """The names that the sprite has."""
    path = finders.find("icons.svg")
    assert isinstance(path, str), "static/icons.svg is part of the product"  # noqa: S101 - a broken checkout, not input
    with open(path, encoding="utf-8") as sprite:  # noqa: PTH123 - finders give strings
        return frozenset(re.findall(r'<symbol id="([^"]+)"', sprite.read()))


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """Draw one icon of the sprite. With a label it is read out; without one it is only decoration."""
    classes = f"ico {css}".strip()
    # A name that is not there shows a plain ring: a missing drawing must not take a page down.
    href = f"{static('icons.svg')}#{name if name in icon_names() else 'dot'}"
    if label:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}"><use href="{}"></use></svg>', classes, label, href
        )
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"></use></svg>', classes, href)


# --- Times -----------------------------------------------------------------------------------------------------------


def _time(moment: datetime, text: str, shown_as: str) -> SafeString:
    utc = moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    title = f"{_dated(moment)} {timezone.localtime(moment).tzname()}"
    return format_html('<time datetime="{}" title="{}" data-time="{}">{}</time>', utc, title, shown_as, text)


def _dated(moment: datetime, *, without_year: bool = False) -> str:
    # Translators: date formats of Django: day, short month, year, hour and minute.
    form = pgettext("date format", "j M, H:i") if without_year else pgettext("date format", "j M Y, H:i")
    return date_format(timezone.localtime(moment), form)


@register.simple_tag
def ago(moment: datetime | None) -> SafeString | str:
    """How long ago, up to a day; then the date. The exact time is in the title; a script keeps it ticking."""
    if not moment:
        return _("never")
    now = timezone.now()
    if now - moment < timedelta(days=1):
        return _time(moment, naturaltime(moment), "ago")
    return _time(moment, _dated(moment, without_year=moment.year == now.year), "ago")


@register.simple_tag
def clock(moment: datetime | None) -> SafeString | str:
    """The time of day with seconds, for steps that follow within a minute."""
    return _time(moment, date_format(timezone.localtime(moment), "H:i:s"), "clock") if moment else ""


@register.simple_tag
def day(moment: datetime | None) -> SafeString | str:
    """The date alone."""
    if not moment:
        return _("never")
    # Translators: a date format of Django: day, short month, year.
    return _time(moment, date_format(timezone.localtime(moment), pgettext("date format", "j M Y")), "day")


@register.simple_tag
def hour(begins: datetime) -> SafeString:
    """The hour that begins at a moment, for what is counted by the hour."""
    ends = date_format(timezone.localtime(begins + timedelta(hours=1)), "H:i")
    return _time(begins, f"{_dated(begins, without_year=True)}{EN_DASH}{ends}", "hour")


@register.simple_tag
def seconds(value: float | timedelta | None) -> str:
    """A span in seconds: 0.8 s, 6 s, 11 s."""
    if value is None or value == "":
        return ""
    span = value.total_seconds() if isinstance(value, timedelta) else float(value)
    decimals = 1 if span < 10 and round(span, 1) != round(span) else 0
    return f"{number_format(round(span, decimals), decimals)}{NO_BREAK_SPACE}s"


@register.simple_tag
def elapsed(since: datetime | None) -> SafeString | str:
    """The seconds since a moment; a script keeps counting."""
    if not since:
        return ""
    utc = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    passed = max(0, int((timezone.now() - since).total_seconds()))
    return format_html('<span data-since="{}">{}</span>', utc, seconds(passed))


@register.filter
def in_ms(span_s: float) -> str:
    """Seconds as whole milliseconds for hx-trigger: of "every 1.5s" htmx 4 reads only the 1, and takes it for 1 ms."""
    return str(round(float(span_s) * 1000))


# --- Numbers ---------------------------------------------------------------------------------------------------------


def _value(reading: Any) -> Any:
    """What a reading says, or the value itself; a lookup that failed in the template arrives as an empty string."""
    found = getattr(reading, "value", reading)
    return None if found == "" else found


@register.simple_tag
def quantity(value: Any, unit: str, decimals: int | None = None) -> SafeString:
    """A metric number in the viewer's language and their team's unit; takes a reading too. None is "not reported"."""
    number = _value(value)
    if number is None:
        return format_html('<span aria-hidden="true">{}</span><span class="vh">{}</span>', EN_DASH, _("not reported"))
    shown, sign = units.shown(number, unit, DECIMALS.get(unit) if decimals is None else decimals)
    return format_html("<bdi>{}{}{}</bdi>", shown, NO_BREAK_SPACE, sign)


@register.inclusion_tag("c/charge_bar.html")
def charge_bar(charge: Any, limit: Any = None, size: str = "mini") -> dict[str, Any]:
    """The charge as a bar, "mini" in a table or "full"; widths are SVG attributes, since a style would be blocked."""
    width = 64 if size == "mini" else 300
    percent = max(0.0, min(100.0, float(_value(charge) or 0)))
    stop = _value(limit)
    return {
        "size": size,
        "low": percent < LOW_CHARGE_PERCENT,
        "percent": round(percent),
        "limit": round(stop) if stop is not None else None,
        "filled": _length(percent, width),
        "edge": _length(float(stop), width) if stop is not None else None,
    }


def _length(percent: float, width: int) -> str:
    """A length in an SVG, always with a point: a comma of the viewer's language would break the attribute."""
    return f"{percent * width / 100:.1f}"


# --- Pills and marks -------------------------------------------------------------------------------------------------


@register.simple_tag
def status_pill(text: str, tone: str = "", icon_name: str = "", live: bool = False) -> SafeString:
    """A state as icon or dot, word and colour; the colour is never alone. tone: ok, warn, danger, accent or nothing."""
    dot = format_html('<span class="dot{}" aria-hidden="true"></span>', " live" if live else "")
    sign = icon(icon_name) if icon_name else dot
    return format_html('<span class="pill{}">{}{}</span>', f" {tone}" if tone else "", sign, text)


@register.simple_tag
def make_tile(make: str, size: str = "") -> SafeString:
    """The two-letter mark of a make in one of six quiet hues; a logo would need a licence."""
    plain = unicodedata.normalize("NFKD", make or "?").encode("ascii", "ignore").decode() or "?"
    letters = MARKS.get(plain.lower(), plain[:2].upper())
    hue = sum(plain.lower().encode()) % HUES + 1
    classes = f"mark {size}".strip()
    return format_html('<span class="{}" data-hue="{}" aria-hidden="true">{}</span>', classes, hue, letters)


@register.filter
def scope_title(scope: str) -> str:
    """What an owner allows, in two or three words."""
    return {
        "read_vin": _("Which car it is"),
        "read_odometer": _("Odometer"),
        "read_battery": _("Battery and range"),
        "read_charge": _("Charging"),
        "read_location": _("Location"),
        "read_lock_state": _("Doors and locks"),
        "read_climate": _("Temperatures"),
        "read_fuel": _("Fuel level"),
        "control_security": _("Lock and unlock"),
        "control_charge": _("Start and stop charging"),
        "control_climate": _("Heating and cooling"),
        "control_navigation": _("Send a destination"),
        "control_pin": _("PIN and valet mode"),
        "control_trunk": _("Open and close the trunk"),
        "control_engine": _("Start and stop the engine"),
    }.get(scope, scope)


def _presence(state: Any) -> tuple[str, str, str] | None:
    """Is the car there? (tone, icon, words)"""
    return {
        "online": ("ok", "online", _("Online")),
        "asleep": ("", "asleep", _("Asleep")),
        "offline": ("warn", "offline", _("Offline")),
    }.get(_value(getattr(state, "online_state", None)) or "")


def _charging(state: Any) -> tuple[str, str, str] | None:
    power = _value(getattr(state, "charge_power_kw", None))
    charging = _value(getattr(state, "charging_state", None))
    if charging == "charging":
        shown = f"{number_format(round(power, 1), 1 if power % 1 else 0)}{NO_BREAK_SPACE}kW" if power else ""
        return ("ok", "bolt", _("Charging, %(power)s") % {"power": shown} if shown else pgettext("state", "Charging"))
    words = {
        "complete": ("ok", "battery", _("Fully charged")),
        "fault": ("danger", "warn", _("Charging fault")),
        "no_power": ("warn", "plug", _("No power at the plug")),
    }
    if charging in words:
        return words[charging]
    return ("", "plug", _("Plugged in")) if _value(getattr(state, "plugged_in", None)) else None


def _locking(state: Any) -> tuple[str, str, str] | None:
    locked = _value(getattr(state, "locked", None))
    if locked is None:
        return None
    return ("", "lock", _("Locked")) if locked else ("warn", "unlock", _("Unlocked"))


def _driving(state: Any) -> tuple[str, str, str] | None:
    return ("accent", "driving", _("Driving")) if _value(getattr(state, "in_motion", None)) else None


def _pills(found: list[tuple[str, str, str] | None]) -> SafeString:
    return format_html_join(" ", "{}", ((status_pill(text, tone, name),) for tone, name, text in filter(None, found)))


@register.simple_tag
def state_pills(state: Any) -> SafeString:
    """Everything worth a pill beside a car's name: presence, movement, charging, doors."""
    return _pills([_presence(state), _driving(state), _charging(state), _locking(state)])


@register.simple_tag
def main_pill(state: Any, link_status: str = "") -> SafeString:
    """The one thing to know about a car in a list: what needs somebody comes first, then what happens now."""
    if link_status == "needs_owner":
        return _pills([("warn", "warn", _("Owner must sign in again"))])
    if link_status == "ended":
        return _pills([("", "ban", _("Not connected"))])
    presence = _presence(state)
    locking = _locking(state)
    unlocked = locking if locking and locking[0] == "warn" else None
    absent = presence if presence and presence[0] != "ok" else None
    chosen = _driving(state) or _charging(state) or unlocked or absent or locking or presence
    return _pills([chosen or ("", "question", _("No data yet"))])


@register.filter
def has_value(offer: Any) -> bool:
    """Say whether a command on offer is drawn as a value to set, not as a tile to press."""
    is_open = offer.form is not None and not offer.asks and offer.tile_state != "none"
    return is_open and offer.kind in VALUE_KINDS


@register.filter
def beside(field: Any, other: Any) -> list[tuple[Any, Any]]:
    """The options of two fields with the same choices, side by side."""
    return list(zip(field, other, strict=True))
