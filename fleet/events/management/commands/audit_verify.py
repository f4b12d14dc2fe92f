"""manage.py audit_verify: does the audit trail still say what was sealed?"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fleet.events.verifying import AnchorsUnreadable, verify


class Command(BaseCommand):
    help = "Recompute the audit trail. Ends with 0 and one line, or with 1 and a line for everything that is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchors",
            type=Path,
            metavar="PATH",
            help="a copy of the anchors kept elsewhere; default: this installation's file, if there is one",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        """Print what was verified. Raises CommandError, which ends with 1."""
        path = options["anchors"] or self._own_file()
        try:
            found = verify(path)
        except AnchorsUnreadable as error:
            raise CommandError(f"The anchors cannot be read: {error}") from error
        counts = (
            f"{found.chains} chains, {found.seals} seals, {found.events} sealed events, "
            f"{found.unsealed} not yet sealed, {found.anchors} anchored heads"
        )
        if found.problems:
            for problem in found.problems:
                self.stdout.write(problem)
            raise CommandError(f"not ok: {len(found.problems)} problems in {counts}")
        self.stdout.write(f"ok: {counts}")

    def _own_file(self) -> Path | None:
        path = Path(settings.AUDIT_ANCHOR_FILE) if settings.AUDIT_ANCHOR_FILE else None
        return path if path is not None and path.exists() else None
