"""People who watch a job, as a program of its own: each fetches the page, then its progress as often as it says.

`python -m benchmarks.engine.watching` reads a JSON object (url, watchers, cookies) and then the path of the page from
standard input; it looks until that is closed, and prints how often it looked and how long the answers took.
"""

import asyncio
import html
import json
import re
import sys
import time
from statistics import quantiles
from typing import Any

import aiohttp

PART = re.compile(r'id="job-progress"[^>]*?hx-get="([^"]+)"[^>]*?hx-trigger="every (\d+)ms"')


async def look(session: aiohttp.ClientSession, path: str, took_ms: list[float]) -> None:
    """Do what one open page does until the job is over."""
    asked_at = time.perf_counter()
    text = await fetch(session, path, took_ms)
    while found := PART.search(text):
        # From look to look, however long the answer took.
        await asyncio.sleep(max(0.0, asked_at + int(found[2]) / 1000 - time.perf_counter()))
        asked_at = time.perf_counter()
        text = await fetch(session, html.unescape(found[1]), took_ms, {"HX-Request": "true"})
    if "data-final" not in text:
        raise RuntimeError("neither a job that is over nor an address to look at again")


async def fetch(
    session: aiohttp.ClientSession, path: str, took_ms: list[float], headers: dict[str, str] | None = None
) -> str:
    began = time.perf_counter()
    async with session.get(path, headers=headers) as answer:
        text = await answer.text()
    took_ms.append((time.perf_counter() - began) * 1000)
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    return text


async def watch(given: dict[str, Any]) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    path = (await loop.run_in_executor(None, sys.stdin.readline)).strip()
    took_ms: list[float] = []
    connector = aiohttp.TCPConnector(limit=0)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(
        given["url"], cookies=given["cookies"], connector=connector, cookie_jar=jar
    ) as session:
        people = [asyncio.create_task(look(session, path, took_ms)) for _ in range(given["watchers"])]
        await loop.run_in_executor(None, sys.stdin.read)
        done, open_ones = await asyncio.wait(people, timeout=0)
        for task in open_ones:
            task.cancel()
        failed = sum(task.exception() is not None for task in done)
    cuts = quantiles(took_ms, n=20, method="inclusive")
    return {"fetches": len(took_ms), "p50_ms": round(cuts[9], 1), "p95_ms": round(cuts[18], 1), "failed": failed}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(watch(json.loads(sys.stdin.readline())))), flush=True)
