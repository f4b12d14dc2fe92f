"""What a signature covers beside the message: tag, length, value, in ascending order of the tags."""

from __future__ import annotations

from collections.abc import Mapping

END = b"\xff"


def serialize(items: Mapping[int, bytes | int]) -> bytes:
    """Return the canonical bytes; whole numbers take four bytes, the highest first."""
    parts = []
    for tag in sorted(items):
        item = items[tag]
        value = item.to_bytes(4, "big") if isinstance(item, int) else item
        if len(value) > 255:
            raise ValueError(f"tag {tag} holds {len(value)} bytes")
        parts.append(bytes([tag, len(value)]) + value)
    return b"".join(parts) + END
