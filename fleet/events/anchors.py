"""Anchors: the heads of all chains, written where whoever owns the database does not reach."""

import json
import logging
import os
import smtplib
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.mail import send_mail
from django.db import connection

from fleet.events.models import Anchor

logger = logging.getLogger(__name__)

# From chain to chain along the index; DISTINCT ON would read every seal there is.
HEADS = """
WITH RECURSIVE head AS (
    (SELECT chain_id, sequence, hash FROM events_seal ORDER BY chain_id DESC, sequence DESC LIMIT 1)
    UNION ALL
    SELECT n.chain_id, n.sequence, n.hash FROM head h CROSS JOIN LATERAL (
        SELECT chain_id, sequence, hash FROM events_seal WHERE chain_id < h.chain_id
        ORDER BY chain_id DESC, sequence DESC LIMIT 1) n
)
SELECT chain_id, sequence, hash FROM head
"""

Heads = dict[str, list[int | str]]


def write_anchor(*, now: datetime) -> Heads | None:
    """Write the heads of all chains into the file, into a mail, and into a row; None when nothing was sealed since.

    Outside first: a row without its line in the file would speak of something that nobody can look up.
    """
    heads = _heads()
    last = Anchor.objects.order_by("-id").first()
    if not heads or (last is not None and last.heads == heads):
        return None
    at = now.astimezone(UTC).isoformat(timespec="seconds")
    line = json.dumps({"at": at, "heads": heads}, sort_keys=True, separators=(",", ":"))
    if settings.AUDIT_ANCHOR_FILE:
        _append(Path(settings.AUDIT_ANCHOR_FILE), line)
    if settings.AUDIT_ANCHOR_MAIL:
        _mail(settings.AUDIT_ANCHOR_MAIL, at, line)
    Anchor.objects.create(at=now, heads=heads)
    return heads


def _heads() -> Heads:
    with connection.cursor() as cursor:
        cursor.execute(HEADS)
        return {str(chain_id): [sequence, bytes(hash_).hex()] for chain_id, sequence, hash_ in cursor.fetchall()}


def _append(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, f"{line}\n".encode())
        os.fsync(file)
    finally:
        os.close(file)


def _mail(address: str, at: str, line: str) -> None:
    try:
        send_mail(f"Fleetwell: audit anchor of {at}", f"{line}\n", None, [address])
    except (OSError, smtplib.SMTPException) as error:
        if not settings.AUDIT_ANCHOR_FILE:
            raise  # it would stand nowhere else: no row either, and /healthz tells that anchors are late
        # The file and the row have it; the next anchor covers this one.
        logger.warning("the audit anchor of %s was not mailed: %s", at, type(error).__name__)
