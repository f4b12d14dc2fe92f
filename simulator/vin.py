"""Vehicle identification numbers: the check digit and a generator. World manufacturer codes come from data/wmi.csv."""

# A to Z without I, O and Q; the values are those of ISO 3779's weighting.
_VALUES = {digit: int(digit) for digit in "0123456789"} | {
    letter: int(value) for letter, value in zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True)
}
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_YEAR_CODES = "ABCDEFGHJKLMNPRSTVWXY123456789"
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


def compute_check_digit(vin: str) -> str:
    """Return the ninth character that ISO 3779 (as used in North America) asks for; the one present is ignored."""
    total = sum(_VALUES[character] * weight for character, weight in zip(vin, _WEIGHTS, strict=True))
    return "0123456789X"[total % 11]


def is_valid_vin(vin: str) -> bool:
    return len(vin) == 17 and all(character in _VALUES for character in vin) and compute_check_digit(vin) == vin[8]


def make_vin(*, wmi: str, model: str, year: int, serial: int) -> str:
    """Return a VIN that is stable for its arguments; two serials never give the same one."""
    # "Model Y" is told from "Model 3" by its last word alone, and the first place is where Tesla has it.
    letters = [character for character in model.removeprefix("Model ").upper() if character in _VALUES]
    descriptor = ("".join(letters) + "ZZZZZ")[:5]
    year_code = _YEAR_CODES[(year - 2010) % len(_YEAR_CODES)]
    plant = _LETTERS[serial // 1_000_000 % len(_LETTERS)]
    vin = f"{wmi}{descriptor}0{year_code}{plant}{serial % 1_000_000:06d}"
    return vin[:8] + compute_check_digit(vin) + vin[9:]
