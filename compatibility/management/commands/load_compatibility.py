"""Takes the compatibility data over, from the product's files or from a folder of the operator's."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from compatibility.facts_of_providers import DATA
from compatibility.loading import load
from compatibility.reading import BrokenData, read_data


class Command(BaseCommand):
    help = "Check the files of compatibility data and take them over. A broken file changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--folder", type=Path, default=DATA, help="another folder of the same form")
        parser.add_argument("--check", action="store_true", help="only say what is wrong in the files")

    def handle(self, **options: Any) -> None:
        try:
            dataset = read_data(options["folder"])
        except BrokenData as error:
            raise CommandError(f"The data was not taken over:\n{error}") from error
        if options["check"]:
            self.stdout.write(f"{len(dataset.statements)} facts, all well-formed.")
            return
        outcome = load(dataset)
        if not options["verbosity"]:
            return
        if outcome.is_new:
            self.stdout.write(f"{outcome.facts} facts: {outcome.added} added, {outcome.ended} ended.")
        else:
            self.stdout.write(f"{outcome.facts} facts, none changed.")
