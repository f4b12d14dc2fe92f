"""The one folder that holds all state of one machine: lock, secrets, logs. Nothing is kept elsewhere."""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fleet.run.errors import RunError, from_os_error

LOG_LIMIT_BYTES = 5_000_000
SOCKETS_PREFIX = "fleetwell-"


class Home:
    """FLEETWELL_VAR, held by one instance at a time: `with Home(folder) as home`."""

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        self._lock: int | None = None

    def __enter__(self) -> "Home":
        try:
            # Others may pass through but not look: a server that is not run by us must reach its data folder.
            self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
            (self.folder / "log").mkdir(mode=0o700, exist_ok=True)
            self._hold_lock()
            self._remove_old_sockets()
            # The children's temporary files: those of processes that were killed go at the next start.
            shutil.rmtree(self.folder / "tmp", ignore_errors=True)
            (self.folder / "tmp").mkdir(mode=0o700)
        except OSError as error:
            self.__exit__()
            raise from_os_error(error, folder=self.folder) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            os.close(self._lock)  # the kernel frees the lock, also after a kill -9
            self._lock = None

    def _hold_lock(self) -> None:
        """The file stays; only the kernel's lock on it counts, so a crash leaves nothing to clean up."""
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._lock, 100, 0).decode("utf-8", "replace").strip()
            raise RunError(
                f"Fleetwell already runs from {self.folder} (process {holder or 'unknown'}): "
                "stop that one first, or set FLEETWELL_VAR and FLEETWELL_PORT to run another."
            ) from error
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def make_socket_folder(self, name: str) -> Path:
        """A short private folder in the temp dir, noted here so that the next start removes it after a crash.

        Short, because a unix socket's path may have about 107 bytes, and this folder may be deep.
        """
        folder = Path(tempfile.mkdtemp(prefix=f"{SOCKETS_PREFIX}{name}-"))
        with (self.folder / "sockets").open("a", encoding="utf-8") as noted:
            noted.write(f"{folder}\n")
        return folder

    def _remove_old_sockets(self) -> None:
        noted = self.folder / "sockets"
        if not noted.exists():
            return
        for line in noted.read_text(encoding="utf-8").splitlines():
            if Path(line).name.startswith(SOCKETS_PREFIX) and Path(line).parent == Path(tempfile.gettempdir()):
                shutil.rmtree(line, ignore_errors=True)
        noted.unlink()

    def log(self, name: str) -> Path:
        """The log of one child, appended to; a long one of earlier runs is set aside."""
        path = self.folder / "log" / f"{name}.log"
        with suppress(FileNotFoundError):
            if path.stat().st_size > LOG_LIMIT_BYTES:
                path.replace(path.with_suffix(".log.1"))
        return path

    def keep(self, name: str, make: Callable[[], str]) -> str:
        """Read a secret of this installation, or make it once; only its owner may read it."""
        path = self.folder / name
        with suppress(FileNotFoundError):
            return path.read_text(encoding="utf-8").strip()
        self.write(name, make())
        return path.read_text(encoding="utf-8").strip()

    def write(self, name: str, text: str) -> None:
        """All or nothing: a disk that fills up while we write leaves the old file, or none, never half a secret."""
        unfinished = self.folder / f"{name}.{secrets.token_hex(4)}"
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.folder / name)
        finally:
            unfinished.unlink(missing_ok=True)

    def read(self, name: str) -> str | None:
        try:
            return (self.folder / name).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
