"""The baseline of the fan-out: one asyncio loop with the same HTTP client, many requests in flight, no database.

`python -m benchmarks.engine.bare_loop` reads a JSON object from standard input (url, in_flight, requests: list of
[path, access token, body]), says "ready", begins at the next line, and prints when it began, when it ended, and how
many answers had which status.
"""

import asyncio
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import aiohttp
import uvloop

Request = tuple[str, str, dict[str, Any]]


async def send_all(url: str, requests: list[Request], *, in_flight: int) -> dict[str, Any]:
    """Keep so many requests in flight until all are answered."""
    left: Iterator[Request] = iter(requests)
    statuses: Counter[str] = Counter()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        began_at, cpu_before = time.time(), time.process_time()
        await asyncio.gather(*(_send_some(session, url, left, statuses) for _ in range(in_flight)))
        ended_at = time.time()
    return {"began_at": began_at, "ended_at": ended_at, "cpu_s": time.process_time() - cpu_before, "statuses": statuses}


async def _send_some(session: aiohttp.ClientSession, url: str, left: Iterator[Request], statuses: Counter[str]) -> None:
    for path, token, body in left:
        headers = {"Authorization": f"Bearer {token}", "X-Request-Id": str(uuid.uuid4())}
        async with session.post(url + path, json=body, headers=headers) as answer:
            result = json.loads(await answer.read())
            statuses[f"{answer.status} {result.get('result', result)}"] += 1


def serve() -> None:
    given = json.loads(sys.stdin.readline())
    print("ready", flush=True)
    sys.stdin.readline()
    run = uvloop.run if given["uvloop"] else asyncio.run
    requests = [tuple(request) for request in given["requests"]]
    print(json.dumps(run(send_all(given["url"], requests, in_flight=given["in_flight"]))), flush=True)


if __name__ == "__main__":
    serve()
