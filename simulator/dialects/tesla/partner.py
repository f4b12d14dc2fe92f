"""Tesla's requests for the client itself: registering its domain in a region, and showing which key that has."""

import ipaddress
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from simulator.dialects.tesla.entry import read_body
from simulator.dialects.tesla.lab import find_domain_key, register_domain, settings_of
from simulator.dialects.tesla.proofs import encode_public
from simulator.dialects.tesla.tokens import Partner, authorize_either
from simulator.dialects.tesla.wording import word_error
from simulator.errors import ApiError, InvalidParameter
from simulator.faults import json_response, serve
from simulator.world import World

KEY_PATH = "/.well-known/appspecific/com.tesla.3p.public-key.pem"
LONGEST_KEY_BYTES = 4096
DOWNLOAD_S = 5.0


async def register(request: web.Request) -> web.StreamResponse:
    """Register the client's domain in this region, if its public key can be had.

    Nothing outside this machine is asked: a domain's key comes from the control API, or from the domain itself when
    that is an address on loopback (`127.0.0.1:8000`).
    """
    world, partner = _enter(request)
    domain = (await read_body(request)).get("domain")
    if not isinstance(domain, str) or not domain:
        raise InvalidParameter("domain")
    domain, region = domain.strip().lower(), request.match_info["region"]
    key = await _find_key(world, domain)
    at = datetime.fromtimestamp(world.now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def act() -> web.Response:
        register_domain(world, client_id=partner.client_id, region=region, domain=domain, public_key=key)
        return json_response(
            {
                "response": {
                    "client_id": partner.client_id,
                    "name": world.authorizations.clients[partner.client_id].name,
                    "domain": domain,
                    "public_key": key.hex(),
                    "created_at": at,
                    "updated_at": at,
                }
            }
        )

    return await serve(request, world, world.behaviours.for_all(), act, word_error=word_error)


async def show_public_key(request: web.Request) -> web.StreamResponse:
    world, _ = _enter(request)
    key = find_domain_key(world, request.query.get("domain", "").lower(), region=request.match_info["region"])
    if key is None:
        raise ApiError(404, "not_found")
    return await serve(
        request,
        world,
        world.behaviours.for_all(),
        lambda: json_response({"response": {"public_key": key.hex()}}),
        word_error=word_error,
    )


def read_key(pem: str) -> bytes:
    """Return the uncompressed point of a public key on P-256. Raises ValueError for anything else."""
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError("not a key that is known") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a key on P-256")
    return encode_public(key)


def _enter(request: web.Request) -> tuple[World, Partner]:
    world, speaker = authorize_either(request)
    if not isinstance(speaker, Partner):
        raise ApiError(403, "insufficient_scope")
    return world, speaker


async def _find_key(world: World, domain: str) -> bytes:
    known: dict[str, Any] = settings_of(world).get("domain_keys", {})
    pem = known.get(domain)
    if pem is None and _is_loopback(domain):
        pem = await _download(f"http://{domain}{KEY_PATH}")
    try:
        return read_key(pem or "")
    except ValueError as error:
        raise ApiError(424, "key_download_failed") from error


def _is_loopback(domain: str) -> bool:
    host, _, port = domain.rpartition(":")
    try:
        return port.isdigit() and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


async def _download(address: str) -> str:
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=DOWNLOAD_S)) as session,
            session.get(address, allow_redirects=False) as answer,
        ):
            raw = await answer.content.read(LONGEST_KEY_BYTES)
            return raw.decode() if answer.status == 200 else ""
    except (TimeoutError, ClientError, UnicodeDecodeError):
        return ""
