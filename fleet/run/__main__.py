"""`python -m fleet.run`: all of Fleetwell on one machine, until Ctrl-C."""

import argparse
import os
import sys
import time

from fleet.run.environment import DEMO_EMAIL
from fleet.run.errors import RunError, from_os_error
from fleet.run.home import Home
from fleet.run.machine import Machine, default_folder, say
from fleet.run.supervisor import StopFlag, StopRequested

HELP = """\
Starts PostgreSQL, Valkey, the car simulator, the web server, two workers and the clock, and stops them on Ctrl-C.
The first start makes the tables, the secrets and a demo fleet.

environment:
  FLEETWELL_PORT            the web server's port (8000)
  FLEETWELL_SIMULATOR_PORT  the car simulator's port (8001)
  FLEETWELL_URL             the address that people use (http://localhost:PORT)
  FLEETWELL_VAR             the folder of all state: database, secrets, logs (var/)
  PG_BIN, VALKEY_SERVER     another PostgreSQL's folder of programs, another Valkey's program
"""


def main() -> int:
    describe = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(prog="python -m fleet.run", description=HELP, formatter_class=describe).parse_args()
    started_at = time.monotonic()
    folder = default_folder(os.environ)
    stop = StopFlag()
    stop.listen()
    try:
        with Home(folder) as home:
            machine = Machine(home, environment=os.environ, stop=stop)
            try:
                machine.start()
                say(f"\nFleetwell is ready after {time.monotonic() - started_at:.1f} s: {machine.addresses.url}")
                say(f"Sign in: {DEMO_EMAIL} / {machine.kept.demo_password}\n\nCtrl-C stops it.")
                machine.supervisor.watch()
            finally:
                machine.stop()
    except StopRequested:
        say("Stopped.")
    except RunError as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        return 1
    except OSError as error:
        print(f"\n{from_os_error(error, folder=folder)}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
