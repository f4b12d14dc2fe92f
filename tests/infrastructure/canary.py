"""The canary of secrets: what the run left behind is kept, and at its end no secret may stand in it, however spelt.

Searched for: whatever the lab gave out or was given, what the tests' own registrations were told, our own keys, and
by their hashes the links and API tokens that we made. Searched through: the product's whole database and those of the
tests, everything that passed the broker, every log at DEBUG, the exports that the journeys took.
"""

import base64
import hashlib
import logging
import os
import re
import socket
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from psycopg import sql

from fleet.logs import hide_secrets
from fleet.run.processes import wait_until
from fleet.run.valkey import ValkeyServer
from fleet.vehicles.models import ProviderApp
from fleet.vehicles.providers import credential_of
from fleet.vehicles.sealing import CannotUnseal
from tests.infrastructure.servers import servers

# Secrets shorter than this are looked for one by one, longer ones all at once.
SHORTEST = 18
_WINDOW = 14
_STEP = SHORTEST - _WINDOW + 1
_RUN = re.compile(rb"[A-Za-z0-9_+/=.~-]{%d,}" % _WINDOW)
_PIN = re.compile(r"[0-9]{4}")
# 160 random bits as fleet.vehicles.sealing makes them; what is kept of one is its hash.
_LINK_SECRET = re.compile(rb"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])")
# Files of ours that hold facts about cars; larger than all the rest, and no secret comes near them.
FACTS = frozenset({"compatibility_fact", "compatibility_carline", "compatibility_lineentry"})
# Tests that plant a secret in their own database, to see that their own search finds it.
PLANTING = frozenset({"test_search_for_the_pin_when_it_is_somewhere_in_clear_then_it_is_found"})
# What processes of the product are told, so that they write down everything.
LOUD = {"FLEETWELL_LOG_LEVEL": "DEBUG"}
# In the test process: our loggers, and those of what carries our secrets.
LOGGERS = ("fleet", "connect", "commands", "compatibility", "aiohttp", "celery", "kombu", "django.request")
WITH_TEXT = """
SELECT c.oid::regclass::text, array_agg(a.attname ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname = 'public' AND a.attnum > 0 AND NOT a.attisdropped
  AND a.atttypid::regtype::text !~ '^(bigint|integer|smallint|boolean|uuid|numeric|double|real|date|time|interval|oid)'
  AND pg_relation_size(c.oid) > 0
GROUP BY c.oid ORDER BY 1
"""
WITH_HASHES = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema = 'public' AND column_name IN ('secret_hash', 'state_hash')
"""


@dataclass(frozen=True)
class Found:
    """Where a secret stands. Which one is not told: whoever reads a failed run's output is not to learn it."""

    place: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} in {self.place}"


# Searching ---------------------------------------------------------------------------------------------------------


def spellings(secret: bytes) -> set[bytes]:
    """Return a secret as it would stand in clear, in hex, and inside of a longer text in base64."""
    found = {secret, secret.hex().encode()}
    for before in range(3):
        # The letters at the edges depend on the neighbours too.
        whole = base64.b64encode(b"\0" * before + secret)
        cut = whole[(0, 2, 3)[before] :].rstrip(b"=")
        inner = cut[: len(cut) - (1 if (before + len(secret)) % 3 else 0)]
        found |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


class Needles:
    """All secrets of a run, laid out so that much text is gone through quickly."""

    def __init__(self, secrets: Iterable[str | bytes]) -> None:
        # A window of a needle -> its number and where in it the window is, as one number; seldom of several needles.
        self._windows: dict[bytes, int | list[int]] = {}
        self._needles: list[bytes] = []
        self._short: list[tuple[re.Pattern[bytes], str]] = []
        self._checked: dict[bytes, bool] = {}
        for secret in set(secrets):
            if isinstance(secret, str) and _PIN.fullmatch(secret):
                self._short.append((_pattern_of_pin(secret), "a PIN"))
            else:
                self._add(secret.encode() if isinstance(secret, str) else secret)

    def _add(self, secret: bytes) -> None:
        for needle in spellings(secret):
            if len(needle) < SHORTEST or not _RUN.fullmatch(needle):
                if len(secret) >= 8:
                    self._short.append((re.compile(re.escape(needle)), "a secret"))
                continue
            self._needles.append(needle)
            for offset in range(_STEP):
                window, entry = needle[offset : offset + _WINDOW], (len(self._needles) - 1) * _STEP + offset
                known = self._windows.setdefault(window, entry)
                if known != entry:
                    self._windows[window] = [*(known if isinstance(known, list) else [known]), entry]

    def find(self, place: str, text: bytes) -> Iterator[Found]:
        """Yield what stands in a text, each kind once."""
        for run in set(_RUN.findall(text)):
            if self._holds(run):
                yield Found(f"{place}, {_whereabouts(text, text.find(run))}", "a secret")
                break
        hits = {kind: match.start() for pattern, kind in self._short if (match := pattern.search(text))}
        for kind, at in hits.items():
            yield Found(f"{place}, {_whereabouts(text, at)}", kind)

    def _holds(self, run: bytes) -> bool:
        known = self._checked.get(run)
        if known is None:
            known = self._checked[run] = any(self._stands_at(run, at) for at in range(0, len(run) - _WINDOW + 1, _STEP))
        return known

    def _stands_at(self, run: bytes, at: int) -> bool:
        known = self._windows.get(run[at : at + _WINDOW])
        if known is None:
            return False
        places = (divmod(entry, _STEP) for entry in (known if isinstance(known, list) else [known]))
        return any(at >= offset and run.startswith(self._needles[number], at - offset) for number, offset in places)


def _whereabouts(text: bytes, at: int) -> str:
    """Return the table of a dump, else the line: enough to find it, and nothing of what stands there."""
    heading = text.rfind(b"\n== ", 0, at)
    if heading >= 0:
        return text[heading + 4 : text.index(b"\n", heading + 1)].decode()
    lines = text.count(b"\n", 0, at)
    return f"line {lines + 1}"


def _pattern_of_pin(pin: str) -> re.Pattern[bytes]:
    """Four digits stand everywhere; a PIN is a text of its own: a whole cell, or in quotes, or named."""
    return re.compile(rb"(?:^|[\t\"'>]|pin[=: ]{1,2})%s(?:$|[\t\"'<&,)])" % pin.encode(), re.MULTILINE | re.IGNORECASE)


def find_hashed(place: str, text: bytes, hashes: frozenset[bytes]) -> Iterator[Found]:
    """Yield when a link's or an API token's secret, of which only the hash is known, stands in a text."""
    for word in set(_LINK_SECRET.findall(text)):
        if hashlib.sha256(word).digest() in hashes:
            yield Found(f"{place}, {_whereabouts(text, text.find(word))}", "the secret of a link or an API token")
            break


# What is looked through --------------------------------------------------------------------------------------------


def dump(url: str) -> bytes:
    """Return every text, document and byte of a database, table by table, as COPY writes them."""
    parts: list[bytes] = []
    with psycopg.connect(url, autocommit=True) as connection:
        for table, columns in connection.execute(WITH_TEXT).fetchall():
            if table in FACTS:
                continue
            parts.append(f"\n== {table}\n".encode())
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(names, sql.Identifier(table))
            with connection.cursor().copy(query) as copy:
                parts += [bytes(row) for row in copy]
    return b"".join(parts)


def hashes_in(url: str) -> frozenset[bytes]:
    """Return the hashes of links and API tokens that a database holds."""
    found: set[bytes] = set()
    with psycopg.connect(url, autocommit=True) as connection:
        for table, column, kind in connection.execute(WITH_HASHES).fetchall():
            value = sql.SQL("{}" if kind == "bytea" else "decode({}, 'hex')").format(sql.Identifier(column))
            query = sql.SQL("SELECT {} FROM {} WHERE {} IS NOT NULL")
            rows = connection.execute(query.format(value, sql.Identifier(table), sql.Identifier(column)))
            found |= {bytes(row[0]) for row in rows}
    return frozenset(found)


class Listener:
    """Writes down everything that the broker is told, as long as the run lasts."""

    def __init__(self, socket_path: Path, file: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(socket_path))
        self._socket.sendall(b"MONITOR\r\n")
        self._file = file
        threading.Thread(target=self._listen, name="canary-broker", daemon=True).start()

    def _listen(self) -> None:
        with self._file.open("wb") as file:
            while True:
                try:
                    heard = self._socket.recv(1 << 16)
                except OSError:
                    return
                if not heard:
                    return
                file.write(heard)
                file.flush()

    def stop(self) -> None:
        self._socket.close()


class LogBook(logging.Handler):
    """Writes down what this process logs, at DEBUG where secrets pass."""

    def __init__(self, file: Path) -> None:
        super().__init__(logging.DEBUG)
        self._stream = file.open("a", encoding="utf-8", errors="replace")

    def emit(self, record: logging.LogRecord) -> None:
        # As every handler of the product does: see fleet.logs.RedactSecrets.
        self._stream.write(hide_secrets(record.getMessage()) + "\n")

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        """Go on: setting logging up anew, as Django's set-up does, closes every handler that there is."""
        self._stream.flush()

    def end(self) -> None:
        self._stream.close()
        super().close()


def secrets_of_registrations() -> Iterator[str]:
    """Yield what the registrations in the default database keep sealed: client secrets, application keys, our key."""
    for app in ProviderApp.objects.all():
        try:
            credential = credential_of(app)
        except CannotUnseal:  # a test of just that
            continue
        yield credential.client_secret
        yield from credential.secrets.values()


# The run -----------------------------------------------------------------------------------------------------------


class Canary:
    """What one run left behind, place by place, and which secrets it used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept = folder / "kept"
        self._kept.mkdir(parents=True)
        self._secrets: set[str | bytes] = set()
        self._hashes: set[bytes] = set()
        self._listeners: list[Listener] = []
        self._book = LogBook(folder / "pytest.log")
        self._levels = {name: logging.getLogger(name).level for name in LOGGERS}

    def start(self) -> None:
        """Begin to write down what this process logs."""
        root = logging.getLogger()
        for handler in root.handlers:
            handler.setLevel(max(handler.level, root.level))  # they write what they wrote before
        root.addHandler(self._book)
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.DEBUG)

    def tell(self, *secrets: str) -> None:
        """Name secrets that must stand nowhere; a key's file is looked for by its lines and by its number."""
        for secret in secrets:
            if "PRIVATE KEY" in secret:
                self._secrets |= {line for line in secret.splitlines() if not line.startswith("-----")}
                key = load_pem_private_key(secret.encode(), password=None)
                if isinstance(key, EllipticCurvePrivateKey):
                    self._secrets.add(key.private_numbers().private_value.to_bytes(32))
            elif secret:
                self._secrets.add(secret)

    def keep(self, place: str, text: bytes) -> None:
        """Keep what stood somewhere until the end of the run."""
        if self._book not in logging.getLogger().handlers:
            logging.getLogger().addHandler(self._book)  # logging was set up anew meanwhile
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", place)[-200:]
        with (self._kept / name).open("ab") as file:
            file.write(text)

    def keep_database(self, place: str, url: str) -> None:
        self.keep(place, dump(url))
        self._hashes |= hashes_in(url)

    def listen(self, broker: ValkeyServer) -> None:
        """Write down what the broker is told from now on."""
        if not self._listeners:
            self._listeners.append(Listener(broker.socket, self._folder / "broker.monitor"))

    def has_heard(self, words: bytes) -> bool:
        """Wait until the broker's words are written down; False when they do not come."""
        file = self._folder / "broker.monitor"
        return wait_until(lambda: file.exists() and words in file.read_bytes(), within_s=10)

    def search(self, *logs: Path, letters: Iterable[Path] = ()) -> list[Found]:
        """Say where secrets stand: in what was kept, in what was listened to, and in these files.

        letters: to owners and to people who were invited; the secrets of their own links belong there, and no others.
        """
        for listener in self._listeners:
            listener.stop()
        self._book.flush()
        needles, hashes = Needles(self._secrets), frozenset(self._hashes)
        files = [*sorted(self._kept.iterdir()), *self._folder.glob("*.log"), *self._folder.glob("*.monitor"), *logs]
        found: list[Found] = []
        for file in files:
            text = file.read_bytes()
            found += needles.find(file.name, text)
            found += find_hashed(file.name, text, hashes)
        for file in letters:
            found += needles.find(f"a letter, {file.name}", file.read_bytes())
        return found

    def stop(self) -> None:
        logging.getLogger().removeHandler(self._book)
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
        self._book.end()


@pytest.fixture(scope="session")
def canary() -> Iterator[Canary]:
    """Keeps what the run leaves behind; at the end of the run it fails when a secret stands in it."""
    bird = Canary(servers.folder / "canary")
    bird.start()
    bird.tell(os.environ["FLEETWELL_SECRET_KEY"], os.environ["FLEETWELL_KEY_RING"].partition(":")[2])
    yield bird
    logs = [*servers.folder.glob("*.log"), *servers.folder.glob("stack/log/*")]
    found = bird.search(*logs, letters=servers.folder.glob("stack/mail/*"))
    bird.stop()
    if found:
        pytest.fail("Secrets stand where none may:\n" + "\n".join(sorted(map(str, found))))
