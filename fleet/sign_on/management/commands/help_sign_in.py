"""manage.py help_sign_in: for whoever runs the machine, when somebody lost all their second factors."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fleet.sign_on.helping import NoSuchPerson, find_person, take_factors
from fleet.sign_on.letters import tell_factors_taken

QUESTION = (
    "This takes every second factor of {address} away and signs them out everywhere; their password stays.\n"
    "Be sure that it is them who asks: call them back. Type their address to go on: "
)


class Command(BaseCommand):
    help = "Take the second factors of somebody who lost them all away, after typed confirmation."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", metavar="ADDRESS")
        parser.add_argument(
            "--forget-sign-on", action="store_true", help="forget too to which person at a provider the account belongs"
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        """Ask, act, tell. Raises CommandError where nobody has the address, or another one was typed."""
        try:
            user = find_person(options["address"])
        except NoSuchPerson as error:
            raise CommandError("Nobody has an account with this address.") from error
        self.stdout.write(QUESTION.format(address=user.email), ending="")
        try:
            typed = input()
        except EOFError:
            typed = ""
        if typed.strip().lower() != user.email.lower():
            raise CommandError("That is not the address. Nothing was done.")
        count = take_factors(user, forgets_links=options["forget_sign_on"])
        is_told = tell_factors_taken(user)
        told = "A letter tells them." if is_told else "The letter to them could not be sent: tell them."
        self.stdout.write(f"Taken away: {count}. {told}")
