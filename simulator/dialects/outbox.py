"""Sending web-hooks out, to this machine only: the lab must never reach a stranger. What is sent is a dialect's."""

import ipaddress
import json
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from simulator.errors import InvalidParameter

PATIENCE_S = 15.0
LONGEST_ANSWER = 4096


def check_address(url: Any) -> str:
    """Return an address on this machine. Raises InvalidParameter for any other: names are not looked up."""
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    host = parts.hostname or ""
    try:
        is_ours = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_ours = False
    if parts.scheme not in ("http", "https") or not is_ours:
        raise InvalidParameter("url")
    return str(url)


def write_compactly(body: Any) -> bytes:
    """Return JSON as the makers sign it: no blanks, no escapes, whole numbers without a point."""
    return json.dumps(_plain(body), separators=(",", ":"), ensure_ascii=False).encode()


async def post(url: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """Post one web-hook and return what came back; a receiver that cannot be reached is status None."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S)) as session,
            session.post(
                check_address(url),
                data=body,
                headers={"Content-Type": "application/json", **headers},
                allow_redirects=False,
                ssl=False,
            ) as answer,
        ):
            text = (await answer.content.read(LONGEST_ANSWER)).decode(errors="replace")
            return {"status": answer.status, "body": text, "headers": dict(answer.headers)}
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return {"status": None, "body": type(error).__name__, "headers": {}}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
