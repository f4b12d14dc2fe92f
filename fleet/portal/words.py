"""Every way out of an owner's pages, and what people read about who did something and why."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class WayOut:
    title: Promise
    text: Promise
    status: int
    sign: str
    asks_for_address: bool = True


WAYS_OUT = {
    "unknown": WayOut(
        _("This link does not work"),
        _("Perhaps it was not copied whole, or it was taken back. Have a new one sent to you."),
        404,
        "link",
    ),
    "away": WayOut(
        _("Open your link again"),
        _("For your safety these pages close after an hour. Open the link from your letter, or have a new one sent."),
        404,
        "hourglass",
    ),
    "too_many_tries": WayOut(_("Too many tries"), _("Wait a minute, then try again."), 429, "clock", False),
}

# Why a command was sent, by its origin.
ORIGINS = {
    "page": _("pressed by hand"),
    "api": _("by a program of the team"),
    "job": _("as one of many cars"),
    "schedule": _("by a schedule"),
    "undo": _("to undo an earlier command"),
    "guest": _("with a guest’s key"),
}

# What a read was for.
PURPOSES = {
    "regular": _("regular look at the car"),
    "asked": _("pressed “Read again”"),
    "command": _("before or after a command, to prove it"),
}
