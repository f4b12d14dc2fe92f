"""Enode's web-hooks: registering them, and sending arrays of signed events to them, by itself or as told."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from simulator.dialects.brokers import name_anything, name_car
from simulator.dialects.enode.description import describe_vehicle
from simulator.dialects.enode.links import DIALECT, list_cars
from simulator.dialects.outbox import post, write_compactly
from simulator.world import World

VERSION = "2024-10-01"
LARGEST_DELIVERY = 100
EVENTS = (
    "user:vehicle:discovered",
    "user:vehicle:updated",
    "user:vehicle:deleted",
    "user:vendor-action:updated",
    "user:charge-action:updated",
    "user:credentials:invalidated",
    "system:heartbeat",
    "enode:webhook:test",
)
# The maker tries for 26 hours; the lab for a few seconds, then the web-hook is inactive likewise.
RETRIES_AFTER_S = (0.5, 1.0, 2.0)
Webhook = dict[str, Any]


def sign(raw: bytes, secret: str) -> str:
    return "sha1=" + hmac.new(secret.encode(), raw, hashlib.sha1).hexdigest()


def make_event(world: World, kind: str, user_id: str | None, **fields: Any) -> dict[str, Any]:
    event: dict[str, Any] = {"event": kind, "createdAt": write_time(world.now()), "version": VERSION}
    if user_id is not None:
        event["user"] = {"id": user_id}
    return {**event, **fields}


def tell(world: World, client_id: str, events: Sequence[dict[str, Any]]) -> None:
    """Send events to every active web-hook of the client that wants them, beside the requests."""
    for webhook in list_webhooks(world, client_id):
        wanted = [event for event in events if "*" in webhook["events"] or event["event"] in webhook["events"]]
        if webhook["is_active"] and wanted:
            world.start(_deliver_with_retries(world, webhook, wanted))


def tell_of_link(world: World, link: dict[str, Any]) -> None:
    events = [
        make_event(world, "user:vehicle:discovered", link["user_id"], vehicle=describe_vehicle(world, link, car))
        for _, car in list_cars(world, [link])
    ]
    tell(world, link["client_id"], events)


def tell_of_unlink(world: World, links: list[dict[str, Any]]) -> None:
    for link in links:
        events = [
            make_event(world, "user:vehicle:deleted", link["user_id"], vehicle={"id": name_car(DIALECT, car.id)})
            for car in world.cars_of(link["account_id"])
            if car.has_traction_battery
        ]
        tell(world, link["client_id"], events)


def list_webhooks(world: World, client_id: str) -> list[Webhook]:
    return [webhook for webhook in shelf(world).values() if webhook["client_id"] == client_id]


def shelf(world: World) -> dict[str, Webhook]:
    kept: dict[str, Webhook] = world.shelf(DIALECT).setdefault("webhooks", {})
    return kept


async def deliver(webhook: Webhook, raw: bytes, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Post one delivery and return what came back."""
    authentication = webhook["authentication"] or {}
    return await post(
        webhook["url"],
        raw,
        {
            "x-enode-delivery": name_anything("delivery", secrets.token_hex(8)),
            "x-enode-signature": sign(raw, webhook["secret"]),
            **({authentication["headerName"]: authentication["headerValue"]} if authentication else {}),
            **(headers or {}),
        },
    )


async def _deliver_with_retries(world: World, webhook: Webhook, events: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(events), LARGEST_DELIVERY):
        raw = write_compactly(events[start : start + LARGEST_DELIVERY])
        for wait_s in (0.0, *RETRIES_AFTER_S):
            await asyncio.sleep(wait_s)
            answer = await deliver(webhook, raw)
            if answer["status"] == 200:
                webhook["last_success"] = world.now()
                break
        else:
            webhook["is_active"] = False
            return


def write_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
