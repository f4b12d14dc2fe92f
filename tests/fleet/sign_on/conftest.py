"""What tests of single sign-on share: a browser that goes to the provider and comes back."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.infrastructure.identity import IdentityProvider, Person


@pytest.fixture(autouse=True)
def _limits_and_descriptions_are_forgotten() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


class Traveller:
    """A browser of Django's test client, and the provider it goes to."""

    def __init__(self, identity: IdentityProvider) -> None:
        self.identity, self.client = identity, Client()

    def leave(self, provider: str = "acme", **query: str) -> Any:
        return self.client.get(reverse("sign_on_begin", args=[provider]), query)

    def come_back(self, answer: Any, person: Person | None = None) -> Any:
        back = urlsplit(self.identity.authorize(answer["Location"], person))
        return self.client.get(f"{back.path}?{back.query}")

    def go(self, person: Person | None = None, *, provider: str = "acme", **query: str) -> Any:
        """There and back."""
        return self.come_back(self.leave(provider, **query), person)

    @property
    def user_id(self) -> str | None:
        return self.client.session.get("_auth_user_id")


@pytest.fixture
def traveller(identity: IdentityProvider) -> Traveller:
    return Traveller(identity)
