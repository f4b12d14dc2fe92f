"""The canary finds what was planted, however it is spelt, and is quiet where nothing is."""

import base64
import json
import logging
import secrets
from pathlib import Path

import pytest

from fleet.adapters.providers.tesla.signing.keys import make_signing_key
from fleet.teams.models import Team
from fleet.vehicles.sealing import hash_token, make_token
from tests.infrastructure.canary import Canary, Found, Needles, dump, find_hashed
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.servers import servers

TOKEN = secrets.token_urlsafe(32)


@pytest.fixture
def bird(tmp_path: Path):
    bird = Canary(tmp_path)
    bird.start()
    bird.tell(TOKEN)
    yield bird
    bird.stop()


@pytest.mark.parametrize("before", range(6))
@pytest.mark.parametrize(
    "spell",
    [
        lambda text: text,
        lambda text: text.hex().encode(),
        lambda text: base64.b64encode(text),
        lambda text: base64.urlsafe_b64encode(text),
        lambda text: json.dumps({"body": base64.b64encode(text).decode()}).encode(),
    ],
    ids=["clear", "hex", "base64", "urlsafe", "as-the-broker-has-it"],
)
def test_canary_when_a_token_stands_anywhere_in_a_text_then_it_is_found(spell, before: int) -> None:
    needles = Needles([TOKEN, secrets.token_urlsafe(32)])
    other = TOKEN[:20] + ("A" if TOKEN[20] != "A" else "B") + TOKEN[21:]
    text = "x" * before + '{"token": "%s", "more": 1}'

    assert list(needles.find("here", spell((text % TOKEN).encode()))) == [Found("here, line 1", "a secret")]
    assert list(needles.find("here", spell((text % other).encode()))) == []


def test_canary_when_a_token_is_logged_then_it_is_found_unless_it_was_hidden(bird: Canary) -> None:
    logging.getLogger("fleet.somewhere").debug("asked with Bearer %s", TOKEN)
    hidden = bird.search()
    logging.getLogger("fleet.somewhere").debug("the answer was %s", [TOKEN])

    assert (hidden, bird.search()) == ([], [Found("pytest.log, line 2", "a secret")])


def test_canary_when_a_token_is_in_a_table_then_it_is_found(bird: Canary, committed_db: CommittedDatabase) -> None:
    bird.keep_database("before", committed_db.owner_url)
    Team.objects.create(name=f"Team {TOKEN}")
    bird.keep_database("after", committed_db.owner_url)

    assert bird.search() == [Found("after, teams_team", "a secret")]


def test_canary_when_a_pin_stands_alone_then_it_is_found_and_a_number_is_not(bird: Canary) -> None:
    bird.tell("7391")
    bird.keep("numbers", b'{"sequence": 7391, "took": 0.7391}\tid-7391\t2026-07-03 17:39:17391\n')
    bird.keep("json", b'{"pin": "7391"}')
    bird.keep("cell", b"set_pin\t7391\tqueued\n")

    assert sorted(map(str, bird.search())) == ["a PIN in cell, line 1", "a PIN in json, line 1"]


def test_canary_when_a_link_is_told_then_it_is_known_by_its_hash() -> None:
    secret, hashes = make_token(), frozenset({bytes.fromhex(hash_token(make_token()))})
    known = hashes | {bytes.fromhex(hash_token(secret))}
    text = f"GET /c/{secret}/ 200".encode()

    assert list(find_hashed("log", text, known)) == [Found("log, line 1", "the secret of a link or an API token")]
    assert list(find_hashed("log", text, hashes)) == []


@pytest.mark.parametrize("part", ["a line of it", "its number"])
def test_canary_when_a_part_of_a_signing_key_stands_somewhere_then_it_is_found(bird: Canary, part: str) -> None:
    pem = make_signing_key()
    line = pem.splitlines()[2].encode()
    bird.tell(pem)
    number = base64.b64decode("".join(pem.splitlines()[1:-1])).hex().encode()
    bird.keep("leak", line if part == "a line of it" else number)

    assert bird.search() == [Found("leak, line 1", "a secret")]


@pytest.mark.usefixtures("committed_db")  # with it the broker runs
def test_canary_when_the_broker_was_told_a_token_then_it_is_found(bird: Canary) -> None:
    bird.listen(servers.broker)
    servers.broker.command("SET", "planted", TOKEN)
    assert bird.has_heard(b"planted")

    assert [(found.place.partition(",")[0], found.kind) for found in bird.search()] == [("broker.monitor", "a secret")]


def test_dump_when_a_table_holds_text_then_it_is_in_it(committed_db: CommittedDatabase) -> None:
    Team.objects.create(name="Written down")

    text = dump(committed_db.owner_url)

    assert b"== teams_team" in text
    assert b"Written down" in text
