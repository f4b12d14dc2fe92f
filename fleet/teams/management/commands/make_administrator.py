"""manage.py make_administrator: for whoever runs the machine, when no administrator can sign in any more."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fleet.teams.installation import NoSuchPerson, make_administrator


class Command(BaseCommand):
    help = "Let somebody with an account look after this installation."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="ADDRESS")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        """Make it so. Raises CommandError where nobody has this address."""
        try:
            user = make_administrator(email=options["email"], actor="system:operator")
        except NoSuchPerson as error:
            raise CommandError("Nobody has an account with this address.") from error
        self.stdout.write(f"{user.email} looks after this installation.")
