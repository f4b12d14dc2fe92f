"""manage.py rotate_keys: after a new key was put in front of FLEETWELL_KEY_RING and all parts were restarted."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fleet.vehicles.rotating import rotate


class Command(BaseCommand):
    help = "Seal what lasts under the newest key of FLEETWELL_KEY_RING. A day later the older keys can go."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        """Print how much was sealed anew. Raises CommandError where something does not open with any key."""
        done = rotate()
        self.stdout.write(f"{done.resealed} values sealed anew, {done.fresh} were already.")
        if done.closed:
            raise CommandError("These do not open with any key of the ring, and were left: " + ", ".join(done.closed))
