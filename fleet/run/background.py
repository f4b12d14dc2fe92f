"""Celery's worker and beat without its command line, which loads an interactive shell before anything else.

`python -m fleet.run.background worker NAME QUEUES PROCESSES`, `python -m fleet.run.background beat SCHEDULE_FILE`.
"""

import os
import sys

from celery.app.utils import find_app

APP = "fleet.celery"
# Celery sets the level of all loggers again; it is to be the one of fleet.settings.LOGGING.
LOG_LEVEL = os.environ.get("FLEETWELL_LOG_LEVEL", "INFO")


def run_worker(name: str, *, queues: str, processes: int) -> int:
    worker = find_app(APP).Worker(
        hostname=f"{name}@localhost",
        queues=queues,
        concurrency=processes,
        pool="prefork",
        loglevel=LOG_LEVEL,
        # Neighbours need not be found on one machine, and looking for them takes a second.
        without_gossip=True,
        without_mingle=True,
    )
    worker.start()
    return worker.exitcode or 0


def run_beat(schedule: str) -> int:
    find_app(APP).Beat(schedule=schedule, loglevel=LOG_LEVEL, pidfile=None).run()
    return 0


def main(arguments: list[str]) -> int:
    match arguments:
        case ["worker", name, queues, processes]:
            return run_worker(name, queues=queues, processes=int(processes))
        case ["beat", schedule]:
            return run_beat(schedule)
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
