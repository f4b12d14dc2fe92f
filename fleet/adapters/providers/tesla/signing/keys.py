"""Our key pair for signing, and what we and a part of a car derive from theirs and ours."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

POINT_BYTES = 65


class BadKey(ValueError):
    """A key that is no P-256 key, or none at all."""


def make_signing_key() -> str:
    """Return a new private key as PEM. It never leaves the installation; its public half is served to Tesla."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")


def public_key_pem(private_pem: str) -> str:
    """Return the public half as the PEM that Tesla fetches from our domain. Raises BadKey."""
    public = _load(private_pem).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode(
        "ascii"
    )


@dataclass(frozen=True)
class SigningKey:
    """Our private key. public_key: the uncompressed point, as cars know it."""

    _private: ec.EllipticCurvePrivateKey = field(repr=False)
    public_key: bytes

    @classmethod
    def from_pem(cls, private_pem: str) -> SigningKey:
        """Read a PEM. Raises BadKey."""
        private = _load(private_pem)
        point = private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return cls(private, point)

    def share_with(self, public_key: bytes) -> SharedKey:
        """Derive what only we and the holder of that key's other half know. Raises BadKey."""
        if len(public_key) != POINT_BYTES:
            raise BadKey("not an uncompressed point")
        try:
            peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
        except ValueError as error:
            raise BadKey("not a point of the curve") from error
        # SHA-1 is the protocol's: a derivation from a secret, where its collisions do no harm.
        digest = hashlib.sha1(self._private.exchange(ec.ECDH(), peer), usedforsecurity=False).digest()
        return SharedKey(digest[:16])


@dataclass(frozen=True)
class SharedKey:
    """K of the protocol: 128 bits, from which the keys for each purpose come."""

    value: bytes = field(repr=False)

    def tag(self, label: str, message: bytes) -> bytes:
        """Return the HMAC of a message under the key for one purpose."""
        purpose = hmac.digest(self.value, label.encode("ascii"), "sha256")
        return hmac.digest(purpose, message, "sha256")


def _load(private_pem: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(private_pem.encode("ascii"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # The text of the error may hold a part of the key.
        raise BadKey("not a private key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadKey("not a P-256 key")
    return key
