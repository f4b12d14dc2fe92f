"""How a team looks in the owner's flow: its logo and its colour, checked and drawn anew before anybody sees them."""

import io
import re
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from PIL import Image, ImageOps

from connect.models import TeamLook
from fleet.events.services import acting_as, record
from fleet.teams.models import Membership, Team

LOGO_MAX_BYTES = 1_048_576
LOGO_SIDE = 256
# A picture of a few kilobytes can unfold to gigabytes; this many points are decoded at most.
MOST_POINTS = 16_000_000
FORMATS = ("PNG", "JPEG", "WEBP")
ENOUGH_CONTRAST = 4.5
COLOUR = re.compile(r"#[0-9a-f]{6}")
WHITE, BLACK = "#ffffff", "#000000"

# Buttons and the team's tile wear the colour; words keep ours, so that they can be read in both themes. Out of all
# layers, so that it counts for more than what is in one.
STYLE = """\
.connect .btn.primary, .pairing .mark.app {{ background: {colour}; color: {on_colour}; }}
.connect .btn.primary {{ border-color: {on_colour}; }}
"""


class BadPicture(Exception):
    """An upload is not a picture that can be used. code: too_large, not_a_picture."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Look:
    """Addresses of a team's logo and of its style sheet; "" where it has none and ours are used."""

    logo_url: str = ""
    css_url: str = ""


def look_of(team: Team) -> Look:
    """Return how a team looks in the flow. The addresses change with what they show, so they may be kept for ever."""
    looks = TeamLook.objects.filter(team_id=team.id).annotate(has_logo=Q(logo__isnull=False))
    look = looks.defer("logo").first()
    if look is None:
        return Look()
    args = [team.id, version_of(look)]
    return Look(
        logo_url=reverse("connect:logo", args=args) if look.has_logo else "",
        css_url=reverse("connect:look_css", args=args) if look.colour else "",
    )


def version_of(look: TeamLook) -> str:
    """Return what tells one state of a look from the next."""
    return f"{int(look.updated_at.timestamp() * 1_000_000):x}"


def find_look(team_id: UUID, version: str) -> TeamLook | None:
    """Return a team's look if it is still the one that an address speaks of."""
    look = TeamLook.objects.filter(team_id=team_id).first()
    return look if look is not None and version_of(look) == version else None


def save_look(*, membership: Membership, colour: str, logo: bytes | None, keeps_logo: bool) -> TeamLook:
    """Keep a team's colour ("" for none) and logo; keeps_logo: the one that is there stays, logo is not looked at."""
    if colour and not COLOUR.fullmatch(colour):
        raise ValueError("a colour is #rrggbb")
    values: dict[str, object] = {"colour": colour, "updated_at": timezone.now()}
    if not keeps_logo:
        values["logo"] = logo
    with acting_as(membership.user.actor), transaction.atomic():
        look, _ = TeamLook.objects.update_or_create(team_id=membership.team_id, defaults=values)
        told = {"colour": colour, "has_logo": look.logo is not None}
        record("look.changed", actor=membership.user.actor, team_id=membership.team_id, data=told)
    return look


def draw_anew(raw: bytes) -> bytes:
    """Return an uploaded picture as a small PNG of ours: decoded and drawn again, nothing of the file itself is kept.

    Raises BadPicture.
    """
    if len(raw) > LOGO_MAX_BYTES:
        raise BadPicture("too_large")
    try:
        with Image.open(io.BytesIO(raw), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_POINTS:
                raise BadPicture("too_large")
            picture.draft("RGB", (LOGO_SIDE, LOGO_SIDE))
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPicture("too_large") from error
    # What a decoder makes of a damaged file: Pillow has no one error for it.
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, IndexError, OverflowError) as error:
        raise BadPicture("not_a_picture") from error
    upright.thumbnail((LOGO_SIDE, LOGO_SIDE), Image.Resampling.LANCZOS)
    # Pasted into a new one: colour profiles, places and texts of the file are left behind.
    drawn = Image.new("RGBA", upright.size)
    drawn.paste(upright)
    out = io.BytesIO()
    drawn.save(out, format="PNG", optimize=True)
    return out.getvalue()


def style_of(look: TeamLook) -> str:
    """Return the style sheet of a look: its colour, and black or white on it, whichever can be read."""
    if not COLOUR.fullmatch(look.colour):
        return ""
    return STYLE.format(colour=look.colour, on_colour=text_on(look.colour))


def text_on(colour: str) -> str:
    """Return white where it can be read on a colour, else black; one of the two always can."""
    return WHITE if contrast(colour, WHITE) >= ENOUGH_CONTRAST else BLACK


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2.2 counts it, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
