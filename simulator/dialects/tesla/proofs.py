"""The arithmetic of Tesla's signed commands: shared key, serialized metadata, tags. No state, no clock, no messages."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tesla_protocol.command.signatures_pb2 import SignatureType, Tag

KEY_BYTES = 16
TAG_BYTES = 16
VCSEC_HASH_BYTES = 17  # one byte for the kind of signature and the first sixteen of its tag
ENCODED_POINT_BYTES = 65
_ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def derive_private_key(words: str) -> ec.EllipticCurvePrivateKey:
    """Make the key pair that goes with these words: pretend cars keep theirs over a restart and nothing is stored."""
    number = int.from_bytes(hashlib.sha256(words.encode()).digest())
    return ec.derive_private_key(number % (_ORDER_OF_P256 - 1) + 1, ec.SECP256R1())


def encode_public(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def read_public(encoded: bytes) -> ec.EllipticCurvePublicKey:
    """Return the key of an uncompressed point on P-256. Raises ValueError for anything else."""
    if len(encoded) != ENCODED_POINT_BYTES:
        raise ValueError("not an uncompressed point")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded)


def agree_on_key(private: ec.EllipticCurvePrivateKey, other: bytes) -> bytes:
    """Return K, the 128 bits that car and client share."""
    shared = private.exchange(ec.ECDH(), read_public(other))
    return hashlib.sha1(shared, usedforsecurity=False).digest()[:KEY_BYTES]


def serialize_metadata(items: dict[int, bytes | int]) -> bytes:
    """Return the items as tag, length and value in the order of their tags, numbers as four bytes, and the end mark."""
    serialized = b""
    for tag in sorted(items):
        value = items[tag]
        encoded = value.to_bytes(4) if isinstance(value, int) else value
        serialized += bytes((tag, len(encoded))) + encoded
    return serialized + bytes((Tag.TAG_END,))


def describe_command(
    kind: int, *, domain: int, vin: str, epoch: bytes, expires_at: int, counter: int, flags: int
) -> bytes:
    """Return the metadata of a command. Flags are part of it only when there are any."""
    items: dict[int, bytes | int] = {
        Tag.TAG_SIGNATURE_TYPE: bytes((kind,)),
        Tag.TAG_DOMAIN: bytes((domain,)),
        Tag.TAG_PERSONALIZATION: vin.encode(),
        Tag.TAG_EPOCH: epoch,
        Tag.TAG_EXPIRES_AT: expires_at,
        Tag.TAG_COUNTER: counter,
    }
    if flags:
        items[Tag.TAG_FLAGS] = flags
    return serialize_metadata(items)


def tag_command(key: bytes, metadata: bytes, payload: bytes) -> bytes:
    return _mac(_mac(key, b"authenticated command"), metadata + payload)


def tag_session_info(key: bytes, *, vin: str, challenge: bytes, session_info: bytes) -> bytes:
    metadata = serialize_metadata(
        {
            Tag.TAG_SIGNATURE_TYPE: bytes((SignatureType.SIGNATURE_TYPE_HMAC,)),
            Tag.TAG_PERSONALIZATION: vin.encode(),
            Tag.TAG_CHALLENGE: challenge,
        }
    )
    return _mac(_mac(key, b"session info"), metadata + session_info)


def hash_request(kind: int, tag: bytes, *, is_vcsec: bool) -> bytes:
    """Return what ties an encrypted reply to its request; the security computer keeps only the beginning."""
    whole = bytes((kind,)) + tag
    return whole[:VCSEC_HASH_BYTES] if is_vcsec else whole


def describe_reply(*, domain: int, vin: str, counter: int, flags: int, request_hash: bytes, fault: int) -> bytes:
    """Return the metadata of an encrypted reply. Its flags are part of it always, other than a command's."""
    return serialize_metadata(
        {
            Tag.TAG_SIGNATURE_TYPE: bytes((SignatureType.SIGNATURE_TYPE_AES_GCM_RESPONSE,)),
            Tag.TAG_DOMAIN: bytes((domain,)),
            Tag.TAG_PERSONALIZATION: vin.encode(),
            Tag.TAG_COUNTER: counter,
            Tag.TAG_FLAGS: flags,
            Tag.TAG_REQUEST_HASH: request_hash,
            Tag.TAG_FAULT: fault,
        }
    )


def encrypt(key: bytes, metadata: bytes, plain: bytes) -> tuple[bytes, bytes, bytes]:
    """Return nonce, what was encrypted, and its tag."""
    nonce = os.urandom(12)
    sealed = AESGCM(key).encrypt(nonce, plain, hashlib.sha256(metadata).digest())
    return nonce, sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]


def decrypt(key: bytes, metadata: bytes, *, nonce: bytes, sealed: bytes, tag: bytes) -> bytes | None:
    """Return the plain text, or None when the tag is not the one of this key and metadata."""
    try:
        return AESGCM(key).decrypt(nonce, sealed + tag, hashlib.sha256(metadata).digest())
    except (InvalidTag, ValueError):
        return None


def is_same(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(one, other)


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
