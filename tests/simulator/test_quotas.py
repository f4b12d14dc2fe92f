"""Quotas per client: what counts, how the windows slide, what is said over them, and that clients do not share one."""

import json
from collections.abc import Iterator

import pytest

from simulator.quotas import ClientQuota, Window
from tests.simulator.cloud import CLIENT_ID, Owner, Simulator

OTHER_CLIENT = "another-provider"


@pytest.fixture
def cloud(cloud: Simulator) -> Iterator[Simulator]:
    yield cloud
    cloud.control("PUT", "quota", {"client": CLIENT_ID})


def quota_of(cloud: Simulator, client: str = CLIENT_ID) -> dict | None:
    return next((line for line in cloud.control("GET", "quota")["clients"] if line["client"] == client), None)


def test_quota_when_used_up_then_429_says_when_and_nothing_reaches_the_car(cloud: Simulator, owner: Owner) -> None:
    cloud.control("PUT", "quota", {"client": CLIENT_ID, "limit": 5, "window_s": 600})

    answers = [owner.get("vehicles"), owner.get(f"vehicles/{owner.car}/state"), owner.send("lock"), owner.wake()]
    ref = answers[2].json()["ref"]
    answers += [owner.get(f"commands/{ref}"), owner.send("unlock"), owner.get("vehicles")]

    assert [answer.status for answer in answers] == [200, 200, 202, 200, 200, 429, 429]
    assert answers[5].json()["error"]["code"] == "quota_exhausted"
    assert 590 <= int(answers[5].headers["Retry-After"]) <= 600
    assert [entry["command"] for entry in cloud.entries(owner.car)] == ["lock"]
    assert quota_of(cloud) == {
        "client": CLIENT_ID,
        "windows": {"window": {"limit": 5, "seconds": 600.0, "used": 5}},
        "allowed": 5,
        "violations": 2,
    }


def test_quota_when_tokens_are_refreshed_or_unknown_then_they_do_not_count(cloud: Simulator, owner: Owner) -> None:
    cloud.control("PUT", "quota", {"client": CLIENT_ID, "limit": 5})

    refreshed = cloud.token("volkswagen", grant_type="refresh_token", refresh_token=owner.tokens["refresh_token"])
    stranger = cloud.request("GET", "/api/v1/vehicles", headers={"Authorization": "Bearer nobody"})

    assert (refreshed.status, stranger.status) == (200, 401)
    assert quota_of(cloud)["allowed"] == 0


def test_quota_when_it_is_another_clients_then_each_has_its_own(cloud: Simulator, owner: Owner) -> None:
    cloud.control(
        "POST", "clients", {"client_id": OTHER_CLIENT, "client_secret": "x", "redirect_uris": ["http://127.0.0.1/"]}
    )
    wanted = {"account_id": owner.account_id, "client_id": OTHER_CLIENT, "scopes": ["read_vin"]}
    tokens = cloud.control("POST", "tokens", wanted)
    cloud.control("PUT", "quota", {"client": CLIENT_ID, "per_minute": 1})
    other = Owner(cloud, owner.account_id, owner.brand, owner.email, owner.cars, owner.vehicles, tokens)

    statuses = [
        owner.get("vehicles").status,
        owner.get("vehicles").status,
        *(other.get("vehicles").status for _ in "abc"),
    ]

    assert statuses == [200, 429, 200, 200, 200]
    assert quota_of(cloud, OTHER_CLIENT) is None
    assert quota_of(cloud)["violations"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "client"),
        ({"client": "nobody"}, "client"),
        ({"client": CLIENT_ID, "limit": 0}, "limit"),
        ({"client": CLIENT_ID, "limit": "5"}, "limit"),
        ({"client": CLIENT_ID, "limit": 5, "window_s": -1}, "window_s"),
        ({"client": CLIENT_ID, "per_minute": True}, "per_minute"),
    ],
)
def test_quota_when_malformed_then_400_names_the_field(cloud: Simulator, body: dict, field: str) -> None:
    answer = cloud.request("PUT", "/_control/quota", json.dumps(body))

    assert (answer.status, answer.json()["error"]["field"]) == (400, field)
    assert quota_of(cloud) is None


def test_window_when_it_slides_then_no_window_holds_more_than_the_limit() -> None:
    quota = ClientQuota({"minute": Window(2, 60.0), "window": Window(5, 600.0)})
    asked = [0.0, 59.0, 59.5, 60.0, 118.9, 119.0, 179.0, 240.0, 600.0]

    answers = [quota.take(at) for at in asked]

    assert answers == [0, 0, pytest.approx(0.5), 0, pytest.approx(0.1), 0, 0, 360, 0]
    assert (quota.allowed, quota.violations) == (6, 3)
