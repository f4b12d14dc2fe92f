"""How this app calls a provider: bounded in time and size, no redirects, nothing of the environment."""

import time
from typing import Any

import requests

from fleet.sign_on.providers import is_safe_url

CONNECT_S, READ_S, TOTAL_S = 3.0, 5.0, 8.0
MOST_BYTES = 262_144
CHUNK = 16_384


class TooMuch(requests.RequestException):
    """The answer is larger, or takes longer, than anything a provider has to say."""


class BoundedSession(requests.Session):
    """A session of requests for one call or two; django-allauth's client uses it through its adapter."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # no proxies, no netrc
        self.headers["Accept"] = "application/json"
        self.headers["Accept-Encoding"] = "identity"

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """Call, and read the whole answer within the limits. Raises requests.RequestException."""
        if not is_safe_url(url):
            raise requests.exceptions.InvalidURL("neither https nor this machine")
        ends_at = time.monotonic() + TOTAL_S
        kwargs |= {"timeout": (CONNECT_S, READ_S), "allow_redirects": False, "stream": True}
        response = super().request(method, url, *args, **kwargs)
        try:
            response._content = _read(response, ends_at)  # noqa: SLF001 - as requests itself does without stream=True
        except (OSError, requests.packages.urllib3.exceptions.HTTPError) as error:  # type: ignore[attr-defined]
            raise requests.ConnectionError(type(error).__name__) from error
        finally:
            response.close()
        return response


def _read(response: requests.Response, ends_at: float) -> bytes:
    # Piece by piece as it comes: a limit between two bytes alone lets an answer drip for ever.
    body = bytearray()
    while chunk := response.raw.read1(CHUNK, decode_content=False):
        body += chunk
        if len(body) > MOST_BYTES or time.monotonic() > ends_at:
            raise TooMuch
    return bytes(body)
