"""The published vectors of Tesla's protocol document, and which counters a car takes."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tesla_protocol.command.signatures_pb2 import SessionInfo
from tesla_protocol.command.universal_message_pb2 import RoutableMessage

from simulator.dialects.tesla.counters import Counter
from simulator.dialects.tesla.proofs import (
    agree_on_key,
    decrypt,
    describe_command,
    encode_public,
    tag_session_info,
)
from simulator.dialects.tesla.vehicle_side import INFOTAINMENT, VehicleSide

# teslamotors/vehicle-command pkg/protocol/protocol.md: its test keys are published, and worthless for that.
VEHICLE_NUMBER = 0x344EE5B466A7CF1EEB12B6F50331DB2E5EC5834EF5F4BEFCFD8CBE55C2528D70
CLIENT_NUMBER = 0x2538CDC29A97C19C1E99A637D6CF4F8C970C118B56EDE1E6323E6D162C4B30DB
VEHICLE_POINT = (
    "04c7a1f47138486aa4729971494878d33b1a24e39571f748a6e16c5955b3d877d3"
    "a6aaa0e955166474af5d32c410f439a2234137ad1bb085fd4e8813c958f11d97"
)
CLIENT_POINT = (
    "04b2b6bc68c2da0665ce656815594996c62394edd8bea905fe781a754fe6a845a7"
    "14330902f225e9269d466e05b349981fda9d85cc23c6fb444aa73b629105dc6e"
)
SHARED_KEY = "1b2fce19967b79db696f909cff89ea9a"
VIN = "5YJ30123456789ABC"
EPOCH = "4c463f9cc0d3d26906e982ed224adde6"
CHALLENGE = "1588d5a30eabc6f8fc9a951b11f6fd11"
SESSION_INFO = f"08061241{VEHICLE_POINT}1a10{EPOCH}255a0a0000"
SESSION_TAG = "996c1fe38331be138f8039c194b14db2198846ed7d8251e6749284d7b32ea002"
METADATA = (
    "000105010103021135594a333031323334353637383941424303104c463f9cc0d3d26906e982ed224adde6"
    "040400000a5f050400000007070400000002ff"
)


def load(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number, ec.SECP256R1())


def test_shared_key_when_either_side_derives_it_then_it_is_the_published_one() -> None:
    vehicle, client = load(VEHICLE_NUMBER), load(CLIENT_NUMBER)

    assert encode_public(vehicle.public_key()).hex() == VEHICLE_POINT
    assert encode_public(client.public_key()).hex() == CLIENT_POINT
    assert agree_on_key(vehicle, bytes.fromhex(CLIENT_POINT)).hex() == SHARED_KEY
    assert agree_on_key(client, bytes.fromhex(VEHICLE_POINT)).hex() == SHARED_KEY


def test_session_info_tag_when_made_for_the_published_session_then_it_is_the_published_one() -> None:
    tag = tag_session_info(
        bytes.fromhex(SHARED_KEY),
        vin=VIN,
        challenge=bytes.fromhex(CHALLENGE),
        session_info=bytes.fromhex(SESSION_INFO),
    )

    assert tag.hex() == SESSION_TAG


def test_metadata_when_made_for_the_published_command_then_it_opens_the_published_message() -> None:
    metadata = describe_command(
        5, domain=INFOTAINMENT, vin=VIN, epoch=bytes.fromhex(EPOCH), expires_at=2655, counter=7, flags=2
    )
    sealed = {
        "nonce": bytes.fromhex("dbf79447fa156674dae1caed"),
        "sealed": bytes.fromhex("38038e8c0f2e"),
        "tag": bytes.fromhex("c228e0ff64991481db3a7bbc133696c5"),
    }

    assert metadata.hex() == METADATA
    assert decrypt(bytes.fromhex(SHARED_KEY), metadata, **sealed) == bytes.fromhex("120452020801")
    assert decrypt(bytes.fromhex(SHARED_KEY), metadata + b"\x00", **sealed) is None


def test_handshake_when_the_car_has_the_published_key_and_state_then_it_answers_the_published_message() -> None:
    side = VehicleSide(VIN, booted_at=1000.0)
    computer = side.computers[INFOTAINMENT]
    computer.private_key, computer.public_key = load(VEHICLE_NUMBER), bytes.fromhex(VEHICLE_POINT)
    computer.epoch = bytes.fromhex(EPOCH)
    computer.counter_of(bytes.fromhex(CLIENT_POINT)).take(6)
    request = RoutableMessage(uuid=bytes.fromhex(CHALLENGE))
    request.to_destination.domain = INFOTAINMENT
    request.from_destination.routing_address = bytes.fromhex("2c907bd76c640d360b3027dc7404efde")
    request.session_info_request.public_key = bytes.fromhex(CLIENT_POINT)

    reply = side.shake_hands(request, 1000.0 + 2650, keys=frozenset({bytes.fromhex(CLIENT_POINT)}))

    assert SessionInfo.FromString(reply.session_info) == SessionInfo.FromString(bytes.fromhex(SESSION_INFO))
    assert reply.session_info.hex() == SESSION_INFO
    assert reply.signature_data.session_info_tag.tag.hex() == SESSION_TAG
    assert reply.to_destination == request.from_destination
    assert reply.from_destination == request.to_destination
    assert reply.request_uuid == request.uuid


@pytest.mark.parametrize(
    ("takes_late", "counters", "taken"),
    [
        (False, [5, 5, 4, 6, 6, 100, 99], [True, False, False, True, False, True, False]),
        (True, [5, 5, 4, 6, 4, 3], [True, False, True, True, False, True]),
        (True, [40, 8, 7, 8, 39, 41, 40], [True, True, False, False, True, True, False]),
        (True, [1, 4_000_000_000, 3_999_999_999, 1], [True, True, True, False]),
        (True, [0, 1, 0], [False, True, False]),
    ],
)
def test_counter_when_numbers_come_again_or_late_then_each_is_taken_once_at_most(
    takes_late: bool, counters: list[int], taken: list[bool]
) -> None:
    counter = Counter(takes_late=takes_late)

    assert [counter.take(number) for number in counters] == taken


def test_private_key_when_a_car_boots_again_then_it_is_the_same_and_no_other_cars() -> None:
    first, again, other = (VehicleSide(vin, booted_at=0.0) for vin in (VIN, VIN, "5YJ30123456789ABD"))
    points = [[computer.public_key for computer in side.computers.values()] for side in (first, again, other)]

    assert points[0] == points[1]
    assert len({*points[0], *points[2]}) == 4
