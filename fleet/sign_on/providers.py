"""Identity providers as the environment names them, read strictly and once. Plain Python, for the settings."""

import ipaddress
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

NAME_MAX_LENGTH = 40
ID = re.compile(r"(?!confirm\Z)[a-z0-9][a-z0-9-]{0,39}")  # "confirm" is an address of its own
DOMAIN = re.compile(r"(?=.{4,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
NEEDED = frozenset({"id", "name", "server_url", "client_id", "client_secret", "domains"})
OPTIONAL = frozenset({"required", "second_factor", "second_factor_acr"})


class BadProviders(ValueError):
    """What the environment says of providers can't be used; the sentence never quotes a secret."""


@dataclass(frozen=True)
class Provider:
    """One identity provider (OpenID Connect). It is believed about addresses of its own domains, and no others.

    is_required: people of these domains come in by it alone. gives_second_factor: what it says of one is believed.
    second_factor_acr: levels ("acr") that count as one, besides "mfa" among its methods ("amr").
    """

    id: str
    name: str
    server_url: str
    client_id: str
    client_secret: str
    domains: frozenset[str]
    is_required: bool = False
    gives_second_factor: bool = False
    second_factor_acr: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Provider({self.id})"  # never its secret


def domain_of(address: str) -> str:
    """Return the domain of an e-mail address, in lower case; "" when it has none."""
    return address.strip().lower().rpartition("@")[2] if "@" in address else ""


def read_providers(raw: str) -> tuple[Provider, ...]:
    """Return the providers of a JSON list; none when it is empty. Raises BadProviders."""
    if not raw.strip():
        return ()
    try:
        entries = json.loads(raw)
    except ValueError:
        raise BadProviders("it is no JSON") from None  # the text itself holds secrets
    if not isinstance(entries, list):
        raise BadProviders("it is no list")
    providers = tuple(_read(number, entry) for number, entry in enumerate(entries, start=1))
    _check_once([provider.id for provider in providers], "id")
    _check_once([domain for provider in providers for domain in provider.domains], "domain")
    return providers


def _read(number: int, entry: Any) -> Provider:
    if not isinstance(entry, dict):
        raise BadProviders(f"entry {number} is no object")
    if unfit := sorted(NEEDED - entry.keys()) or sorted(entry.keys() - NEEDED - OPTIONAL):
        raise BadProviders(f"entry {number}: missing or not known: {', '.join(map(str, unfit))}")
    for name in sorted(NEEDED - {"domains"}):
        if not isinstance(entry[name], str) or not entry[name].strip():
            raise BadProviders(f"entry {number}: {name} is no text")
    for name in ("required", "second_factor"):
        if not isinstance(entry.get(name, False), bool):
            raise BadProviders(f"entry {number}: {name} is neither true nor false")
    if not ID.fullmatch(entry["id"]):
        raise BadProviders(f"entry {number}: an id is lower-case letters, digits and dashes")
    if len(entry["name"]) > NAME_MAX_LENGTH or not entry["name"].isprintable():
        raise BadProviders(f"entry {number}: the name is too long or can't be shown")
    if not is_safe_url(entry["server_url"]):
        raise BadProviders(f"entry {number}: server_url is no https address")
    return Provider(
        id=entry["id"],
        name=entry["name"].strip(),
        server_url=entry["server_url"].rstrip("/"),
        client_id=entry["client_id"],
        client_secret=entry["client_secret"],
        domains=_read_domains(number, entry["domains"]),
        is_required=entry.get("required", False),
        gives_second_factor=entry.get("second_factor", False),
        second_factor_acr=_read_texts(number, entry.get("second_factor_acr", [])),
    )


def _read_domains(number: int, entry: Any) -> frozenset[str]:
    domains = frozenset(domain.lower() for domain in _read_texts(number, entry))
    if not domains or not all(DOMAIN.fullmatch(domain) for domain in domains):
        raise BadProviders(f"entry {number}: domains is a list of names like example.com, in ASCII")
    return domains


def _read_texts(number: int, entry: Any) -> frozenset[str]:
    if not isinstance(entry, list) or not all(isinstance(text, str) for text in entry):
        raise BadProviders(f"entry {number}: a list of texts is expected")
    return frozenset(entry)


def _check_once(values: list[str], what: str) -> None:
    if len(set(values)) < len(values):
        raise BadProviders(f"a {what} is named twice")


def is_safe_url(url: Any) -> bool:
    """Say whether secrets may travel to an address: https, or this very machine."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable():
        return False
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for one that is no number
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname))


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
