"""Replies of a car: do they belong to what we sent, what do they hold, and may a session in them be believed?"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from tesla_protocol.command import signatures_pb2 as signatures
from tesla_protocol.command import universal_message_pb2 as universal

from fleet.adapters.providers.tesla.signing.keys import BadKey, SigningKey
from fleet.adapters.providers.tesla.signing.messages import HIGHEST_COUNTER, ID_BYTES, Sent
from fleet.adapters.providers.tesla.signing.metadata import serialize


class NotOurs(Exception):
    """A reply that cannot be read, or that is not the one to our message. It says nothing about the command."""


class NotBelieved(Exception):
    """A session that nobody vouches for: its tag is wrong, or its parts make no sense. It must be thrown away."""


@dataclass(frozen=True)
class Reply:
    """What a car answered. fault: 0 when the message got through to those who carry out commands.

    is_waiting: the part of the car is busy. payload: what they said, decrypted; None when they said nothing.
    session_info, session_tag: the car's view of the session, where it tells; not believed yet.
    """

    fault: int
    is_waiting: bool
    payload: bytes | None
    session_info: bytes | None
    session_tag: bytes


@dataclass(frozen=True)
class Told:
    """What a car vouched for. clock_s: its clock, in seconds since its epoch began. is_paired: it knows our key."""

    public_key: bytes
    epoch: bytes
    counter: int
    clock_s: int
    is_paired: bool


def read_reply(raw: bytes, sent: Sent) -> Reply:
    """Read the reply to a message. Raises NotOurs."""
    message = universal.RoutableMessage()
    try:
        message.ParseFromString(raw)
    except DecodeError as error:
        raise NotOurs("not a message") from error
    _check_address(message, sent)
    payload = message.WhichOneof("payload")
    # Whatever is encrypted holds something; what is not, may still be an answer (older firmware, and every fault).
    is_encrypted = message.signature_data.WhichOneof("sig_type") == "AES_GCM_Response_data"
    said = message.protobuf_message_as_bytes if payload == "protobuf_message_as_bytes" else None
    if is_encrypted:
        said = _decrypt(message, sent)
    return Reply(
        fault=message.signedMessageStatus.signed_message_fault,
        is_waiting=message.signedMessageStatus.operation_status == universal.OPERATIONSTATUS_WAIT,
        payload=said,
        session_info=message.session_info if payload == "session_info" else None,
        session_tag=message.signature_data.session_info_tag.tag,
    )


def _check_address(message: universal.RoutableMessage, sent: Sent) -> None:
    if message.from_destination.domain != sent.domain:
        raise NotOurs("from another part of the car")
    if message.to_destination.routing_address != sent.routing_address:
        raise NotOurs("to another sender")
    # The security computer leaves the request's id out for want of memory; where one is given it must be ours.
    if message.request_uuid and not hmac.compare_digest(message.request_uuid, sent.uuid):
        raise NotOurs("to another message")


def _decrypt(message: universal.RoutableMessage, sent: Sent) -> bytes:
    """Return the payload. That it decrypts says that this car gave it, to this very request."""
    if sent.shared is None:
        raise NotOurs("encrypted without a session")
    encrypted = message.signature_data.AES_GCM_Response_data
    covered = hashes.Hash(hashes.SHA256())
    covered.update(
        serialize(
            {
                signatures.TAG_SIGNATURE_TYPE: bytes([signatures.SIGNATURE_TYPE_AES_GCM_RESPONSE]),
                signatures.TAG_DOMAIN: bytes([sent.domain]),
                signatures.TAG_PERSONALIZATION: sent.vin.encode("ascii"),
                signatures.TAG_COUNTER: encrypted.counter,
                signatures.TAG_FLAGS: message.flags,
                signatures.TAG_REQUEST_HASH: sent.request_hash,
                signatures.TAG_FAULT: int(message.signedMessageStatus.signed_message_fault),
            }
        )
    )
    try:
        return AESGCM(sent.shared.value).decrypt(
            encrypted.nonce, message.protobuf_message_as_bytes + encrypted.tag, covered.finalize()
        )
    except (InvalidTag, ValueError) as error:
        raise NotOurs("cannot be decrypted") from error


def read_session(reply: Reply, sent: Sent, key: SigningKey) -> Told:
    """Return the session in a reply, once its tag was found to fit the car, our key and our message's id.

    That a car with this public key made it is certain, not that it is the right car: a wrong one cannot obey us.
    Raises NotBelieved.
    """
    if reply.session_info is None:
        raise NotBelieved("no session")
    info = signatures.SessionInfo()
    try:
        info.ParseFromString(reply.session_info)
        shared = key.share_with(info.publicKey)
    except (DecodeError, BadKey) as error:
        raise NotBelieved("no session that makes sense") from error
    covered = serialize(
        {
            signatures.TAG_SIGNATURE_TYPE: bytes([signatures.SIGNATURE_TYPE_HMAC]),
            signatures.TAG_PERSONALIZATION: sent.vin.encode("ascii"),
            signatures.TAG_CHALLENGE: sent.uuid,
        }
    )
    expected = shared.tag("session info", covered + reply.session_info)
    if not hmac.compare_digest(expected, reply.session_tag):
        raise NotBelieved("wrong tag")
    if len(info.epoch) != ID_BYTES or info.counter >= HIGHEST_COUNTER:
        raise NotBelieved("no session that makes sense")
    return Told(
        public_key=info.publicKey,
        epoch=info.epoch,
        counter=info.counter,
        clock_s=info.clock_time,
        is_paired=info.status != signatures.SESSION_INFO_STATUS_KEY_NOT_ON_WHITELIST,
    )
