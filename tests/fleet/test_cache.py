"""What processes remember together: shared, apart from the broker's messages, and no reason to keep anybody out."""

import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.cache import caches
from django.test import Client, override_settings
from django.urls import reverse

from fleet import cache as module
from fleet.cache import SharedCache, caches_for, location_of
from tests.factories import PASSWORD, make_user
from tests.infrastructure.servers import servers

NOWHERE = "redis+socket:///nowhere/valkey.sock?virtual_host=0"


@pytest.fixture
def address() -> str:
    """A number of the run's own Valkey that nobody else uses."""
    return servers.broker.url.replace("virtual_host=0", "virtual_host=7")


@pytest.fixture
def server(address: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(location_of(address) or "")
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture(autouse=True)
def _every_server_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_rest_until", {})


def make_cache(url: str) -> SharedCache:
    config = caches_for(url)["default"]
    return SharedCache(config["LOCATION"], {"KEY_PREFIX": config["KEY_PREFIX"], "OPTIONS": config["OPTIONS"]})


@pytest.mark.parametrize(
    ("broker", "location"),
    [
        ("redis+socket:///run/a%20b/v.sock?virtual_host=3", "unix:///run/a%20b/v.sock?db=3"),
        ("redis://:word@host:6379/2", "redis://:word@host:6379/2"),
        ("rediss://host/0", "rediss://host/0"),
        ("amqp://guest@host//", None),
        ("memory://", None),
    ],
)
def test_location_when_the_broker_is_named_then_it_is_its_own_server_or_none(broker: str, location: str | None) -> None:
    assert location_of(broker) == location
    expected = "fleet.cache.SharedCache" if location else "django.core.cache.backends.db.DatabaseCache"
    assert caches_for(broker)["default"]["BACKEND"] == expected


def test_cache_when_two_processes_use_it_then_they_see_the_same(address: str, server: redis.Redis) -> None:
    one, other = make_cache(address), make_cache(address)

    one.set("tries", [1.5, 2.5], 60)
    is_first = one.add("lock", True, 60)
    is_second = other.add("lock", True, 60)

    assert other.get("tries") == [1.5, 2.5]
    assert (is_first, is_second) == (True, False)
    assert server.get(b"fleetwell-cache:1:tries") == b"[1.5, 2.5]"
    assert 0 < int(server.ttl("fleetwell-cache:1:tries")) <= 60  # type: ignore[arg-type]


def test_cache_when_cleared_then_the_brokers_messages_stay(address: str, server: redis.Redis) -> None:
    cache = make_cache(address)
    server.rpush("dispatch", b"a message")
    cache.set_many({f"key-{n}": n for n in range(600)}, 60)

    cache.clear()

    assert server.keys() == [b"dispatch"]


def test_cache_when_nobody_answers_then_the_process_remembers_alone(caplog: pytest.LogCaptureFixture) -> None:
    cache = make_cache(NOWHERE)

    with caplog.at_level(logging.WARNING):
        added = [cache.add("lock", True, 60), cache.add("lock", True, 60)]
        cache.set("tries", [1.0], 60)
        cache.clear()
        cache.set("tries", [2.0], 60)

    assert (added, cache.get("tries")) == ([True, False], [2.0])
    assert len([one for one in caplog.records if one.name == "fleet.cache"]) == 1


def test_cache_when_many_requests_use_it_then_they_share_connections(address: str, server: redis.Redis) -> None:
    for n in range(50):
        make_cache(address).set(f"key-{n}", n, 60)

    ours = [one for one in server.client_list() if one["db"] == "7"]
    assert len(ours) <= 3  # this one, that of the fixture, and one more at most


def test_cache_when_the_server_comes_back_then_it_is_asked_again(
    address: str, server: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = make_cache(address)
    monkeypatch.setattr(module, "REST_S", 0.0)
    monkeypatch.setattr(type(cache._cache), "get_client", _failing_once(type(cache._cache).get_client))

    cache.set("tries", [1.0], 60)
    cache.set("tries", [2.0], 60)

    assert make_cache(address).get("tries") == [2.0]


def _failing_once(get_client: Any) -> Any:
    failures = [redis.ConnectionError()]

    def get(self: Any, *args: Any, **kwargs: Any) -> Any:
        if failures:
            raise failures.pop()
        return get_client(self, *args, **kwargs)

    return get


def test_cache_when_the_server_hangs_then_one_page_waits_a_moment_and_the_others_not(tmp_path: Path) -> None:
    path = tmp_path / "v.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        url = f"redis+socket://{path}?virtual_host=0"
        done = threading.Event()

        def use() -> None:
            for n in range(50):
                make_cache(url).set(f"key-{n}", n, 60)  # as each request does
            done.set()

        threading.Thread(target=use, daemon=True).start()

        assert done.wait(20 * module.ANSWER_WITHIN_S)
        assert make_cache(url).get("key-49") == 49


@pytest.mark.django_db
def test_sign_in_when_nothing_is_remembered_together_then_it_works_and_its_limit_holds() -> None:
    user = make_user()
    with override_settings(CACHES=caches_for(NOWHERE)):
        caches["default"].clear()
        form = {"login": user.email, "password": "not the password"}
        wrong = [Client().post(reverse("account_login"), form).status_code for _ in range(6)]
        other = make_user()
        right = Client().post(reverse("account_login"), {"login": other.email, "password": PASSWORD}).status_code

    assert wrong == [422] * 5 + [429]
    assert right == 302


@pytest.mark.django_db
def test_sign_in_when_the_broker_is_no_redis_then_its_limit_holds_in_the_database() -> None:
    user = make_user()
    with override_settings(CACHES=caches_for("amqp://guest@host//")):
        form = {"login": user.email, "password": "not the password"}
        statuses = [Client().post(reverse("account_login"), form).status_code for _ in range(6)]

    assert statuses == [422] * 5 + [429]
