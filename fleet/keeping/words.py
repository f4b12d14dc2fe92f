"""What people read of rows that go: one sentence each, by number."""

from collections.abc import Mapping

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from fleet.keeping.counting import ENOUGH

ROWS = {
    "commands": ngettext_lazy("%(number)s command", "%(number)s commands", "count"),
    "jobs": ngettext_lazy("%(number)s job", "%(number)s jobs", "count"),
    "schedule_runs": ngettext_lazy("%(number)s run of a schedule", "%(number)s runs of schedules", "count"),
    "alerts": ngettext_lazy("%(number)s closed alert", "%(number)s closed alerts", "count"),
    "invitations": ngettext_lazy(
        "%(number)s used or expired invitation", "%(number)s used or expired invitations", "count"
    ),
    "readings": ngettext_lazy("%(number)s last reading", "%(number)s last readings", "count"),
    "names": ngettext_lazy("%(number)s name in the audit trail", "%(number)s names in the audit trail", "count"),
}


def rows_that_go(counts: Mapping[str, int]) -> list[str]:
    """Return what goes, in words, in the order of the table: "12 commands"."""
    return [_words(name, counts[name]) for name in ROWS if counts.get(name)]


def _words(name: str, count: int) -> str:
    number = number_format(count, 0, force_grouping=True)
    if count >= ENOUGH:
        number = _("more than %(number)s") % {"number": number}
    return str(ROWS[name] % {"count": count, "number": number})
