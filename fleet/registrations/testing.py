"""Trying a registration out: what a worker asks of the provider, and keeping what it found. Blocking; for workers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from fleet.adapters.http import Http
from fleet.adapters.oauth import AppCredential
from fleet.adapters.setup import SetupCheck
from fleet.events.services import acting_as, record
from fleet.registrations.services import subject_of
from fleet.vehicles.models import ProviderApp
from fleet.vehicles.providers import credential_of, make_adapter
from fleet.vehicles.sealing import CannotUnseal

logger = logging.getLogger(__name__)

# Less than people wait for it: fleet.registrations.services.TEST_PATIENCE.
LONGEST_S = 60.0
DETAIL_LENGTH = 200
HIDDEN = "…"
STORED_SECRETS = "stored_secrets"
TIME = "time"


def run_test(registration_id: UUID, *, actor: str, sends_key: bool = False) -> None:
    """Try a registration out unless that was done since it was asked for, and keep what was found, step by step."""
    app = ProviderApp.objects.filter(pk=registration_id, test_asked_at__isnull=False).first()
    if app is None or app.test_asked_at is None or (app.tested_at is not None and app.tested_at >= app.test_asked_at):
        return
    keep(app, app.test_asked_at, find_out(app, sends_key=sends_key), actor=actor, sends_key=sends_key)


def find_out(app: ProviderApp, *, sends_key: bool) -> list[SetupCheck]:
    """Return what works of a registration and what does not. Asks the provider."""
    try:
        credential = credential_of(app)
        found = asyncio.run(_ask(app, sends_key=sends_key))
    except CannotUnseal:
        return [SetupCheck(STORED_SECRETS, False, "setup_required")]
    except TimeoutError:
        return [SetupCheck(TIME, None, "upstream_down")]
    return [without_secrets(check, credential) for check in found]


async def _ask(app: ProviderApp, *, sends_key: bool) -> list[SetupCheck]:
    async with asyncio.timeout(LONGEST_S), Http() as http:
        adapter = make_adapter(app, http)
        register = getattr(adapter, "register", None) if sends_key else None
        sent: list[SetupCheck] = await register() if register is not None else []
        found = await adapter.check_setup()
        # Both begin with the same steps; what was found last holds.
        return [*(check for check in sent if check.step not in {later.step for later in found}), *found]


def without_secrets(check: SetupCheck, credential: AppCredential) -> SetupCheck:
    """Return a check whose detail holds none of our secrets, whatever the provider sends back."""
    detail = check.detail
    for secret in (credential.client_secret, *credential.secrets.values()):
        if secret:
            detail = detail.replace(secret, HIDDEN)
    return SetupCheck(check.step, check.is_ok, check.code, detail.replace("\0", "")[:DETAIL_LENGTH])


def keep(app: ProviderApp, asked_at: datetime, found: list[SetupCheck], *, actor: str, sends_key: bool) -> None:
    """Keep what was found, unless the registration was changed or asked about again in the meantime."""
    with acting_as(actor):
        mine = ProviderApp.objects.filter(pk=app.pk, test_asked_at=asked_at)
        if not mine.update(tested_at=timezone.now(), test_result=[asdict(check) for check in found]):
            logger.info("registration %s was changed while it was tried out", app.id)
            return
        facts = {"provider": app.provider, "name": app.name, "failed": failed_of(found), "sends_key": sends_key}
        record("provider.tested", actor=actor, team_id=app.team_id, subject=subject_of(app.id), data=facts)


def failed_of(checks: Iterable[SetupCheck]) -> list[str]:
    """Return the steps that failed, without those that were not tried."""
    return [check.step for check in checks if check.is_ok is False]
