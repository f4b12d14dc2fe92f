"""The makes that Enode links, by our names and its words for vendors. It names no countries."""

from __future__ import annotations

import unicodedata

from fleet.adapters.base import Brand

# Our name -> the word of Enode's list of vehicle vendors (its client 0.2.6, September 2025).
_VENDORS = {
    "Acura": "ACURA",
    "Alfa Romeo": "ALFAROMEO",
    "Alpine": "ALPINE",
    "Audi": "AUDI",
    "BMW": "BMW",
    "BYD": "BYD",
    "Cadillac": "CADILLAC",
    "Chevrolet": "CHEVROLET",
    "Chrysler": "CHRYSLER",
    "Citroën": "CITROEN",
    "Cupra": "CUPRA",
    "Dacia": "DACIA",
    "Dodge": "DODGE",
    "DS": "DS",
    "Fiat": "FIAT",
    "Ford": "FORD",
    "GMC": "GMC",
    "Honda": "HONDA",
    "Hyundai": "HYUNDAI",
    "Jaguar": "JAGUAR",
    "Jeep": "JEEP",
    "Kia": "KIA",
    "Lancia": "LANCIA",
    "Land Rover": "LANDROVER",
    "Lexus": "LEXUS",
    "Lucid": "LUCID",
    "Mazda": "MAZDA",
    "Mercedes-Benz": "MERCEDES",
    "MG": "MG",
    "MINI": "MINI",
    "NIO": "NIO",
    "Nissan": "NISSAN",
    "Opel": "OPEL",
    "Peugeot": "PEUGEOT",
    "Polestar": "POLESTAR",
    "Porsche": "PORSCHE",
    "Ram": "RAM",
    "Renault": "RENAULT",
    "Rivian": "RIVIAN",
    "SEAT": "SEAT",
    "Škoda": "SKODA",
    "Subaru": "SUBARU",
    "Tesla": "TESLA",
    "Toyota": "TOYOTA",
    "Vauxhall": "VAUXHALL",
    "Volkswagen": "VOLKSWAGEN",
    "Volvo": "VOLVO",
    "XPeng": "XPENG",
}


def _plain(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", name).casefold() if letter.isalnum())


BRANDS = [Brand(_plain(name), name) for name in _VENDORS]
_WORDS = {_plain(name): word for name, word in _VENDORS.items()}
_NAMES = {word: name for name, word in _VENDORS.items()}


def vendor_of_brand(key: str) -> str:
    """Return Enode's word for one of our brands, or "" for one that is not in the list."""
    return _WORDS.get(key, "")


def name_of_vendor(word: object) -> str:
    """Return our spelling of a vendor, or "" for one that is not known."""
    return _NAMES.get(word, "") if isinstance(word, str) else ""
