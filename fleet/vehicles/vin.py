"""Vehicle identification numbers as makers send them: cleaned, or dropped."""

import re
import unicodedata

_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")


def clean_vin(raw: object) -> str:
    """Return the VIN in upper case, or "" when it is not one: then the car is known by the provider's id alone."""
    if not isinstance(raw, str):
        return ""
    vin = unicodedata.normalize("NFKC", raw).strip().upper()
    return vin if _VIN.fullmatch(vin) else ""
