"""Keeping secrets and positions out of the logs, whatever was about to be written."""

import logging
import re

HIDDEN = "[hidden]"
_PATTERNS = (
    # Authorization headers and bearer tokens
    re.compile(r"(?i)(bearer\s+|basic\s+)[A-Za-z0-9._~+/=-]{8,}"),
    # name=value and "name": "value" of anything secret
    re.compile(
        r"(?i)([\"']?\b(?:access_token|refresh_token|id_token|client_secret|code_verifier|nonce|password|secret|token|state|code|pin)\b"
        r"[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;)}]+"
    ),
    # the secret in a share link's or an invitation's path
    re.compile(r"(/(?:c|join)/)[A-Za-z0-9_-]{16,}"),
    # a position: two decimals with four or more places
    re.compile(r"()-?\d{1,3}\.\d{4,}\s*,\s*-?\d{1,3}\.\d{4,}"),
    re.compile(r"(?i)([\"']?\b(?:latitude|longitude)\b[\"']?\s*[=:]\s*)-?\d+(?:\.\d+)?"),
    # VINs: 17 characters with at least one letter and one digit
    re.compile(r"()\b(?=[A-HJ-NPR-Z0-9]*[A-Z])(?=[A-HJ-NPR-Z0-9]*\d)[A-HJ-NPR-Z0-9]{17}\b"),
    # JSON web tokens
    re.compile(r"()\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),
)


def hide_secrets(text: str) -> str:
    """Return the text with tokens, PINs, link secrets, VINs and positions hidden."""
    for pattern in _PATTERNS:
        text = pattern.sub(lambda match: match.group(1) + HIDDEN, text)
    return text


class RedactSecrets(logging.Filter):
    """Runs on every record of every handler, on the finished text: arguments cannot slip past it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = hide_secrets(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = hide_secrets(record.exc_text)
        return True
