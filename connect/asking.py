"""What a worker does where the provider makes the address of each sign-in: ask for it, and let the page go there."""

import asyncio
import logging
from uuid import UUID

from django.utils import timezone

from connect.models import Visit
from connect.sealed import keep, reveal
from connect.services import end_visit, our_id_of
from fleet.adapters.errors import AdapterError
from fleet.adapters.http import Http, Take
from fleet.budgets.meter import Payer, calls_of
from fleet.vehicles.providers import make_adapter
from fleet.vehicles.sealing import CannotUnseal

logger = logging.getLogger(__name__)


def ask_for_sign_in(visit_id: UUID) -> None:
    """Ask the provider where the owner of a pass signs in. Runs once per pass; what fails ends the pass."""
    now = timezone.now()
    waiting = Visit.objects.filter(pk=visit_id, step=Visit.Step.ASKING, claimed_at__isnull=True, expires_at__gt=now)
    if not waiting.update(claimed_at=now):
        return
    visit = Visit.objects.select_related("app", "link").get(pk=visit_id)
    try:
        state = reveal(visit, "state", visit.sign_in_sealed)
        address = asyncio.run(_ask(visit, state, calls_of(Payer(visit.app_id, is_urgent=True))))
    except CannotUnseal:
        end_visit(visit, failure="maker_down")
    except AdapterError as error:
        logger.info("asking for the sign-in of %s at %s: %s", visit, visit.brand, error)
        end_visit(visit, failure="setup_required" if error.code == "setup_required" else "maker_down")
    else:
        # Begun anew meanwhile: that try has a state of its own, and asks by itself.
        Visit.objects.filter(pk=visit.pk, step=Visit.Step.ASKING, state_hash=visit.state_hash).update(
            step=Visit.Step.SIGNING_IN, sign_in_sealed=keep(visit, "sign_in", address), claimed_at=None
        )


async def _ask(visit: Visit, state: str, take: Take | None) -> str:
    async with Http() as http:
        adapter = make_adapter(visit.app, http.metered(take) if take else http)
        return await adapter.open_sign_in(
            brand=visit.brand,
            state=state,
            scopes=visit.link.scopes_asked & adapter.manifest.scopes,
            language=visit.language,
            our_id=our_id_of(visit),
        )
