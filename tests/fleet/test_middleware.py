"""The Content-Security-Policy is on every answer, under both kinds of server."""

import asyncio

from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from fleet.middleware import POLICY, content_security_policy


def test_policy_when_answering_synchronously_is_set() -> None:
    answer = content_security_policy(lambda _request: HttpResponse())(RequestFactory().get("/"))

    assert answer.headers["Content-Security-Policy"] == POLICY


def test_policy_when_answering_asynchronously_is_set() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    answer = asyncio.run(content_security_policy(view)(RequestFactory().get("/")))

    assert answer.headers["Content-Security-Policy"] == POLICY


def test_policy_when_a_view_set_its_own_is_left_alone() -> None:
    own = HttpResponse(headers={"Content-Security-Policy": "default-src 'none'"})

    answer = content_security_policy(lambda _request: own)(RequestFactory().get("/"))

    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"


def test_policy_when_read_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert "form-action 'self'" in POLICY
