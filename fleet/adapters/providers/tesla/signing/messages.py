"""Messages to a car: the handshake, and a signed command. What must be remembered of each to read its reply."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from tesla_protocol.command import signatures_pb2 as signatures
from tesla_protocol.command import universal_message_pb2 as universal

from fleet.adapters.providers.tesla.signing.keys import SharedKey, SigningKey
from fleet.adapters.providers.tesla.signing.metadata import serialize

SECURITY = universal.DOMAIN_VEHICLE_SECURITY
INFOTAINMENT = universal.DOMAIN_INFOTAINMENT
# The car's reply is encrypted for us, where its firmware can (2024.38 and later); older ones ignore the flag.
FLAGS = 1 << universal.FLAG_ENCRYPT_RESPONSE
ID_BYTES = 16
# The security computer truncates what it remembers of a request: method and half of the tag.
SHORT_HASH_BYTES = 17
HIGHEST_COUNTER = 2**32 - 1


@dataclass(frozen=True)
class Sent:
    """One message as it left: the bytes, and what its reply has to fit.

    shared: the key that the reply may be encrypted with; None for a handshake, whose reply is what brings the key.
    """

    vin: str
    domain: int
    body: bytes = field(repr=False)
    uuid: bytes
    routing_address: bytes
    request_hash: bytes = b""
    shared: SharedKey | None = None


@dataclass(frozen=True)
class Terms:
    """What a signature binds a command to: one car's session, once, until a moment of the car's own clock."""

    epoch: bytes
    counter: int
    expires_at: int


def make_handshake(key: SigningKey, *, vin: str, domain: int) -> Sent:
    """Ask a part of a car for its session. Does not act."""
    message, uuid, routing_address = _envelope(domain)
    message.session_info_request.public_key = key.public_key
    return Sent(vin, domain, message.SerializeToString(), uuid, routing_address)


def sign(key: SigningKey, shared: SharedKey, payload: bytes, *, vin: str, domain: int, terms: Terms) -> Sent:
    """Make the message that orders `payload` from a part of a car, once."""
    message, uuid, routing_address = _envelope(domain)
    message.protobuf_message_as_bytes = payload
    message.flags = FLAGS
    covered = serialize(
        {
            signatures.TAG_SIGNATURE_TYPE: bytes([signatures.SIGNATURE_TYPE_HMAC_PERSONALIZED]),
            signatures.TAG_DOMAIN: bytes([domain]),
            signatures.TAG_PERSONALIZATION: vin.encode("ascii"),
            signatures.TAG_EPOCH: terms.epoch,
            signatures.TAG_EXPIRES_AT: terms.expires_at,
            signatures.TAG_COUNTER: terms.counter,
            signatures.TAG_FLAGS: FLAGS,
        }
    )
    tag = shared.tag("authenticated command", covered + payload)
    message.signature_data.signer_identity.public_key = key.public_key
    personalized = message.signature_data.HMAC_Personalized_data
    personalized.epoch, personalized.counter = terms.epoch, terms.counter
    personalized.expires_at, personalized.tag = terms.expires_at, tag
    request_hash = bytes([signatures.SIGNATURE_TYPE_HMAC_PERSONALIZED]) + tag
    if domain == SECURITY:
        request_hash = request_hash[:SHORT_HASH_BYTES]
    return Sent(vin, domain, message.SerializeToString(), uuid, routing_address, request_hash, shared)


def _envelope(domain: int) -> tuple[universal.RoutableMessage, bytes, bytes]:
    uuid, routing_address = secrets.token_bytes(ID_BYTES), secrets.token_bytes(ID_BYTES)
    message = universal.RoutableMessage(uuid=uuid)
    message.to_destination.domain = domain  # type: ignore[assignment]
    message.from_destination.routing_address = routing_address
    return message, uuid, routing_address
