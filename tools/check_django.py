"""Django's own checks, and that no migration is missing, against an empty database of our own."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django
from django.core.management import call_command

from fleet.run import databases
from tests.infrastructure.servers import ROLLED_BACK, servers


def main() -> None:
    databases.create_database(servers.postgres.url(), ROLLED_BACK)
    django.setup()
    call_command("check", fail_level="WARNING")
    call_command("makemigrations", check=True, dry_run=True)


if __name__ == "__main__":
    main()
