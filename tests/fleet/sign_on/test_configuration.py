"""What the environment says of providers: read strictly, told without secrets, and nothing is there without it."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from fleet.run.environment import ROOT
from fleet.sign_on.providers import BadProviders, is_safe_url, read_providers

SECRET = "secret-of-the-client"
GOOD: dict[str, Any] = {
    "id": "acme",
    "name": "Acme ID",
    "server_url": "https://id.acme.example/",
    "client_id": "fleetwell",
    "client_secret": SECRET,
    "domains": ["Acme.example", "acme.co.example"],
}


def test_providers_when_they_are_well_written_then_they_are_read() -> None:
    (one,) = read_providers(json.dumps([{**GOOD, "required": True, "second_factor_acr": ["phr"]}]))

    assert (one.id, one.server_url, one.domains) == (
        "acme",
        "https://id.acme.example",
        frozenset({"acme.example", "acme.co.example"}),
    )
    assert (one.is_required, one.gives_second_factor, one.second_factor_acr) == (True, False, frozenset({"phr"}))
    assert SECRET not in repr(one)
    assert read_providers("") == read_providers("[]") == ()


@pytest.mark.parametrize(
    "raw",
    [
        "{",
        "{}",
        "[1]",
        json.dumps([{name: value for name, value in GOOD.items() if name != "domains"}]),
        json.dumps([{**GOOD, "requird": True}]),
        json.dumps([{**GOOD, "required": "yes"}]),
        json.dumps([{**GOOD, "id": "Acme/.."}]),
        json.dumps([{**GOOD, "id": "confirm"}]),
        json.dumps([{**GOOD, "name": "x" * 41}]),
        json.dumps([{**GOOD, "name": "a\nb"}]),
        json.dumps([{**GOOD, "client_secret": ""}]),
        json.dumps([{**GOOD, "server_url": "http://id.acme.example"}]),
        json.dumps([{**GOOD, "domains": []}]),
        json.dumps([{**GOOD, "domains": "acme.example"}]),
        json.dumps([{**GOOD, "domains": ["example"]}]),
        json.dumps([{**GOOD, "domains": ["*.example.com"]}]),
        json.dumps([{**GOOD, "domains": ["bücher.example"]}]),
        json.dumps([GOOD, {**GOOD, "id": "other"}]),  # two providers for one domain
        json.dumps([GOOD, {**GOOD, "domains": ["other.example"]}]),  # two of one id
    ],
)
def test_providers_when_something_is_wrong_then_it_is_said_without_the_secret(raw: str) -> None:
    with pytest.raises(BadProviders) as refused:
        read_providers(raw)

    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://id.example.com/a", True),
        ("http://localhost:1/a", True),
        ("http://127.0.0.1/a", True),
        ("http://[::1]/a", True),
        ("http://id.example.com/a", False),
        ("http://localhost.example.com/", False),
        ("https://user@id.example.com/", False),
        ("https://id.example.com/#a", False),
        ("https:///a", False),
        ("https://id.example.com:port/", False),
        ("javascript:alert(1)", False),
        ("file:///etc/passwd", False),
        ("https://id.example.com/\r\nX: y", False),
        (None, False),
    ],
)
def test_address_when_a_secret_is_to_travel_there_then_only_https_or_this_machine_will_do(
    url: Any, is_safe: bool
) -> None:
    assert is_safe_url(url) is is_safe


LOOK = """
import sys, django
django.setup()
from django.test import Client
from django.urls import get_resolver, NoReverseMatch, reverse
import fleet.urls
names = [name for name in get_resolver().reverse_dict if isinstance(name, str)]
print([name for name in names if "sign_on" in name or "openid" in name or "socialaccount" in name])
print(sorted({"jwt", "oauthlib", "fleet.sign_on.oidc", "fleet.sign_on.views"} & sys.modules.keys()))
"""


def test_installation_when_it_has_no_providers_then_there_is_no_route_and_nothing_is_loaded() -> None:
    env = {name: value for name, value in os.environ.items() if name != "FLEETWELL_OIDC"}

    said = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=ROOT,
        env={**env, "DJANGO_SETTINGS_MODULE": "fleet.settings"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert said.stdout.splitlines() == ["[]", "[]"]


def test_installation_when_its_providers_can_not_be_read_then_it_does_not_start_and_says_why() -> None:
    env = {**os.environ, "FLEETWELL_OIDC": json.dumps([{**GOOD, "server_url": "http://id.acme.example"}])}

    said = subprocess.run(
        [sys.executable, "-c", "import fleet.settings"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )

    assert said.returncode != 0
    assert "FLEETWELL_OIDC: entry 1: server_url is no https address" in said.stderr
    assert SECRET not in said.stderr
