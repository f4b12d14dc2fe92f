"""What counts as a VIN: 17 characters of its own alphabet, however it was written. Everything else is none."""

import pytest

from fleet.vehicles.vin import clean_vin

VIN = "WVWZZZE1ZMP012345"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (VIN, VIN),
        (VIN.lower(), VIN),
        (f" {VIN}\n", VIN),
        ("".join(chr(ord(letter) + 0xFEE0) for letter in VIN), VIN),
        (VIN[:-1], ""),
        (VIN + "6", ""),
        (VIN[:-1] + "I", ""),
        (VIN[:-1] + "O", ""),
        (VIN[:-1] + "Q", ""),
        (VIN[:8] + " " + VIN[9:], ""),
        (VIN[:-1] + "\N{ARABIC-INDIC DIGIT FIVE}", ""),
        ("", ""),
        (None, ""),
        (12345678901234567, ""),
        ([VIN], ""),
    ],
    ids=[
        "right", "lower case", "spaces around", "full width", "16", "18", "I", "O", "Q", "space inside",
        "arabic digit", "empty", "none", "number", "list",
    ],
)  # fmt: skip
def test_clean_vin_when_given_anything_returns_a_vin_or_nothing(raw: object, expected: str) -> None:
    assert clean_vin(raw) == expected
