"""The other baseline of the fan-out: one Celery task per command, with a synchronous client and a row of its own.

`python -m benchmarks.engine.task_per_command POOL CONCURRENCY` runs its worker. The row is written before and after
the request, each in a transaction; connections to the database and to the maker are kept per process or thread.
"""

import http.client
import json
import os
import sys
import threading
import uuid
from typing import Any
from urllib.parse import urlsplit

import psycopg
from celery import Celery

QUEUE = "task-per-command"
TABLE = """
CREATE TABLE benchmark_command (
    id int PRIMARY KEY, path text NOT NULL, token text NOT NULL, body text NOT NULL,
    state text NOT NULL DEFAULT 'queued', answer text NOT NULL DEFAULT '', sent_at timestamptz, answered_at timestamptz
);
GRANT SELECT, UPDATE ON benchmark_command TO PUBLIC;
"""
BEFORE = """
UPDATE benchmark_command SET state = 'sending', sent_at = clock_timestamp() WHERE id = %s AND state = 'queued'
RETURNING path, token, body
"""
AFTER = "UPDATE benchmark_command SET state = %s, answer = %s, answered_at = clock_timestamp() WHERE id = %s"

# Not the current app: the product's own tasks, which are shared ones, would go where these go.
app = Celery("task_per_command", broker=os.environ.get("CELERY_BROKER_URL"), set_as_current=False)
app.conf.update(task_default_queue=QUEUE, task_ignore_result=True, worker_prefetch_multiplier=4)
kept = threading.local()


@app.task
def send(number: int) -> None:
    """Send one command: write that it is on its way, ask, write what came of it."""
    database = _database()
    row = database.execute(BEFORE, [number]).fetchone()
    if row is None:
        return
    path, token, body = row
    answer = _ask(path, token, body)
    state = "confirmed" if answer.get("result") in {"done", "already"} else "failed"
    database.execute(AFTER, [state, json.dumps(answer), number])


def _database() -> psycopg.Connection[Any]:
    if not hasattr(kept, "database"):
        kept.database = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    return kept.database


def _ask(path: str, token: str, body: str) -> dict[str, Any]:
    if not hasattr(kept, "maker"):
        address = urlsplit(os.environ["FLEETWELL_SIMULATOR_URL"])
        kept.maker = http.client.HTTPConnection(address.hostname or "", address.port)
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "X-Request-Id": str(uuid.uuid4()),
    }
    kept.maker.request("POST", f"/api/v1{path}", body, headers)
    result: dict[str, Any] = json.loads(kept.maker.getresponse().read())
    return result


def work(pool: str, concurrency: int) -> int:
    worker = app.Worker(
        hostname=f"{QUEUE}@localhost",
        queues=QUEUE,
        pool=pool,
        concurrency=concurrency,
        loglevel="INFO",
        without_gossip=True,
        without_mingle=True,
    )
    worker.start()
    return worker.exitcode or 0


if __name__ == "__main__":
    # Under its importable name, so that tasks are called the same on both sides.
    from benchmarks.engine import task_per_command

    sys.exit(task_per_command.work(sys.argv[1], int(sys.argv[2])))
