"""Sealed values open in their own row with a key of the ring, and nowhere else."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from fleet.vehicles.sealing import CannotUnseal, hash_token, keyed_hash, make_token, seal, unseal

NEW = "k2:" + base64.b64encode(b"n" * 32).decode()
OLD = "k1:" + base64.b64encode(b"o" * 32).decode()
PLACE = "provider_account:7:refresh"


def test_unseal_when_it_is_the_same_row_opens() -> None:
    sealed = seal("a refresh token – ü", bound_to=PLACE)

    assert unseal(sealed, bound_to=PLACE) == "a refresh token – ü"
    assert unseal(memoryview(sealed), bound_to=PLACE) == "a refresh token – ü"
    assert b"refresh" not in sealed


def test_seal_when_called_twice_gives_different_bytes() -> None:
    assert seal("same", bound_to=PLACE) != seal("same", bound_to=PLACE)


@pytest.mark.parametrize("place", ["provider_account:8:refresh", "provider_account:7:access", ""])
def test_unseal_when_moved_to_another_place_refuses(place: str) -> None:
    sealed = seal("a refresh token", bound_to=PLACE)

    with pytest.raises(CannotUnseal):
        unseal(sealed, bound_to=place)


def test_unseal_when_any_byte_is_changed_refuses() -> None:
    sealed = seal("a refresh token", bound_to=PLACE)

    for position in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[position] ^= 1
        with pytest.raises(CannotUnseal):
            unseal(bytes(damaged), bound_to=PLACE)


@pytest.mark.parametrize(
    "sealed",
    [
        b"",
        b"no colon",
        b"k9:" + b"x" * 40,
        b"k1:",
    ],
)
def test_unseal_when_it_is_no_sealed_value_refuses(sealed: bytes) -> None:
    with pytest.raises(CannotUnseal):
        unseal(sealed, bound_to=PLACE)


def test_unseal_when_a_newer_key_was_put_in_front_still_opens_what_is_old() -> None:
    with override_settings(KEY_RING=OLD):
        sealed = seal("a refresh token", bound_to=PLACE)

    with override_settings(KEY_RING=f"{NEW},{OLD}"):
        assert unseal(sealed, bound_to=PLACE) == "a refresh token"
        assert seal("a refresh token", bound_to=PLACE).startswith(b"k2:")
    with override_settings(KEY_RING=NEW), pytest.raises(CannotUnseal):
        unseal(sealed, bound_to=PLACE)


@pytest.mark.parametrize("ring", ["", "k1", "k1:short", ":" + OLD[3:], "k1:not base64!"])
def test_seal_when_the_key_ring_is_wrong_says_how_to_write_it(ring: str) -> None:
    with override_settings(KEY_RING=ring), pytest.raises(ImproperlyConfigured, match="FLEETWELL_KEY_RING"):
        seal("x", bound_to=PLACE)


def test_make_token_has_160_random_bits_and_hash_token_is_sha256() -> None:
    tokens = {make_token() for _ in range(100)}

    assert len(tokens) == 100
    assert {len(base64.urlsafe_b64decode(token + "=")) for token in tokens} == {20}
    assert hash_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_keyed_hash_depends_on_purpose_and_on_the_installations_secret() -> None:
    lane = keyed_hash("VIN", purpose="lane")

    assert lane == keyed_hash("VIN", purpose="lane")
    assert lane != keyed_hash("VIN", purpose="link_miss")
    with override_settings(SECRET_KEY="another installation"):
        assert lane != keyed_hash("VIN", purpose="lane")
