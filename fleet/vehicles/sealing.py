"""Encrypting what must be read again: AES-256-GCM under a key ring, bound to the row it belongs to."""

import base64
import hashlib
import hmac
import secrets
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_NONCE_BYTES = 12


class CannotUnseal(Exception):
    """A sealed value does not open: wrong or missing key, another row's value, or damage. It is left untouched."""


@cache
def _key_ring(raw: str) -> dict[str, bytes]:
    ring: dict[str, bytes] = {}
    for entry in raw.split(","):
        name, _, encoded = entry.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise ImproperlyConfigured("FLEETWELL_KEY_RING: a key is not base64") from error
        if not name or len(key) != 32:
            raise ImproperlyConfigured("FLEETWELL_KEY_RING: write id:base64-of-32-bytes, newest first")
        ring[name] = key
    return ring


def seal(plain: str, *, bound_to: str) -> bytes:
    """Encrypt a secret under the newest key. bound_to names its row and column; opening asks for the same name."""
    name, key = next(iter(_key_ring(settings.KEY_RING).items()))
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return b"%b:%b" % (name.encode(), nonce + AESGCM(key).encrypt(nonce, plain.encode(), f"{name}|{bound_to}".encode()))


def unseal(sealed: bytes | memoryview, *, bound_to: str) -> str:
    """Decrypt what seal() made for this row. Raises CannotUnseal."""
    raw_name, _, rest = bytes(sealed).partition(b":")
    name = raw_name.decode(errors="replace")
    key = _key_ring(settings.KEY_RING).get(name)
    if key is None:
        raise CannotUnseal(f"no key {name!r} in the ring")
    try:
        opened = AESGCM(key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], f"{name}|{bound_to}".encode())
    except (InvalidTag, ValueError) as error:
        raise CannotUnseal("the value does not belong here or was damaged") from error
    return opened.decode()


def sealed_with_newest(sealed: bytes | memoryview) -> bool:
    """Say whether a value was sealed under the key that is the newest now."""
    return bytes(sealed).partition(b":")[0].decode(errors="replace") == next(iter(_key_ring(settings.KEY_RING)))


def keyed_hash(value: str, *, purpose: str) -> str:
    """Return a hash that cannot be guessed back without the installation's secret; for lane keys."""
    return hmac.new(settings.SECRET_KEY.encode(), f"{purpose}|{value}".encode(), hashlib.sha256).hexdigest()


def hash_token(token: str) -> str:
    """Return what is stored of a link's secret: 160 random bits need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_token() -> str:
    """Return 160 random bits for a link."""
    return secrets.token_urlsafe(20)
