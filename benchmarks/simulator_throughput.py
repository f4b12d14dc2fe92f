"""How many commands a second the simulator answers on one core, and whether it holds ten thousand requests open.

Run `python -m benchmarks.simulator_throughput`. Three processes: the simulator on one core, a load generator on the
other, and this one, which asks the ledger what really arrived. The figure is commands per second of the server's own
CPU time, so that other work on the machine does not blur it; the rate by the wall clock stands beside it. The baseline
is the same load against a bare aiohttp handler that parses the same body and answers as much: the most there is to get.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import subprocess
import sys
import time
import urllib.request
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import uvloop
from aiohttp import web

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "simulator_throughput.json"
CARS = 200
CONNECTIONS = 64
SECONDS = 5.0
ROUNDS = 3
HELD = 10_000
HELD_LATENCY_S = 12.0
REQUIRED_PER_SECOND = 3000
CLIENT_ID = "benchmark"


class Pump(asyncio.Protocol):
    """One connection that sends its request again as soon as the answer is there."""

    def __init__(self, load: "Load", request: bytes) -> None:
        self.load = load
        self.request = request
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.load.connected += 1
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head_end = self.received.find(b"\r\n\r\n")
        if head_end < 0 or not self.received.endswith(b"}"):
            return
        self.load.count_answer(accepted=self.received.startswith(b"HTTP/1.1 202"))
        self.received = b""
        if self.load.once or time.perf_counter() >= self.load.stop_at:
            self.transport.close()
        else:
            self.transport.write(self.request)

    def connection_lost(self, _exception: Exception | None) -> None:
        self.load.closed()


class Load:
    """What all connections of one run have counted."""

    def __init__(self, connections: int, *, once: bool, seconds: float) -> None:
        self.left = connections
        self.once = once
        self.stop_at = time.perf_counter() + seconds
        self.connected = self.accepted = self.other = 0
        self.finished = asyncio.get_running_loop().create_future()

    def count_answer(self, *, accepted: bool) -> None:
        if accepted:
            self.accepted += 1
        else:
            self.other += 1

    def closed(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.finished.set_result(None)


async def generate_load(port: int, requests: list[bytes], *, connections: int, once: bool) -> dict[str, Any]:
    load = Load(connections, once=once, seconds=SECONDS)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    for start in range(0, connections, 200):
        batch = [requests[n % len(requests)] for n in range(start, min(start + 200, connections))]
        await asyncio.gather(*(loop.create_connection(partial(Pump, load, one), "127.0.0.1", port) for one in batch))
    opened_s = time.perf_counter() - began
    await load.finished
    return {
        "accepted": load.accepted,
        "other": load.other,
        "opened_s": round(opened_s, 2),
        "seconds": time.perf_counter() - began,
    }


async def serve_baseline() -> None:
    """The bare handler: no ledger, no cars, no tokens."""

    async def answer(request: web.Request) -> web.Response:
        json.loads(await request.read())
        body = json.dumps({"result": "accepted", "ref": "0" * 24}).encode()
        return web.Response(body=body, status=202, content_type="application/json")

    app = web.Application()
    app.router.add_post("/api/v1/vehicles/{id}/commands", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=8192)
    await site.start()
    print(f"ready http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


def start(*arguments: str) -> tuple[subprocess.Popen[str], int]:
    """Start a server on the first core and return it with its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: pin_to_core(0),
    )
    line = process.stdout.readline() if process.stdout else ""
    return process, int(line.rsplit(":", 1)[1])


def pin_to_core(index: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[index % len(cores)]})


def read_cpu_s(process: subprocess.Popen[str]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_load(process: subprocess.Popen[str], port: int, requests: list[bytes], *, connections: int, once: bool) -> Any:
    """Run the generator in a process of its own and return what it counted, with the server's CPU time."""
    cpu_before = read_cpu_s(process)
    generator = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.simulator_throughput", "--generate", str(port), str(connections)]
        + (["--once"] if once else []),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    output, _ = generator.communicate(json.dumps([request.decode() for request in requests]), timeout=120)
    result = json.loads(output)
    result["server_cpu_s"] = read_cpu_s(process) - cpu_before
    result["per_wall_second"] = round(result["accepted"] / result["seconds"])
    result["per_cpu_second"] = round(result["accepted"] / result["server_cpu_s"])
    return result


def control(port: int, method: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/_control/{path}",
        json.dumps(body).encode() if body is not None else None,
        method=method,
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def prepare_requests(port: int) -> list[bytes]:
    """Make an account with cars and return one request for each: they flash, lock and unlock in turn."""
    control(port, "POST", "clients", {"client_id": CLIENT_ID, "client_secret": "x", "redirect_uris": []})
    car = {"make": "Volkswagen", "model": "ID.4", "year": 2023}
    account = control(
        port,
        "POST",
        "accounts",
        {"brand": "volkswagen", "email": "load@simulator.example", "password": "x", "vehicles": [car] * CARS},
    )
    token = control(
        port,
        "POST",
        "tokens",
        {"account_id": account["account_id"], "client_id": CLIENT_ID, "scopes": ["control_security"]},
    )["access_token"]
    return [
        make_request(vehicle["id"], token, ("lights.flash", "lock", "unlock")[n % 3])
        for n, vehicle in enumerate(account["vehicles"])
    ]


def make_request(car: str, token: str, command: str) -> bytes:
    body = json.dumps({"command": command, "parameters": {}})
    return (
        f"POST /api/v1/vehicles/{car}/commands HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"X-Request-Id: 0123456789abcdef\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def measure_throughput() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rounds of the simulator and of the baseline, which take turns."""
    simulator, port = start("simulator", "--port", "0")
    baseline, baseline_port = start("benchmarks.simulator_throughput", "--baseline")
    try:
        requests = prepare_requests(port)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            theirs.append(run_load(baseline, baseline_port, requests, connections=CONNECTIONS, once=False))
            control(port, "DELETE", "ledger")
            ours.append(run_load(simulator, port, requests, connections=CONNECTIONS, once=False))
            executed = control(port, "GET", "ledger/count?executed=true")["count"]
            if executed != ours[-1]["accepted"] or ours[-1]["other"]:
                raise SystemExit(f"the ledger has {executed} executed commands, the client {ours[-1]}")
        return ours, theirs
    finally:
        for process in (simulator, baseline):
            process.terminate()
            process.wait()


def measure_held() -> dict[str, Any]:
    """Open many requests at once; all must be in the ledger and unanswered at one moment, and all be answered later."""
    simulator, port = start("simulator", "--port", "0")
    try:
        requests = prepare_requests(port)
        control(port, "PUT", "behaviour", {"car": "*", "latency_s": HELD_LATENCY_S})
        generator = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.simulator_throughput", "--generate", str(port), str(HELD), "--once"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert generator.stdin is not None
        generator.stdin.write(json.dumps([request.decode() for request in requests]))
        generator.stdin.close()
        most_open = 0
        while generator.poll() is None:
            held = control(port, "GET", "ledger/count")["count"]
            answered = control(port, "GET", "ledger/count?executed=true")["count"]
            most_open = max(most_open, held - answered)
            time.sleep(0.2)
        result = json.loads(generator.stdout.read() if generator.stdout else "{}")
        memory_mb = read_memory_mb(simulator)
        return {"asked": HELD, "open_at_once": most_open, "answered": result["accepted"], "memory_mb": memory_mb}
    finally:
        simulator.terminate()
        simulator.wait()


def read_memory_mb(process: subprocess.Popen[str]) -> int:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--generate", nargs=2, type=int, metavar=("PORT", "CONNECTIONS"))
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--baseline", action="store_true")
    chosen = parser.parse_args()
    if chosen.baseline:
        uvloop.run(serve_baseline())
        return
    if chosen.generate:
        pin_to_core(1)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(65_536, hard)), hard))
        requests = [request.encode() for request in json.load(sys.stdin)]
        port, connections = chosen.generate
        print(json.dumps(uvloop.run(generate_load(port, requests, connections=connections, once=chosen.once))))
        return
    ours, theirs = measure_throughput()
    held = measure_held()
    value, baseline = (median(one["per_cpu_second"] for one in rounds) for rounds in (ours, theirs))
    report = {
        "name": "simulator_throughput",
        "value": value,
        "unit": "commands per second of one core",
        "baseline": {"what": "bare aiohttp handler, same load", "value": baseline, "ratio": round(value / baseline, 2)},
        "required": REQUIRED_PER_SECOND,
        "n": ROUNDS,
        "commands": sum(one["accepted"] for one in ours),
        "per_wall_second": [one["per_wall_second"] for one in ours],
        "held_open": held,
        "load": {"connections": CONNECTIONS, "cars": CARS, "seconds": SECONDS, "cores": os.cpu_count()},
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("aiohttp", "uvloop")},
        },
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))
    if value < REQUIRED_PER_SECOND or held["open_at_once"] < HELD or held["answered"] < HELD:
        raise SystemExit("below what is required")


if __name__ == "__main__":
    main()
