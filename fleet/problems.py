"""How the API says that something is wrong: problem details (RFC 9457), each with a code that keeps its meaning."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpResponse, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.response import Response

MEDIA_TYPE = "application/problem+json"
# The address under which a problem is explained; it is also its name, so it stays as it is.
TYPES = "/api/problems/"
# code: (status, title, what it means)
PROBLEMS: dict[str, tuple[int, Promise, Promise]] = {
    "bad_filter": (
        status.HTTP_400_BAD_REQUEST,
        _("A parameter makes no sense"),
        _("`field` names the parameter and `reason` says why. Nothing was searched: a filter never widens a result."),
    ),
    "bad_cursor": (
        status.HTTP_400_BAD_REQUEST,
        _("The cursor can’t be read"),
        _("Take the cursor from `next` as it is, with the same filters. After a new load of the data begin again."),
    ),
    "bad_request": (status.HTTP_400_BAD_REQUEST, _("The request can’t be read"), _("Something in it is malformed.")),
    "not_found": (status.HTTP_404_NOT_FOUND, _("There is nothing here"), _("No such address in this API.")),
    "method_not_allowed": (
        status.HTTP_405_METHOD_NOT_ALLOWED,
        _("This method is not for this address"),
        _("`Allow` names the methods that are."),
    ),
    "not_acceptable": (
        status.HTTP_406_NOT_ACCEPTABLE,
        _("This API speaks JSON only"),
        _("Ask with `Accept: application/json`, or without that header."),
    ),
    "too_many_requests": (
        status.HTTP_429_TOO_MANY_REQUESTS,
        _("Too many requests from this address"),
        _("`Retry-After` says after how many seconds to try again."),
    ),
}
_OF_EXCEPTION: tuple[tuple[type[Exception], str], ...] = (
    (Http404, "not_found"),
    (exceptions.NotFound, "not_found"),
    (exceptions.MethodNotAllowed, "method_not_allowed"),
    (exceptions.NotAcceptable, "not_acceptable"),
    (exceptions.Throttled, "too_many_requests"),
    (exceptions.APIException, "bad_request"),
    (SuspiciousOperation, "bad_request"),
)


class Problem(exceptions.APIException):
    """Something that the caller can put right. extra: members besides those of every problem, such as `field`."""

    def __init__(self, code: str, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or PROBLEMS[code][1], code)
        self.code = code
        self.status_code = PROBLEMS[code][0]
        self.extra = extra


def describe(code: str, detail: str = "", **extra: Any) -> dict[str, Any]:
    """Return the members of a problem."""
    status_code, title, meaning = PROBLEMS[code]
    return {
        "type": f"{TYPES}{code}",
        "title": str(title),
        "status": status_code,
        "code": code,
        "detail": detail or str(meaning),
        **extra,
    }


def answer_problem(code: str, detail: str = "", **extra: Any) -> HttpResponse:
    """Return a problem as an answer, outside of the framework's views."""
    body = describe(code, detail, **extra)
    return JsonResponse(body, status=body["status"], content_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def handle(error: Exception, _context: dict[str, Any]) -> Response | None:
    """Turn an exception of a view into a problem; None for one that is a mistake of ours."""
    if isinstance(error, Problem):
        code, detail, extra = error.code, str(error.detail), error.extra
    else:
        code = next((code for kind, code in _OF_EXCEPTION if isinstance(error, kind)), "")
        detail, extra = "", {}
    if not code:
        return None
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = str(int(error.wait or 1))
    body = describe(code, detail, **extra)
    # A problem is JSON whatever was asked for: else nobody could read that JSON is all there is.
    return Response(body, status=body["status"], headers=headers, content_type=MEDIA_TYPE)
