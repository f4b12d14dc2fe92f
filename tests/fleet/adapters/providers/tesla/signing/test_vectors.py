"""The numbers that Tesla publishes in its protocol document (pkg/protocol/protocol.md), against ours."""

import secrets

import pytest
from tesla_protocol.command.car_server_pb2 import Action
from tesla_protocol.command.universal_message_pb2 import RoutableMessage

from fleet.adapters.commands import StartClimate
from fleet.adapters.providers.tesla.signing.keys import (
    BadKey,
    SharedKey,
    SigningKey,
    make_signing_key,
    public_key_pem,
)
from fleet.adapters.providers.tesla.signing.messages import INFOTAINMENT, SECURITY, Sent, Terms, make_handshake, sign
from fleet.adapters.providers.tesla.signing.metadata import serialize
from fleet.adapters.providers.tesla.signing.orders import signed_order
from fleet.adapters.providers.tesla.signing.replies import Told, read_reply, read_session

# Published by Tesla, with the private halves, for tests alone.
CLIENT_KEY = """-----BEGIN EC PRIVATE KEY-----
MHcCAQEEICU4zcKal8GcHpmmN9bPT4yXDBGLVu3h5jI+bRYsSzDboAoGCCqGSM49
AwEHoUQDQgAEsra8aMLaBmXOZWgVWUmWxiOU7di+qQX+eBp1T+aoRacUMwkC8iXp
Jp1GbgWzSZgf2p2FzCPG+0RKpztikQXcbg==
-----END EC PRIVATE KEY-----
"""
CLIENT_PEM = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsra8aMLaBmXOZWgVWUmWxiOU7di+
qQX+eBp1T+aoRacUMwkC8iXpJp1GbgWzSZgf2p2FzCPG+0RKpztikQXcbg==
-----END PUBLIC KEY-----
"""
CLIENT = bytes.fromhex(
    "04b2b6bc68c2da0665ce656815594996c62394edd8bea905fe781a754fe6a845a7"
    "14330902f225e9269d466e05b349981fda9d85cc23c6fb444aa73b629105dc6e"
)
VEHICLE = bytes.fromhex(
    "04c7a1f47138486aa4729971494878d33b1a24e39571f748a6e16c5955b3d877d3"
    "a6aaa0e955166474af5d32c410f439a2234137ad1bb085fd4e8813c958f11d97"
)
SHARED = bytes.fromhex("1b2fce19967b79db696f909cff89ea9a")
VIN = "5YJ30123456789ABC"
EPOCH = bytes.fromhex("4c463f9cc0d3d26906e982ed224adde6")
ROUTING_ADDRESS = bytes.fromhex("2c907bd76c640d360b3027dc7404efde")
UUID = bytes.fromhex("1588d5a30eabc6f8fc9a951b11f6fd11")
SESSION_INFO = bytes.fromhex(
    "0806124104c7a1f47138486aa4729971494878d33b1a24e39571f748a6e16c5955b3d877d3a6aaa0e955166474af5d32c410f439a2234137"
    "ad1bb085fd4e8813c958f11d971a104c463f9cc0d3d26906e982ed224adde6255a0a0000"
)
SESSION_TAG = bytes.fromhex("996c1fe38331be138f8039c194b14db2198846ed7d8251e6749284d7b32ea002")
KEY = SigningKey.from_pem(CLIENT_KEY)


def test_key_when_read_then_its_public_half_is_the_published_one():
    assert (KEY.public_key, public_key_pem(CLIENT_KEY)) == (CLIENT, CLIENT_PEM)


def test_key_when_shared_with_the_published_car_then_the_secret_is_the_published_one():
    shared = KEY.share_with(VEHICLE)

    assert shared.value == SHARED
    assert SHARED.hex() not in repr(shared) + repr(KEY)


@pytest.mark.parametrize(
    ("items", "serialized"),
    [
        ({5: 100, 2: b"abc"}, "0203616263050400000064ff"),
        ({0: b"\x06", 2: VIN.encode(), 6: UUID}, f"0001060211{VIN.encode().hex()}0610{UUID.hex()}ff"),
        (
            {7: 2, 5: 7, 4: 2655, 3: EPOCH, 2: VIN.encode(), 1: b"\x03", 0: b"\x05"},
            (
                "000105010103021135594a333031323334353637383941424303104c463f9cc0d3d26906e982ed224adde6"
                "040400000a5f050400000007070400000002ff"
            ),
        ),
    ],
    ids=["counter and VIN", "session info", "command"],
)
def test_metadata_when_serialized_then_it_is_as_published(items, serialized):
    assert serialize(items).hex() == serialized


def test_session_when_it_is_the_published_one_then_it_is_believed():
    reply = RoutableMessage(session_info=SESSION_INFO, request_uuid=UUID)
    reply.to_destination.routing_address, reply.from_destination.domain = ROUTING_ADDRESS, INFOTAINMENT
    reply.signature_data.session_info_tag.tag = SESSION_TAG
    sent = Sent(VIN, INFOTAINMENT, b"", UUID, ROUTING_ADDRESS)

    told = read_session(read_reply(reply.SerializeToString(), sent), sent, KEY)

    assert told == Told(VEHICLE, EPOCH, counter=6, clock_s=2650, is_paired=True)


def test_handshake_when_made_then_it_is_the_published_request(monkeypatch):
    drawn = [UUID, ROUTING_ADDRESS]
    monkeypatch.setattr(secrets, "token_bytes", lambda _: drawn.pop(0))

    sent = make_handshake(KEY, vin=VIN, domain=INFOTAINMENT)

    expected = RoutableMessage(uuid=UUID)
    expected.to_destination.domain, expected.from_destination.routing_address = INFOTAINMENT, ROUTING_ADDRESS
    expected.session_info_request.public_key = CLIENT
    assert RoutableMessage.FromString(sent.body) == expected


def test_order_when_the_climate_is_to_start_then_it_is_the_published_payload():
    assert signed_order(StartClimate()) == (INFOTAINMENT, bytes.fromhex("120452020801"))


def test_command_when_signed_then_the_tag_covers_what_the_document_says():
    """The document has no number for HMAC; metadata and key are its own, the last step is done by hand here."""
    payload = bytes.fromhex("120452020801")
    covered = bytes.fromhex(
        "000108010103021135594a333031323334353637383941424303104c463f9cc0d3d26906e982ed224adde6040400000a5f"
        "050400000007070400000002ff"
    )

    sent = sign(KEY, SharedKey(SHARED), payload, vin=VIN, domain=INFOTAINMENT, terms=Terms(EPOCH, 7, 2655))

    message = RoutableMessage.FromString(sent.body)
    signed = message.signature_data.HMAC_Personalized_data
    tag = SharedKey(SHARED).tag("authenticated command", covered + payload)
    assert (signed.epoch, signed.counter, signed.expires_at, signed.tag) == (EPOCH, 7, 2655, tag)
    assert (message.flags, message.protobuf_message_as_bytes) == (2, payload)
    assert Action.FromString(payload).vehicleAction.hvacAutoAction.power_on is True
    assert sent.request_hash == b"\x08" + tag


def test_command_when_for_the_security_computer_then_its_hash_is_short():
    sent = sign(KEY, SharedKey(SHARED), b"\x10\x00", vin=VIN, domain=SECURITY, terms=Terms(EPOCH, 7, 2655))

    assert len(sent.request_hash) == 17


def test_signing_key_when_made_then_it_can_be_read_and_is_a_new_one_each_time():
    one, other = (SigningKey.from_pem(make_signing_key()) for _ in range(2))

    assert one.share_with(other.public_key) == other.share_with(one.public_key)
    assert one.public_key != other.public_key


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "nonsense",
        CLIENT_PEM,
        "-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\n",
        "\N{SNOWMAN}",
    ],
)
def test_key_when_it_is_none_then_it_is_refused_without_being_told(pem):
    with pytest.raises(BadKey, match="not a private key in PEM"):
        SigningKey.from_pem(pem)


@pytest.mark.parametrize("point", [b"", VEHICLE[:-1], VEHICLE[:-1] + b"\x00", b"\x04" + bytes(64)])
def test_key_when_shared_with_no_point_of_the_curve_then_it_is_refused(point):
    with pytest.raises(BadKey):
        KEY.share_with(point)
