"""What each process is told: secrets made once, the owner's role for migrations alone, nothing for strangers."""

import base64
from pathlib import Path

import pytest

from fleet.run import databases
from fleet.run.environment import (
    Addresses,
    application_environment,
    keep_secrets,
    make_password,
    owner_environment,
    read_addresses,
    simulator_environment,
)
from fleet.run.errors import RunError
from fleet.run.home import Home
from fleet.run.postgres import PostgresServer
from fleet.run.valkey import ValkeyServer


def test_secrets_when_kept_then_the_same_at_the_next_start(home: Home) -> None:
    first = keep_secrets(home, {})

    second = keep_secrets(home, {})

    name, key = first.key_ring.split(":")
    assert first == second
    assert (name, len(base64.b64decode(key))) == ("k1", 32)
    assert len(first.secret_key) >= 50


def test_secrets_when_the_environment_gives_one_then_taken_and_not_kept(home: Home) -> None:
    kept = keep_secrets(home, {"FLEETWELL_SECRET_KEY": "from outside"})

    assert kept.secret_key == "from outside"
    assert not (home.folder / "secret-key").exists()


def test_password_when_made_then_three_words_without_letters_that_look_alike() -> None:
    password = make_password()

    assert [len(word) for word in password.split("-")] == [5, 5, 5]
    assert not set(password) & set("ilo01")
    assert password != make_password()


def test_addresses_when_nothing_is_set_then_the_usual_ports() -> None:
    assert read_addresses({}) == Addresses(port=8000, simulator_port=8001, url="http://localhost:8000")


@pytest.mark.parametrize("text", ["http", "0", "70000", "-1", "80.5"])
def test_addresses_when_a_port_is_nonsense_then_a_sentence(text: str) -> None:
    with pytest.raises(RunError, match=f"FLEETWELL_PORT is '{text}': it must be a number from 1 to 65535"):
        read_addresses({"FLEETWELL_PORT": text})


def test_addresses_when_both_ports_are_one_then_a_sentence() -> None:
    with pytest.raises(RunError, match="are both 8001"):
        read_addresses({"FLEETWELL_PORT": "8001"})


def test_environments_when_made_then_each_process_has_its_own_role_and_secrets(
    home: Home, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/else")
    kept = keep_secrets(home, {})
    postgres = PostgresServer(folder, sockets=folder, log=folder / "log")
    valkey = ValkeyServer(folder, sockets=folder, log=folder / "log")

    application = application_environment(
        home=home, addresses=read_addresses({}), kept=kept, postgres=postgres, valkey=valkey
    )
    owner = owner_environment(application, postgres)
    simulator = simulator_environment(kept)

    assert application["DATABASE_URL"] == f"postgresql://{databases.APP}@/fleetwell?host={folder}"
    assert owner["DATABASE_URL"] == f"postgresql://{databases.OWNER}@/fleetwell?host={folder}"
    assert {name for name in simulator if name.startswith(("FLEETWELL_", "DATABASE_", "CELERY_"))} == set()
    assert kept.secret_key not in simulator.values()
    assert kept.key_ring not in simulator.values()
    assert simulator["SIMULATOR_CLIENT_SECRET"] == application["FLEETWELL_SIMULATOR_CLIENT_SECRET"]
