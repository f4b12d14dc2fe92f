"""What all views of the API have in common: JSON only, problems for errors, a limit per address, ETags."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, ClassVar

from allauth.core.internal import ratelimit
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import get_language
from rest_framework import exceptions
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fleet.problems import handle

RETRY_AFTER_S = 60


class JsonOnly(DefaultContentNegotiation):
    """Refuses what is not JSON; and answers in JSON that it does."""

    def select_renderer(
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer, _media_type = super().select_renderer(request, renderers, format_suffix)
        return renderer, renderer.media_type


class PublicView(APIView):
    """A view for anybody, that only reads. It knows no session: what it answers is the same for all.

    requests_a_minute: of one address to all such views together.
    """

    http_method_names: ClassVar = ["get", "head"]
    authentication_classes: ClassVar = []
    permission_classes: ClassVar = []
    renderer_classes: ClassVar = [JSONRenderer]
    parser_classes: ClassVar = [JSONParser]
    content_negotiation_class = JsonOnly
    requests_a_minute = 300

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return handle

    def check_throttles(self, request: Request) -> None:
        """Count by the address, as sign-in does. Raises Throttled."""
        rate = {"public_api": f"{self.requests_a_minute}/m/ip"}
        if not ratelimit.consume(request, app="fleet", action="public_api", config=rate, limit_get=True):
            raise exceptions.Throttled(RETRY_AFTER_S)


def tag_of(*parts: object) -> str:
    """Return a strong ETag for an answer that is made of nothing else than these and the language."""
    return f'"{sha256(repr((*parts, get_language())).encode()).hexdigest()[:32]}"'


def answer_if_changed(request: Request, etag: str, make: Callable[[], Any]) -> Any:
    """Return 304 for who has the answer already, else the answer; only then is it made."""
    unchanged = get_conditional_response(request, etag=etag)
    answer = Response(make()) if unchanged is None else unchanged
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "public, max-age=60"
    patch_vary_headers(answer, ["Accept-Language", "Cookie"])
    return answer
