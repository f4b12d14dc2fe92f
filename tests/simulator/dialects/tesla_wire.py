"""A small client of Tesla's dialect for its tests: REST, tokens, and signed messages that can be wrong on purpose."""

import base64
import hashlib
import hmac
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tesla_protocol.command.car_server_pb2 import Action, Response
from tesla_protocol.command.signatures_pb2 import SessionInfo
from tesla_protocol.command.universal_message_pb2 import RoutableMessage
from tesla_protocol.command.vcsec_pb2 import FromVCSECMessage, RKEAction_E, UnsignedMessage

from tests.simulator.cloud import CLIENT_ID, Answer, Owner, Simulator

BASE = "/dialects/tesla"
VCSEC, INFOTAINMENT = 2, 3
MODEL_3 = {"model": "Model 3", "year": 2024}
OLD_MODEL_S = {"model": "Model S", "year": 2019}
UNLOCK = UnsignedMessage(RKEAction=RKEAction_E.RKE_ACTION_UNLOCK).SerializeToString()


def make_limit(percent: int) -> bytes:
    action = Action()
    action.vehicleAction.chargingSetLimitAction.percent = percent
    return action.SerializeToString()


class TeslaApp:
    """An application with an owner's token."""

    def __init__(self, lab: Simulator, *vehicles: dict[str, Any], region: str = "eu", **options: Any) -> None:
        self.lab, self.region = lab, region
        self.owner: Owner = lab.add_owner(*vehicles, brand="tesla")
        self.vins = [vehicle["vin"] for vehicle in self.owner.vehicles]
        self.tokens = self.control(
            "POST", "tokens", {"account_id": self.owner.account_id, "client_id": CLIENT_ID, **options}
        )

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.lab.request(method, f"{BASE}/_control/{path}", None if body is None else json.dumps(body))
        assert answer.status == 200, answer.text
        return answer.json()

    def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Answer:
        return self.lab.request(
            method,
            f"{BASE}/{self.region}/api/1/{path}",
            None if body is None else json.dumps(body),
            {
                "Authorization": f"Bearer {self.tokens['access_token'] if token is None else token}",
                "Content-Type": "application/json",
            },
        )

    def command(self, name: str, number: int = 0, **body: Any) -> Answer:
        return self.ask("POST", f"vehicles/{self.vins[number]}/command/{name}", body)

    def result_of(self, name: str, **body: Any) -> tuple[bool, str]:
        """Return what the car said to a plain command."""
        answer = self.command(name, **body)
        assert answer.status == 200, answer.text
        return answer.json()["response"]["result"], answer.json()["response"]["reason"]

    def refuse_of(self, answer: Answer) -> tuple[int, str]:
        return answer.status, answer.json()["error"]

    def did(self) -> list[tuple[str, str, bool]]:
        """Return the ledger of the first car: what was wanted, what became of it, and whether the car acted."""
        return [
            (entry["command"], entry["outcome"], entry["executed_at"] is not None)
            for entry in self.lab.entries(self.owner.car)
        ]


@dataclass
class Signer:
    """A client's key and its sessions with one car. `sign` takes what is to be wrong by name."""

    app: TeslaApp
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    sessions: dict[int, SessionInfo] = field(default_factory=dict)
    counters: dict[int, int] = field(default_factory=dict)

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    @property
    def pem(self) -> str:
        return (
            self.key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )

    def pair(self) -> "Signer":
        self.app.control("POST", f"cars/{self.app.owner.car}", {"pair": self.pem})
        return self

    def post(self, message: RoutableMessage) -> Answer:
        return self.app.ask(
            "POST",
            f"vehicles/{self.app.vins[0]}/signed_command",
            {"routable_message": base64.b64encode(message.SerializeToString()).decode()},
        )

    def send(self, message: RoutableMessage) -> RoutableMessage:
        answer = self.post(message)
        assert answer.status == 200, answer.text
        return RoutableMessage.FromString(base64.b64decode(answer.json()["response"]))

    def begin(self, domain: int) -> RoutableMessage:
        message = RoutableMessage(uuid=os.urandom(16))
        message.to_destination.domain = domain
        message.from_destination.routing_address = os.urandom(16)
        return message

    def shake_hands(self, domain: int) -> RoutableMessage:
        """Ask for session info, check its tag and keep it."""
        message = self.begin(domain)
        message.session_info_request.public_key = self.public_key
        reply = self.send(message)
        self.adopt(domain, reply, message.uuid)
        return reply

    def adopt(self, domain: int, reply: RoutableMessage, uuid: bytes) -> SessionInfo:
        """Take over session info whose tag is right."""
        session = SessionInfo.FromString(reply.session_info)
        metadata = b"\x00\x01\x06" + self._vin + b"\x06\x10" + uuid + b"\xff"
        tag = self._mac(session.publicKey, b"session info", metadata + reply.session_info)
        assert reply.signature_data.session_info_tag.tag == tag
        self.sessions[domain] = session
        self.counters[domain] = max(session.counter, self.counters.get(domain, 0))
        return session

    def sign(
        self,
        domain: int,
        payload: bytes,
        *,
        counter: int | None = None,
        epoch: bytes | None = None,
        expires_in_s: int = 10,
        flags: int = 0,
        vin: str | None = None,
        signed_domain: int | None = None,
        change_tag: bool = False,
    ) -> RoutableMessage:
        if domain not in self.sessions:
            self.shake_hands(domain)
        session = self.sessions[domain]
        if counter is None:
            counter = self.counters[domain] = self.counters[domain] + 1
        message = self.begin(domain)
        message.protobuf_message_as_bytes = payload
        message.flags = flags
        message.signature_data.signer_identity.public_key = self.public_key
        signed = message.signature_data.HMAC_Personalized_data
        signed.epoch = session.epoch if epoch is None else epoch
        signed.counter, signed.expires_at = counter, session.clock_time + expires_in_s
        name = self._vin if vin is None else b"\x02\x11" + vin.encode()
        metadata = b"\x00\x01\x08\x01\x01" + bytes((signed_domain or domain,)) + name + b"\x03\x10" + signed.epoch
        metadata += b"\x04\x04" + signed.expires_at.to_bytes(4) + b"\x05\x04" + counter.to_bytes(4)
        metadata += (b"\x07\x04" + flags.to_bytes(4) if flags else b"") + b"\xff"
        signed.tag = self._mac(session.publicKey, b"authenticated command", metadata + payload)
        if change_tag:
            signed.tag = signed.tag[:-1] + bytes((signed.tag[-1] ^ 1,))
        return message

    def command(self, domain: int, payload: bytes, **wrong: Any) -> RoutableMessage:
        return self.send(self.sign(domain, payload, **wrong))

    def open_reply(self, request: RoutableMessage, reply: RoutableMessage) -> bytes:
        """Return the payload of an encrypted reply, which must be one to this request."""
        sealed, domain = reply.signature_data.AES_GCM_Response_data, reply.from_destination.domain
        request_hash = b"\x08" + request.signature_data.HMAC_Personalized_data.tag
        if domain == VCSEC:
            request_hash = request_hash[:17]
        metadata = b"\x00\x01\x09\x01\x01" + bytes((domain,)) + self._vin + b"\x05\x04" + sealed.counter.to_bytes(4)
        metadata += b"\x07\x04" + reply.flags.to_bytes(4) + b"\x08" + bytes((len(request_hash),)) + request_hash
        metadata += b"\x09\x04" + reply.signedMessageStatus.signed_message_fault.to_bytes(4) + b"\xff"
        return AESGCM(self._share(self.sessions[domain].publicKey)).decrypt(
            sealed.nonce, reply.protobuf_message_as_bytes + sealed.tag, hashlib.sha256(metadata).digest()
        )

    @property
    def _vin(self) -> bytes:
        return b"\x02\x11" + self.app.vins[0].encode()

    def _share(self, public_key: bytes) -> bytes:
        other = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
        return hashlib.sha1(self.key.exchange(ec.ECDH(), other), usedforsecurity=False).digest()[:16]

    def _mac(self, public_key: bytes, label: bytes, message: bytes) -> bytes:
        key = hmac.new(self._share(public_key), label, hashlib.sha256).digest()
        return hmac.new(key, message, hashlib.sha256).digest()


def fault_of(reply: RoutableMessage) -> int:
    return reply.signedMessageStatus.signed_message_fault


def read_infotainment(reply: RoutableMessage) -> tuple[int, str]:
    status = Response.FromString(reply.protobuf_message_as_bytes).actionStatus
    return status.result, status.result_reason.plain_text


def read_security(reply: RoutableMessage) -> FromVCSECMessage:
    return FromVCSECMessage.FromString(reply.protobuf_message_as_bytes)


@contextmanager
def publish_key(pem: str) -> Iterator[str]:
    """Yield a domain on loopback that shows this public key where Tesla looks for it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_there = self.path == "/.well-known/appspecific/com.tesla.3p.public-key.pem"
            self.send_response(200 if is_there else 404)
            self.end_headers()
            self.wfile.write(pem.encode() if is_there else b"")

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
