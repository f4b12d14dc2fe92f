"""The car's end of Tesla's signed-command protocol: sessions, checks and replies. What a command does is not its."""

import os
from dataclasses import dataclass, field

from tesla_protocol.command.signatures_pb2 import Session_Info_Status, SessionInfo, SignatureType
from tesla_protocol.command.universal_message_pb2 import (
    Domain,
    Flags,
    MessageFault_E,
    OperationStatus_E,
    RoutableMessage,
)

from simulator.dialects.tesla.counters import Counter
from simulator.dialects.tesla.proofs import (
    agree_on_key,
    derive_private_key,
    describe_command,
    describe_reply,
    encode_public,
    encrypt,
    hash_request,
    is_same,
    read_public,
    tag_command,
    tag_session_info,
)

VCSEC: int = Domain.DOMAIN_VEHICLE_SECURITY
INFOTAINMENT: int = Domain.DOMAIN_INFOTAINMENT
ENCRYPT_REPLY = 1 << Flags.FLAG_ENCRYPT_RESPONSE
EPOCH_BYTES = 16
LONGEST_UUID_BYTES = 16
LONGEST_EPOCH_S = 1 << 30
# How long a command that comes late, out of the order of its counters, may still have to live.
LONGEST_LIFE_OF_LATE_S = 30
_KIND: int = SignatureType.SIGNATURE_TYPE_HMAC_PERSONALIZED

BUSY: int = MessageFault_E.MESSAGEFAULT_ERROR_BUSY
TIMEOUT: int = MessageFault_E.MESSAGEFAULT_ERROR_TIMEOUT
UNKNOWN_KEY: int = MessageFault_E.MESSAGEFAULT_ERROR_UNKNOWN_KEY_ID
BAD_SIGNATURE: int = MessageFault_E.MESSAGEFAULT_ERROR_INVALID_SIGNATURE
BAD_COUNTER: int = MessageFault_E.MESSAGEFAULT_ERROR_INVALID_TOKEN_OR_COUNTER
BAD_DOMAIN: int = MessageFault_E.MESSAGEFAULT_ERROR_INVALID_DOMAINS
BAD_COMMAND: int = MessageFault_E.MESSAGEFAULT_ERROR_INVALID_COMMAND
BAD_PARAMETER: int = MessageFault_E.MESSAGEFAULT_ERROR_BAD_PARAMETER
BAD_EPOCH: int = MessageFault_E.MESSAGEFAULT_ERROR_INCORRECT_EPOCH
EXPIRED: int = MessageFault_E.MESSAGEFAULT_ERROR_TIME_EXPIRED
LIVES_TOO_LONG: int = MessageFault_E.MESSAGEFAULT_ERROR_TIME_TO_LIVE_TOO_LONG
REMOTE_ACCESS_DISABLED: int = MessageFault_E.MESSAGEFAULT_ERROR_REMOTE_ACCESS_DISABLED

# Faults that the client can mend with the session info that comes along.
_MENDABLE = frozenset({BAD_SIGNATURE, BAD_COUNTER, BAD_EPOCH, EXPIRED, LIVES_TOO_LONG})


class Faulty(Exception):
    """The message is not acted on; `fault` is the maker's number for why."""

    def __init__(self, fault: int) -> None:
        super().__init__(MessageFault_E.Name(fault))
        self.fault = fault


@dataclass
class Computer:
    """One of the two computers that take commands: own key pair, epoch, clock, and a counter for each client's key."""

    vin: str
    domain: int
    booted_at: float
    epoch: bytes = field(default_factory=lambda: os.urandom(EPOCH_BYTES))
    clock_offset_s: float = 0.0
    replies: int = 0
    _counters: dict[bytes, Counter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.private_key = derive_private_key(f"simulator car {self.vin} domain {self.domain}")
        self.public_key = encode_public(self.private_key.public_key())

    def reboot(self, now: float) -> None:
        """Begin a new epoch: clock and counters start over, the key pair stays."""
        self.booted_at, self.epoch = now, os.urandom(EPOCH_BYTES)
        self._counters.clear()

    def clock(self, now: float) -> int:
        return max(int(now - self.booted_at + self.clock_offset_s), 0)

    def counter_of(self, public_key: bytes) -> Counter:
        return self._counters.setdefault(public_key, Counter(takes_late=self.domain == INFOTAINMENT))

    def describe_session(self, public_key: bytes, now: float, *, is_known: bool = True) -> bytes:
        """Return the session info for one client's key."""
        status = (
            Session_Info_Status.SESSION_INFO_STATUS_OK
            if is_known
            else Session_Info_Status.SESSION_INFO_STATUS_KEY_NOT_ON_WHITELIST
        )
        return SessionInfo(
            counter=self.counter_of(public_key).highest if is_known else 0,
            publicKey=self.public_key,
            epoch=self.epoch,
            clock_time=self.clock(now),
            status=status,
        ).SerializeToString()

    def check(self, message: RoutableMessage, now: float) -> None:
        """Raise Faulty unless the command was signed for this car, this domain and this moment, and never came before.

        The order is that of the maker's own library: epoch, time, signature, and the counter last, so that nobody
        without the key can use counters up.
        """
        signed = message.signature_data.HMAC_Personalized_data
        client = message.signature_data.signer_identity.public_key
        clock, counter = self.clock(now), self.counter_of(client)
        if signed.epoch and not is_same(signed.epoch, self.epoch):
            raise Faulty(BAD_EPOCH)
        if signed.expires_at and signed.expires_at < clock:
            raise Faulty(EXPIRED)
        if signed.expires_at > LONGEST_EPOCH_S:
            raise Faulty(BAD_PARAMETER)
        if counter.is_late(signed.counter) and not 0 < signed.expires_at <= clock + LONGEST_LIFE_OF_LATE_S:
            raise Faulty(LIVES_TOO_LONG)
        metadata = describe_command(
            _KIND,
            domain=self.domain,
            vin=self.vin,
            epoch=self.epoch,
            expires_at=signed.expires_at,
            counter=signed.counter,
            flags=message.flags,
        )
        expected = tag_command(agree_on_key(self.private_key, client), metadata, message.protobuf_message_as_bytes)
        if not is_same(expected, signed.tag):
            raise Faulty(BAD_SIGNATURE)
        if not counter.take(signed.counter):
            raise Faulty(BAD_COUNTER)


class VehicleSide:
    """One car with its two computers. Which keys its owner let in is said with each question."""

    def __init__(self, vin: str, *, booted_at: float) -> None:
        self.vin = vin
        self.computers = {domain: Computer(vin, domain, booted_at) for domain in (VCSEC, INFOTAINMENT)}

    def find_computer(self, message: RoutableMessage) -> Computer:
        """Return whom the message is for. Raises Faulty."""
        computer = self.computers.get(message.to_destination.domain)
        if computer is None:
            raise Faulty(BAD_DOMAIN)
        if len(message.uuid) > LONGEST_UUID_BYTES:
            raise Faulty(BAD_PARAMETER)
        return computer

    def shake_hands(self, message: RoutableMessage, now: float, *, keys: frozenset[bytes]) -> RoutableMessage:
        """Answer a request for session info. Raises Faulty when there is no key in it."""
        computer = self.find_computer(message)
        client = message.session_info_request.public_key
        _check_point(client)
        is_known = client in keys
        reply = self._begin_reply(message)
        self._add_session(reply, computer, client, message, now, is_known=is_known)
        if not is_known:
            reply.signedMessageStatus.signed_message_fault = UNKNOWN_KEY
        return reply

    def verify(self, message: RoutableMessage, now: float, *, keys: frozenset[bytes]) -> None:
        """Raise Faulty unless a key that was let in has signed the command and everything else about it is right."""
        computer = self.find_computer(message)
        if message.signature_data.WhichOneof("sig_type") != "HMAC_Personalized_data":
            raise Faulty(BAD_PARAMETER)
        client = message.signature_data.signer_identity.public_key
        _check_point(client)
        if client not in keys:
            raise Faulty(UNKNOWN_KEY)
        computer.check(message, now)

    def refuse(self, message: RoutableMessage, fault: int, now: float) -> RoutableMessage:
        """Answer a message that is not acted on, with fresh session info where that helps the client."""
        reply = self._begin_reply(message)
        client = message.signature_data.signer_identity.public_key
        if fault in _MENDABLE:
            self._add_session(reply, self.find_computer(message), client, message, now)
        reply.signedMessageStatus.signed_message_fault = fault
        return reply

    def reply(self, message: RoutableMessage, payload: bytes, *, is_waiting: bool = False) -> RoutableMessage:
        """Answer a command that was verified, encrypted if its flags ask for that."""
        reply = self._begin_reply(message)
        if is_waiting:
            reply.signedMessageStatus.operation_status = OperationStatus_E.OPERATIONSTATUS_WAIT
        if not message.flags & ENCRYPT_REPLY:
            reply.protobuf_message_as_bytes = payload
            return reply
        computer = self.find_computer(message)
        computer.replies += 1
        metadata = describe_reply(
            domain=computer.domain,
            vin=self.vin,
            counter=computer.replies,
            flags=reply.flags,
            request_hash=hash_request(
                _KIND, message.signature_data.HMAC_Personalized_data.tag, is_vcsec=computer.domain == VCSEC
            ),
            fault=0,
        )
        key = agree_on_key(computer.private_key, message.signature_data.signer_identity.public_key)
        nonce, sealed, tag = encrypt(key, metadata, payload)
        reply.protobuf_message_as_bytes = sealed
        signature = reply.signature_data.AES_GCM_Response_data
        signature.nonce, signature.counter, signature.tag = nonce, computer.replies, tag
        return reply

    def _begin_reply(self, message: RoutableMessage) -> RoutableMessage:
        reply = RoutableMessage()
        reply.to_destination.routing_address = message.from_destination.routing_address
        reply.from_destination.domain = message.to_destination.domain
        reply.uuid = os.urandom(16)
        # The security computer is short of memory and does not keep what it is answering.
        if message.to_destination.domain != VCSEC:
            reply.request_uuid = message.uuid
        return reply

    def _add_session(
        self,
        reply: RoutableMessage,
        computer: Computer,
        client: bytes,
        message: RoutableMessage,
        now: float,
        *,
        is_known: bool = True,
    ) -> None:
        reply.session_info = computer.describe_session(client, now, is_known=is_known)
        reply.signature_data.session_info_tag.tag = tag_session_info(
            agree_on_key(computer.private_key, client),
            vin=self.vin,
            challenge=message.uuid,
            session_info=reply.session_info,
        )


def _check_point(encoded: bytes) -> None:
    try:
        read_public(encoded)
    except ValueError as error:
        raise Faulty(BAD_PARAMETER) from error
