"""The makes that Smartcar signs owners in for, by our names and its own, and the countries where it does."""

from __future__ import annotations

import unicodedata

from fleet.adapters.base import Brand

# As Smartcar's documents list them, last compared in September 2026.
EUROPE = ("AT", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "LU", "NL", "NO", "PL", "PT", "SE")
AMERICA = ("CA", "US")

# Our name -> Smartcar's word and where. The words are those of its public matrix where one was seen; those with an
# underscore are our guess at the same pattern. A wrong one only costs the owner one more screen: the choice of make.
_MAKES: dict[str, tuple[str, tuple[str, ...]]] = {
    "Acura": ("ACURA", AMERICA),
    "Audi": ("AUDI", AMERICA + EUROPE),
    "BMW": ("BMW", AMERICA + EUROPE),
    "Buick": ("BUICK", AMERICA),
    "Cadillac": ("CADILLAC", AMERICA),
    "Chevrolet": ("CHEVROLET", AMERICA),
    "Chrysler": ("CHRYSLER", AMERICA),
    "Citroën": ("CITROEN", EUROPE),
    "Cupra": ("CUPRA", EUROPE),
    "Dodge": ("DODGE", AMERICA),
    "DS": ("DS", EUROPE),
    "Ford": ("FORD", AMERICA + EUROPE),
    "GMC": ("GMC", AMERICA),
    "Hyundai": ("HYUNDAI", AMERICA + EUROPE),
    "Jaguar": ("JAGUAR", AMERICA + EUROPE),
    "Jeep": ("JEEP", AMERICA),
    "Kia": ("KIA", EUROPE),
    "Land Rover": ("LAND_ROVER", AMERICA + EUROPE),
    "Lexus": ("LEXUS", AMERICA),
    "Lincoln": ("LINCOLN", AMERICA),
    "Mercedes-Benz": ("MERCEDES_BENZ", ("US", *EUROPE)),
    "MINI": ("MINI", AMERICA + EUROPE),
    "Nissan": ("NISSAN", ("US", *EUROPE)),
    "Opel": ("OPEL", EUROPE),
    "Peugeot": ("PEUGEOT", EUROPE),
    "Polestar": ("POLESTAR", ("US", *EUROPE)),
    "Ram": ("RAM", AMERICA),
    "Renault": ("RENAULT", EUROPE),
    "Rivian": ("RIVIAN", ("US",)),
    "SEAT": ("SEAT", EUROPE),
    "Škoda": ("SKODA", EUROPE),
    "Tesla": ("TESLA", AMERICA + EUROPE),
    "Toyota": ("TOYOTA", AMERICA),
    "Vauxhall": ("VAUXHALL", EUROPE),
    "Volkswagen": ("VOLKSWAGEN", ("US", *EUROPE)),
    "Volvo": ("VOLVO", AMERICA + EUROPE),
}


def plain(name: str) -> str:
    """Return a name without case, accents, spaces and hyphens, as names are compared."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", name).casefold() if letter.isalnum())


BRANDS = [Brand(plain(name), name, countries) for name, (_, countries) in _MAKES.items()]
_WORDS = {plain(name): word for name, (word, _) in _MAKES.items()}
_NAMES = {plain(word): name for name, (word, _) in _MAKES.items()}


def word_of_brand(key: str) -> str:
    """Return Smartcar's word for one of our brands, or "" for one that is not in the list."""
    return _WORDS.get(key, "")


def name_of_make(raw: object) -> str:
    """Return our spelling of a make that Smartcar named; what is not known stays as it came."""
    return _NAMES.get(plain(raw), raw.strip()[:100]) if isinstance(raw, str) else ""
