"""The web server of one machine: `python -m fleet.run.web PORT` is granian with one ASGI process."""

import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from granian import Granian
from granian.constants import Interfaces

from fleet.run.processes import die_with_parent

# An open live stream never ends by itself: this is what a page in flight gets.
STOP_WITHIN_S = 2


def serve(port: int, *, host: str = "127.0.0.1") -> None:
    server = os.getpid()

    def load() -> Callable[..., Any]:
        # Runs in granian's worker, which would otherwise outlive a server that was killed with -9.
        die_with_parent(signal.SIGKILL, parent=server)
        from fleet.asgi import application

        # What is loaded now stays: it need not be looked through again and again while a page is made.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 50, 100)
        return application

    Granian(
        "fleet.asgi:application",
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        workers=1,
        websockets=False,
        workers_kill_timeout=STOP_WITHIN_S,
    ).serve(target_loader=load, wrap_loader=False)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
