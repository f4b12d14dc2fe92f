"""What a VIN tells before any maker is asked: whether it is one, the make, the model year. Keeps and sends nothing."""

import csv
from functools import cache
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from fleet.vehicles.vin import clean_vin

WMI_FILE = Path(__file__).parent / "data" / "wmi.csv"
# ISO 3779 leaves these letters out, so that nobody reads them as 1 and 0.
NOT_IN_VINS = "IOQ"
# Worlds of VINs where the ninth character has to be right: North America. Elsewhere it may be anything.
CHECKED = "12345"
# Why a text is not a VIN, see find_fault.
FAULTS = {
    "vin_length": _("Not a VIN: it has 17 letters and digits."),
    "vin_letters": _("Not a VIN: it has no I, O or Q. Perhaps 1 or 0?"),
    "vin_check": _("The ninth character does not fit: something is mistyped."),
}
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), 1, 2, 3, 4, 5, 7, 9, *range(2, 10)), strict=True))
_YEARS = "ABCDEFGHJKLMNPRSTVWXY123456789"


@cache
def _makes() -> dict[str, str]:
    with WMI_FILE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {row["vin_prefix"]: row["make"] for row in rows}


def make_of(vin: str) -> str:
    """Return the make by a VIN's first three characters, "" when it is not known."""
    return _makes().get(vin[:3].upper(), "")


def model_year_of(vin: str) -> int | None:
    """Return the model year where the tenth character means one for certain: cars of North America; else None."""
    if len(vin) != 17 or vin[0] not in CHECKED or not is_check_digit_right(vin) or vin[9] not in _YEARS:
        return None
    # The seventh character tells the two rounds of thirty years apart.
    return (1980 if vin[6].isdigit() else 2010) + _YEARS.index(vin[9])


def is_check_digit_right(vin: str) -> bool:
    """Say whether the ninth character is the sum of the others, as North America asks for."""
    rest = sum(weight * _value(letter) for weight, letter in zip(_WEIGHTS, vin, strict=True)) % 11
    return vin[8] == ("X" if rest == 10 else str(rest))


def _value(letter: str) -> int:
    return int(letter) if letter.isdigit() else _VALUES[letter]


def find_fault(raw: str) -> str:
    """Return why a text is not a VIN: vin_length, vin_letters, vin_check; "" when it is one."""
    vin = clean_vin(raw)
    if not vin:
        text = raw.strip().upper()
        is_long_enough = len(text) == 17 and text.isascii() and text.isalnum()
        return "vin_letters" if is_long_enough and any(letter in NOT_IN_VINS for letter in text) else "vin_length"
    return "vin_check" if vin[0] in CHECKED and not is_check_digit_right(vin) else ""
