"""Sending a file that is made while it is sent, whatever its length."""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import translation


def stream_file(request: HttpRequest, parts: Iterator[str], *, name: str, content_type: str) -> StreamingHttpResponse:
    """Answer with parts as a file to keep; each made when the reader is ready for it, in their language.

    No database connection is held between two parts.
    """
    parts = _in_language(parts, translation.get_language())
    return StreamingHttpResponse(
        _awaited(parts) if isinstance(request, ASGIRequest) else parts,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Accel-Buffering": "no"},
    )


def _in_language(parts: Iterator[str], language: str | None) -> Iterator[str]:
    """Make each part in the reader's language, which the request has forgotten by then, and keep no connection."""
    while True:
        with translation.override(language):
            part = next(parts, None)
        # Between two parts a slow reader may take minutes: the pool gets its connection back.
        if not connection.in_atomic_block:
            connection.close()
        if part is None:
            return
        yield part


async def _awaited(parts: Iterator[str]) -> AsyncIterator[str]:
    """Let the event loop send parts that threads make; Django would gather a plain iterator in memory."""

    def make() -> str | None:
        return next(parts, None)

    while (part := await sync_to_async(make)()) is not None:
        yield part
