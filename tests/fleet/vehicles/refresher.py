"""One worker of a storm: refreshes logins at random until it is asked to end; a byte for each goes to its tally."""

import os
import random
import signal
import sys
from uuid import UUID

import django

django.setup()

from fleet.adapters.errors import AdapterError  # noqa: E402 - after the setup
from fleet.vehicles.models import ProviderAccount  # noqa: E402
from fleet.vehicles.tokens import get_access_token  # noqa: E402


def main() -> None:
    tally_path, *raw_ids = sys.argv[1:]
    tally = os.open(tally_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    ids = [UUID(raw) for raw in raw_ids]
    asked_to_end: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked_to_end.append(number))
    while not asked_to_end:
        account_id = random.choice(ids)
        version = ProviderAccount.objects.values_list("token_version", flat=True).get(pk=account_id)
        try:
            get_access_token(account_id, refused_version=version)
        except AdapterError as error:
            os.write(tally, b"!")
            sys.stderr.write(f"{error}\n")
        else:
            os.write(tally, b".")


if __name__ == "__main__":
    main()
