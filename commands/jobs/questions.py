"""What is asked before a risky command goes to many cars: the safe answer first, the button repeats the verb."""

from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commands.jobs.words import PROBLEMS
from commands.words import GROUPS, LABELS
from fleet.adapters.commands import KINDS
from fleet.adapters.rules import RetryClass


@dataclass(frozen=True)
class Question:
    title: str
    body: str
    safe_label: str
    go_label: str


@dataclass(frozen=True)
class Tile:
    """One command to choose. detail: what to know of it; without an url it is why it can't be chosen."""

    kind: str
    label: str
    detail: str
    asks: bool
    url: str


@dataclass(frozen=True)
class TileGroup:
    title: str
    tiles: list[Tile]


def can_be_job(kind: str) -> bool:
    """Say whether a command may go to many cars at once: no secret is ever kept in a list."""
    return kind in KINDS and not KINDS[kind].secrets and KINDS[kind].retry_class is not RetryClass.D


def tile_groups(urls: dict[str, str]) -> list[TileGroup]:
    """Return all commands by group; urls: where each that may be a job is drafted."""
    return [TileGroup(str(title), [_tile(kind, urls) for kind in kinds]) for title, kinds in GROUPS]


def _tile(kind: str, urls: dict[str, str]) -> Tile:
    if not can_be_job(kind):
        return Tile(kind, str(LABELS[kind]), str(PROBLEMS["secret"]), KINDS[kind].asks, "")
    detail = _("Asks before it sends") if KINDS[kind].asks else ""
    return Tile(kind, str(LABELS[kind]), detail, KINDS[kind].asks, urls[kind])


def question_of(kind: str, count: int) -> Question:
    """Return the question before a risky command goes to `count` cars."""
    vehicles = ngettext("%(count)s vehicle", "%(count)s vehicles", count) % {
        "count": number_format(count, 0, force_grouping=True)
    }
    bodies = {
        "unlock": _("Anyone near these cars can get in until they are locked again."),
        "open_trunk": _("Anyone near can reach what is in the trunks. Most cars cannot close them from afar."),
        "open_frunk": _("Somebody has to close every front trunk by hand before the car drives."),
        "honk_horn": _("People near the cars will hear it, at night too."),
        "start_engine": _(
            "The engines run with nobody in the cars. Be sure that none of them stands in a closed room."
        ),
    }
    go = {
        "unlock": _("Unlock now"),
        "open_trunk": _("Open now"),
        "open_frunk": _("Open now"),
        "honk_horn": _("Honk now"),
        "start_engine": _("Start now"),
    }
    title = _("%(command)s: %(vehicle)s?") % {"command": LABELS[kind], "vehicle": vehicles}
    return Question(title, bodies.get(kind, ""), _("Don’t send"), go.get(kind, _("Send now")))
