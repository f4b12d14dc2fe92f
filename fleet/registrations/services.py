"""The verbs of registrations: register, change, switch on and off, remove, and ask for a test.

A secret comes in once, is sealed for its row and never leaves again: not to a page, the log, the broker or an event.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from fleet.adapters.capabilities import Limit, Manifest
from fleet.adapters.providers.tesla.signing.keys import public_key_pem
from fleet.adapters.registry import get_adapter
from fleet.budgets.models import Budget
from fleet.budgets.services import save_budget
from fleet.events.services import acting_as, record
from fleet.registrations.access import Keeper
from fleet.registrations.keys import PUBLIC_KEY, SIGNING_KEY, take_signing_key
from fleet.registrations.tasks import try_out
from fleet.vehicles.models import ApplicationToken, ProviderAccount, ProviderApp
from fleet.vehicles.providers import place_of_secrets, simulator_urls
from fleet.vehicles.sealing import CannotUnseal, seal, unseal

WEBHOOK_SECRET = "webhook_secret"  # noqa: S105 - the name of it
# What is made here and never typed: our key for cars, and what a provider signs its messages to us with.
MADE_HERE = frozenset({SIGNING_KEY, WEBHOOK_SECRET})
CLIENT_SECRET = "client_secret"  # noqa: S105 - the name of it
# So long a test is waited for; then no worker has taken it, and it may be asked for again.
TEST_PATIENCE = timedelta(seconds=90)
# One in so many of a limit is kept for presses by a person.
RESERVE_ONE_IN = 10


class Refused(Exception):
    """A registration was not made, changed or removed. code: see fleet.registrations.words.REFUSALS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Wanted:
    """What somebody says of a registration. client_secret, secrets: only what is new; the rest stays as it is.

    urls: addresses that are to change; None is that of the adapter's card.
    """

    name: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    urls: Mapping[str, str | None] = field(default_factory=dict)


def register_app(*, keeper: Keeper, provider: str, wanted: Wanted) -> ProviderApp:
    """Keep a new registration at a provider, with keys of our own where it needs some, and the budgets of its card.

    Raises Refused (taken: this client id is set up already; unreadable: our own key does not open).
    """
    manifest = get_adapter(provider).manifest
    with acting_as(keeper.actor):
        made, options = _make_keys(manifest)
        app = ProviderApp(team_id=keeper.team_id, provider=provider, name=wanted.name, client_id=wanted.client_id)
        app.urls = _merged(_own_urls(provider), wanted.urls)
        app.options = {**wanted.options, **options}
        app.client_secret_sealed = _seal_client_secret(app, wanted.client_secret)
        _keep_secrets(app, {**wanted.secrets, **made})
        _save_new(app)
        for limit in manifest.limits:
            _make_budget(app, limit, actor=keeper.actor)
        _tell("provider.registered", app, keeper.actor, secrets=[CLIENT_SECRET, *sorted(wanted.secrets)])
    return app


def change_app(*, keeper: Keeper, app: ProviderApp, wanted: Wanted) -> None:
    """Change what differs, and record which of it did, never what it was. What a test found is over then.

    Raises Refused (taken; in_use: owners' logins hang on the client id; unreadable).
    """
    with acting_as(keeper.actor):
        app = ProviderApp.objects.select_for_update().get(pk=app.pk)
        changed = [name for name in ("name", "client_id") if getattr(app, name) != getattr(wanted, name)]
        changed += sorted(name for name in wanted.options if app.options.get(name, "") != wanted.options[name])
        replaced = [*([CLIENT_SECRET] if wanted.client_secret else []), *sorted(wanted.secrets)]
        if not changed and not replaced:
            return
        if "client_id" in changed and ProviderAccount.objects.filter(app=app).exists():
            raise Refused("in_use")
        app.name, app.client_id, app.options = wanted.name, wanted.client_id, {**app.options, **wanted.options}
        app.urls = _merged(app.urls, wanted.urls)
        if wanted.client_secret:
            app.client_secret_sealed = _seal_client_secret(app, wanted.client_secret)
        if wanted.secrets:
            _keep_secrets(app, wanted.secrets)
        app.test_asked_at, app.tested_at, app.test_result = None, None, []
        _save_changed(app)
        # A token of the old secret would hide for an hour that the new one is wrong.
        ApplicationToken.objects.filter(app=app).delete()
        _tell("provider.changed", app, keeper.actor, changed=changed, secrets=replaced)


def switch_app(*, keeper: Keeper, app: ProviderApp, is_on: bool) -> None:
    """Switch a registration on or off. While it is off nothing is asked of the provider, and nothing is sent."""
    with acting_as(keeper.actor):
        if ProviderApp.objects.filter(pk=app.pk, is_enabled=not is_on).update(is_enabled=is_on):
            _tell("provider.switched_on" if is_on else "provider.switched_off", app, keeper.actor)


def remove_app(*, keeper: Keeper, app: ProviderApp) -> None:
    """Forget a registration and its secrets. Raises Refused (in_use): logins or commands hang on it."""
    with acting_as(keeper.actor):
        _tell("provider.removed", app, keeper.actor)
        try:
            app.delete()
        except ProtectedError as error:
            raise Refused("in_use") from error


def ask_for_test(*, keeper: Keeper, app: ProviderApp, sends_key: bool = False) -> bool:
    """Let a worker try a registration out. True when it was asked for, False while it is being tried already."""
    now = timezone.now()
    with transaction.atomic():
        app = ProviderApp.objects.select_for_update().get(pk=app.pk)
        if is_being_tested(app):
            return False
        app.test_asked_at = now
        app.save(update_fields=["test_asked_at"])
        ask = partial(try_out.delay, str(app.id), asked_by=keeper.actor, sends_key=sends_key)
        # Without a broker the page says that no worker came; it must not fail.
        transaction.on_commit(ask, robust=True)
    return True


def is_being_tested(app: ProviderApp) -> bool:
    """Say whether a test was asked for and a worker may still bring what it finds."""
    if app.test_asked_at is None or (app.tested_at is not None and app.tested_at >= app.test_asked_at):
        return False
    return timezone.now() - app.test_asked_at < TEST_PATIENCE


def _make_keys(manifest: Manifest) -> tuple[dict[str, str], dict[str, str]]:
    """Return the secrets that are made here, and what is public of them."""
    made: dict[str, str] = {}
    options: dict[str, str] = {}
    if SIGNING_KEY in manifest.secrets:
        try:
            made[SIGNING_KEY] = take_signing_key(manifest.key)
        except CannotUnseal as error:
            raise Refused("unreadable") from error
        options[PUBLIC_KEY] = public_key_pem(made[SIGNING_KEY])
    if WEBHOOK_SECRET in manifest.secrets:
        made[WEBHOOK_SECRET] = secrets.token_urlsafe(32)
    return made, options


def _own_urls(provider: str) -> dict[str, str]:
    # The simulator is wherever this installation says; makers are where their cards say.
    return simulator_urls(settings.SIMULATOR_URL) if provider == "simulator" else {}


def _merged(urls: Mapping[str, str], new: Mapping[str, str | None]) -> dict[str, str]:
    return {name: url for name, url in {**urls, **new}.items() if url is not None}


def _seal_client_secret(app: ProviderApp, secret: str) -> bytes:
    return seal(secret, bound_to=f"provider_app:{app.id}:client_secret")


def _keep_secrets(app: ProviderApp, new: Mapping[str, str]) -> None:
    try:
        kept = json.loads(unseal(app.secrets_sealed, bound_to=place_of_secrets(app))) if app.secrets_sealed else {}
    except CannotUnseal as error:
        raise Refused("unreadable") from error
    app.secrets_sealed = seal(json.dumps({**kept, **new}), bound_to=place_of_secrets(app))


def _save_new(app: ProviderApp) -> None:
    try:
        with transaction.atomic():
            app.save(force_insert=True)
    except IntegrityError as error:
        raise Refused("taken") from error


def _save_changed(app: ProviderApp) -> None:
    fields = ["name", "client_id", "client_secret_sealed", "secrets_sealed", "options", "urls"]
    try:
        with transaction.atomic():
            app.save(update_fields=[*fields, "test_asked_at", "tested_at", "test_result"])
    except IntegrityError as error:
        raise Refused("taken") from error


def _make_budget(app: ProviderApp, limit: Limit, *, actor: str) -> None:
    """Count what the provider counts, unless somebody has said how already."""
    if Budget.objects.filter(app=app, resource=limit.resource, per=limit.per, window_s=limit.window_s).exists():
        return
    save_budget(
        app_id=app.id,
        resource=limit.resource,
        per=limit.per,
        limit=limit.limit,
        window_s=limit.window_s,
        reserve=limit.limit // RESERVE_ONE_IN,
        unit_price=None if limit.unit_price is None else Decimal(str(limit.unit_price)),
        currency=limit.currency,
        actor=actor,
    )


def _tell(kind: str, app: ProviderApp, actor: str, **data: object) -> None:
    facts = {"provider": app.provider, "name": app.name, **data}
    record(kind, actor=actor, team_id=app.team_id, subject=subject_of(app.id), data=facts)


def subject_of(registration_id: UUID) -> str:
    """Return what events call a registration."""
    return f"provider_app:{registration_id}"
