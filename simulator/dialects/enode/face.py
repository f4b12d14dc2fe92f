"""Enode's words for what goes wrong: problem objects. A command is always worded as an action, which is actions'."""

from typing import Any

from aiohttp import web

from simulator.dialects.frame import Result
from simulator.errors import ApiError
from simulator.faults import json_response

_TITLES = {
    "unauthorized": "Unauthorized",
    "insufficient_scope": "Forbidden",
    "forbidden": "Forbidden",
    "not_found": "Not found",
    "method_not_allowed": "Method not allowed",
    "invalid_parameter": "Invalid payload",
    "rate_limited": "Too many requests",
    "quota_exhausted": "Too many requests",
    "smart_charging": "Controlled by smart charging",
    "not_capable": "Not capable",
    "upstream": "Internal error",
}
# Where Enode answers otherwise than the simulator itself would.
_STATUSES = {"smart_charging": 422, "not_capable": 422, "needs_pairing": 422}


class _Face:
    tells_already = True

    def error(self, error: ApiError) -> web.Response:
        title = _TITLES.get(error.code, error.code.replace("_", " ").capitalize())
        return make_problem(
            _STATUSES.get(error.code, error.status),
            error.code,
            title,
            error.to_wire()["error"]["message"],
            headers=error.headers,
            **error.details,
        )

    async def word(self, _result: Result) -> web.Response:
        raise NotImplementedError  # actions words its own


FACE = _Face()


def make_problem(
    status: int, code: str, title: str, detail: str, *, headers: dict[str, str] | None = None, **details: Any
) -> web.Response:
    kind = f"https://developers.enode.io/api/problems/{code.replace('_', '-')}"
    body: dict[str, Any] = {"type": kind, "title": title, "detail": detail}
    if "field" in details:
        body["issues"] = [{"path": [details["field"]], "message": "Not valid"}]
    return json_response(body, status=status, headers=headers)
