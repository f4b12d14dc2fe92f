"""From the press to "confirmed" on the page, in a real browser, alone and beside 199 other open pages.

Run `python -m benchmarks.press_to_proof`. It starts the whole product in a folder of its own. The clock runs in the
page: from the click on the button to the moment at which the card of that very command says "ok". The simulator
answers at once (latency and effect are set to zero), so the figure is ours: two web requests, the doorbell, the
dispatcher, three calls to the maker's cloud, the permit, the result, and the stream that tells the page.
The other pages are streams and fetches as static/js/live.js makes them, spread over all demo cars.
"""

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp
from playwright.sync_api import Page, sync_playwright

from benchmarks.results import write_result
from tools import chromium

ROOT = Path(__file__).resolve().parents[1]
PORT, SIMULATOR_PORT = 8741, 8742
URL = f"http://localhost:{PORT}"
PRESSES = 40
OTHER_PAGES = 199
KINDS = ("start_climate", "stop_climate")

# Clicks the button of a command and resolves with the milliseconds until a new card of it is confirmed.
PRESS = """
(kind) => new Promise((resolve, reject) => {
  const known = new Set([...document.querySelectorAll("#live-commands [data-tone]")].map((card) => card.id));
  const isNew = (card) => !known.has(card.id);
  const button = document.querySelector(`form[action$="/${kind}/"] button`);
  if (!button) return reject(new Error(`no button for ${kind}`));
  const began = performance.now();
  const observer = new MutationObserver(() => {
    const done = [...document.querySelectorAll('#live-commands [data-tone="ok"]')].find(isNew);
    if (!done) return;
    observer.disconnect();
    resolve(performance.now() - began);
  });
  observer.observe(document.body, {subtree: true, childList: true, attributes: true});
  setTimeout(() => { observer.disconnect(); reject(new Error("not confirmed within 20 s")); }, 20000);
  button.click();
})
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        process, sign_in = start(Path(folder))
        try:
            measure(*sign_in)
        finally:
            process.terminate()
            process.wait(timeout=30)


def start(folder: Path) -> tuple[subprocess.Popen[str], tuple[str, str]]:
    """Start the product and return it with the demo account's sign-in."""
    env = {
        **os.environ,
        "FLEETWELL_VAR": str(folder),
        "FLEETWELL_PORT": str(PORT),
        "FLEETWELL_SIMULATOR_PORT": str(SIMULATOR_PORT),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "fleet.run"], cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE
    )
    for line in process.stdout or []:
        if found := re.match(r"Sign in: (\S+) / (\S+)", line):
            return process, (found[1], found[2])
    raise SystemExit("the product did not start")


def measure(email: str, password: str) -> None:
    control("PUT", "/_control/behaviour", {"car": "*", "latency_s": 0, "effect_s": 0, "answer": "accept"})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--disable-dev-shm-usage"])
        page = browser.new_page()
        vehicles = sign_in(page, email, password)
        vehicle = open_willing_vehicle(page, vehicles)
        cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
        alone = press_often(page)
        print("1 page", spread(alone), flush=True)
        others = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.press_to_proof", "--pages"], cwd=ROOT, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert others.stdin is not None
        assert others.stdout is not None
        others.stdin.write(json.dumps({"cookies": cookies, "vehicles": vehicles}) + "\n")
        others.stdin.flush()
        print(others.stdout.readline().strip(), flush=True)
        crowded = press_often(page)
        print("200 pages", spread(crowded), flush=True)
        others.terminate()
        others.wait(timeout=10)
        page.route("**/live/**", lambda route: route.abort())
        page.goto(f"{URL}{vehicle}")
        polled = press_often(page, presses=10)
        browser.close()
    load = f"1 pressing browser; {OTHER_PAGES} other open pages over {len(vehicles)} cars; 2 shared cores"
    write_result(
        "press_to_proof_ms",
        value={"1_page": spread(alone), "200_pages": spread(crowded), "1_page_stream_cut_off": spread(polled)},
        unit="ms",
        baseline="the simulator's own latency, set to 0",
        n=PRESSES,
        load=load,
    )


def control(method: str, path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{SIMULATOR_PORT}{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method=method,
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - an address of our own


def sign_in(page: Page, email: str, password: str) -> list[str]:
    """Sign in and return the addresses of all cars."""
    page.goto(f"{URL}/accounts/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_selector("#vehicle-rows a.veh")
    return page.eval_on_selector_all("#vehicle-rows a.veh", "links => links.map((a) => a.getAttribute('href'))")


def open_willing_vehicle(page: Page, vehicles: list[str]) -> str:
    """Open a car whose climate may be used and works: online, allowed by its owner."""
    for vehicle in vehicles:
        page.goto(f"{URL}{vehicle}")
        if page.query_selector(f'form[action$="/{KINDS[0]}/"] button'):
            try:
                for kind in (*KINDS, *KINDS):
                    page.evaluate(PRESS, kind)
            except Exception as error:  # noqa: BLE001 - this one sleeps or refuses; try the next
                print(f"{vehicle}: {str(error).splitlines()[0]}", flush=True)
                continue
            return vehicle
    raise SystemExit("no car takes the command")


def press_often(page: Page, *, presses: int = PRESSES) -> list[float]:
    times = []
    for n in range(presses):
        times.append(page.evaluate(PRESS, KINDS[n % len(KINDS)]))
        page.wait_for_timeout(1000)
    return times


def spread(times: list[float]) -> dict[str, float]:
    cuts = quantiles(times, n=20)
    return {"p50": round(cuts[9], 1), "p95": round(cuts[18], 1), "max": round(max(times), 1), "n": len(times)}


async def keep_pages_open(cookies: dict[str, str], vehicles: list[str]) -> None:
    """Do what other people's open pages do: follow the stream, and fetch what it names."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(URL, cookies=cookies, connector=connector) as session:
        pages = [asyncio.create_task(one_page(session, vehicles[n % len(vehicles)])) for n in range(OTHER_PAGES)]
        await asyncio.sleep(3)
        print(f"{sum(not page.done() for page in pages)} other pages are open", flush=True)
        await asyncio.gather(*pages)


async def one_page(session: aiohttp.ClientSession, vehicle: str) -> None:
    identity = vehicle.strip("/").rpartition("/")[2]
    forever = aiohttp.ClientTimeout(total=None)
    fetches: set[asyncio.Task[None]] = set()
    async with session.get("/live/", params={"vehicle": identity}, timeout=forever) as stream:
        async for raw in stream.content:
            if raw.startswith(b"data: "):
                fetch = asyncio.create_task(fetch_changes(session, vehicle, json.loads(raw[6:])))
                fetches.add(fetch)
                fetch.add_done_callback(fetches.discard)


async def fetch_changes(session: aiohttp.ClientSession, vehicle: str, changed: dict[str, Any]) -> None:
    """Fetch as live.js does on a page that did not press: spread over a second, or over ten for mere readings."""
    await asyncio.sleep(random.random() * (1 if "command" in changed else 10))
    parts = {"commands/": {"command", "buttons"}, "commands/latest/": {"command"}, "state/": {"state"}}
    for part, reasons in parts.items():
        if reasons & changed.keys():
            async with session.get(f"{vehicle}{part}", headers={"HX-Request": "true"}) as answer:
                await answer.read()


if __name__ == "__main__":
    if "--pages" in sys.argv:
        asyncio.run(keep_pages_open(**json.loads(sys.stdin.readline())))
    else:
        main()
