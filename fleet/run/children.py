"""The processes of one machine besides the servers: what each is called, how it is started, when it counts as ready."""

import importlib.util
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from fleet.run.environment import CALLBACK_PATH, CLIENT_ID, Addresses

BACKGROUND = [sys.executable, "-m", "fleet.run.background"]


@dataclass(frozen=True)
class Child:
    """One supervised process; `name` is also its log's."""

    name: str
    title: str
    command: list[str]
    env: Mapping[str, str]
    is_ready: Callable[[str], bool]  # is given what the child has logged since it began


def simulator(addresses: Addresses, *, state: Path, env: Mapping[str, str]) -> Child:
    command = [sys.executable, "-m", "simulator", "--host", "127.0.0.1", "--port", str(addresses.simulator_port)]
    command += ["--state-dir", str(state), "--demo"]
    command += ["--client-id", CLIENT_ID, "--client-name", "Fleetwell", "--redirect-uri", addresses.url + CALLBACK_PATH]
    return Child("simulator", "Car simulator", command, env, answers(f"{addresses.simulator_url}/healthz"))


def is_simulator_present() -> bool:
    return importlib.util.find_spec("simulator.__main__") is not None


def web(addresses: Addresses, *, env: Mapping[str, str]) -> Child:
    command = [sys.executable, "-m", "fleet.run.web", str(addresses.port)]
    return Child("web", "Web server", command, env, answers(f"http://127.0.0.1:{addresses.port}/healthz"))


def dispatcher(*, env: Mapping[str, str], processes: int = 1) -> Child:
    return _worker("dispatch", "Dispatcher", processes=processes, env=env)


def clock(*, env: Mapping[str, str], processes: int = 2) -> Child:
    """What beat rings for and must not wait: sweeping, reconciling, jobs, schedules, ways back."""
    return _worker("clock", "Timekeeper", processes=processes, env=env)


def worker(*, env: Mapping[str, str], processes: int = 1) -> Child:
    return _worker("default", "Worker", processes=processes, env=env)


def _worker(queue: str, title: str, *, processes: int, env: Mapping[str, str]) -> Child:
    command = worker_command(queue, queues=queue, processes=processes)
    return Child(f"worker-{queue}", title, command, env, logged(" ready."))


def worker_command(name: str, *, queues: str, processes: int) -> list[str]:
    return [*BACKGROUND, "worker", name, queues, str(processes)]


def beat(*, schedule: Path, env: Mapping[str, str]) -> Child:
    return Child("beat", "Clock", [*BACKGROUND, "beat", str(schedule)], env, logged("beat: Starting"))


def answers(url: str) -> Callable[[str], bool]:
    """Ready when the address answers 200, or 503: then it is well, and a part beside it is not there yet."""

    def is_ready(_logged: str) -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own address
                return response.status == HTTPStatus.OK
        except urllib.error.HTTPError as error:
            with error:
                return error.code == HTTPStatus.SERVICE_UNAVAILABLE
        except OSError:
            return False

    return is_ready


def logged(words: str) -> Callable[[str], bool]:
    """Ready when it has said so."""
    return lambda text: words in text
