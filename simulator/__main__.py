"""Starting and stopping the simulator from the command line."""

import argparse
import asyncio
import os
import resource
import signal
import socket
import sys
from pathlib import Path

import uvloop
from aiohttp import web

from simulator.app import make_app
from simulator.demo import seed_demo
from simulator.persistence import Keeper, Unreadable
from simulator.world import World

OPEN_FILES_WANTED = 65_536
BACKLOG = 8192
ANSWERS_UNDER_WAY_S = 0.05


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator", description="A pretend car maker's cloud.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001, help="0 picks a free one")
    parser.add_argument("--state-dir", type=Path, help="keeps accounts, grants and cars over a restart")
    parser.add_argument("--client-id")
    parser.add_argument("--client-name", help="the client as owners read it on the pages; its id unless said")
    parser.add_argument("--redirect-uri", action="append", default=[], help="may be given several times")
    parser.add_argument("--demo", action="store_true", help="fill an empty world with demo accounts and cars")
    parser.add_argument("--seed", type=int, help="makes latencies repeatable")
    parser.add_argument("--speed", type=float, default=1.0, help="multiplies the cars' time")
    chosen = parser.parse_args(arguments)
    if chosen.speed <= 0:
        parser.error("--speed must be above zero")
    if bool(chosen.client_id) != bool(chosen.redirect_uri):
        parser.error("--client-id and --redirect-uri come together")
    if chosen.client_id and not os.environ.get("SIMULATOR_CLIENT_SECRET"):
        parser.error("SIMULATOR_CLIENT_SECRET must hold the client's secret")
    return chosen


async def run(chosen: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT, then save and end the process."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    world = World(speed=chosen.speed, seed=chosen.seed)
    keeper = Keeper(world, chosen.state_dir) if chosen.state_dir else None
    if keeper is not None:
        keeper.load()
    if chosen.demo and len(world.accounts) == 0:
        seed_demo(world)
    if chosen.client_id:
        world.authorizations.register_client(
            client_id=chosen.client_id,
            client_secret=os.environ["SIMULATOR_CLIENT_SECRET"],
            redirect_uris=chosen.redirect_uri,
            name=chosen.client_name,
        )
        world.changes += 1
    runner = web.AppRunner(make_app(world), access_log=None, keepalive_timeout=75)
    await runner.setup()
    listener = _listen(chosen.host, chosen.port)
    site = web.SockSite(runner, listener, backlog=BACKLOG)
    await site.start()
    # The name keeps the task alive: the loop itself holds tasks only weakly.
    _saving = asyncio.create_task(keeper.save_regularly()) if keeper is not None else None
    host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
    print(f"simulator ready http://{host}:{listener.getsockname()[1]}", flush=True)
    await stop.wait()
    await site.stop()
    await asyncio.sleep(ANSWERS_UNDER_WAY_S)
    if keeper is not None:
        await keeper.save()
    # Taking ten thousand held requests down one by one takes seconds; the kernel closes their sockets at once.
    os._exit(0)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def _raise_open_files() -> None:
    """Ask for as many open files as we may have; ten thousand held requests need that many sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES_WANTED if hard == resource.RLIM_INFINITY else min(OPEN_FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> int:
    chosen = parse_arguments()
    _raise_open_files()
    try:
        uvloop.run(run(chosen))
    except Unreadable as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        what = error.filename or f"{chosen.host}:{chosen.port}"
        print(f"simulator: cannot use {what}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
