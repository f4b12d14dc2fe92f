"""What a worker does with the code of a callback: trade it for tokens, ask for the cars, and lay both before the owner.

Nothing that works is touched here: the tokens wait in the visit's row until the owner accepts.
"""

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from compatibility.eligibility import Refusals
from connect.abilities import Said, ask_abilities, refusals_of_cars
from connect.grants import find_account
from connect.invitations import only_vin
from connect.models import Visit
from connect.sealed import list_plainly, reveal, seal_tokens, tell_refusals
from connect.services import end_visit, our_id_of
from fleet.adapters.base import Login, RemoteVehicle
from fleet.adapters.errors import AdapterError, GrantRefused
from fleet.adapters.http import Http, Take
from fleet.adapters.oauth import TokenSet
from fleet.budgets.meter import Payer, calls_of
from fleet.vehicles.providers import make_adapter
from fleet.vehicles.sealing import CannotUnseal
from fleet.vehicles.services import check_lasts
from fleet.vehicles.vin import clean_vin

logger = logging.getLogger(__name__)

# A worker that took a code and did not tell its end for so long is dead; a code can't be traded twice.
GIVE_UP_AFTER = timedelta(minutes=2)

_FAILURES = {
    "needs_reconnect": "code_refused",
    "needs_consent": "nothing_granted",
    "account_action": "maker_refused",
    "setup_required": "setup_required",
    "upstream_error": "maker_confused",
}


@dataclass(frozen=True)
class _MakersAnswer:
    """cars: those that the link is for; said: what they can do, by id. has_cars: whether the account has any."""

    tokens: TokenSet
    has_cars: bool
    cars: list[RemoteVehicle]
    said: dict[str, Said]


def exchange_code(visit_id: UUID) -> None:
    """Go from a code to the page where the owner decides, or to the page that says why not. Runs once per code."""
    visit = _claim(visit_id)
    if visit is None:
        return
    try:
        carried: dict[str, str] = json.loads(reveal(visit, "code", visit.code_sealed))
        # The owner waits before the page, so the calls may use what is kept for people.
        take = calls_of(Payer(visit.app_id, is_urgent=True))
        verifier = reveal(visit, "verifier", visit.verifier_sealed)
        answer = asyncio.run(_ask_maker(visit, carried, verifier, take))
    except GrantRefused:
        end_visit(visit, failure="code_refused")
    except CannotUnseal:
        logger.warning("the code of %s does not open: was the key ring changed?", visit)
        end_visit(visit, failure="code_refused")
    except AdapterError as error:
        logger.info("exchange of %s at %s: %s", visit, visit.brand, error)
        end_visit(visit, failure=_FAILURES.get(error.code, "maker_down"))
    else:
        _lay_before_owner(visit, answer)


def _claim(visit_id: UUID) -> Visit | None:
    """Take the code of a visit; None when another worker has it or the owner was too slow."""
    now = timezone.now()
    waiting = Visit.objects.filter(pk=visit_id, step=Visit.Step.EXCHANGING, claimed_at__isnull=True, expires_at__gt=now)
    if not waiting.update(claimed_at=now):
        return None
    return Visit.objects.select_related("app", "link__team", "recipient").get(pk=visit_id)


async def _ask_maker(visit: Visit, carried: dict[str, str], verifier: str, take: Take | None) -> _MakersAnswer:
    async with Http() as http:
        adapter = make_adapter(visit.app, http.metered(take) if take else http)
        tokens = await adapter.finish_connect(
            brand=visit.brand, answer=carried, verifier=verifier, our_id=our_id_of(visit)
        )
        check_lasts(visit.app, tokens)
        login = Login(tokens.access_token, tokens.account_id or "", tokens.region)
        listed = await adapter.list_vehicles(login)
        vin = only_vin(visit.link, visit.recipient)
        cars = [car for car in listed if not vin or clean_vin(car.vin) == vin]
        said = await ask_abilities(adapter, login, cars, visit.link.scopes_asked)
        return _MakersAnswer(tokens, bool(listed), cars, said)


def _lay_before_owner(visit: Visit, answer: _MakersAnswer) -> None:
    tokens, cars, asked = answer.tokens, answer.cars, visit.link.scopes_asked
    # A maker that does not name the scopes granted those asked for (RFC 6749, 5.1).
    granted = asked if tokens.scopes is None else asked & tokens.scopes
    if not granted & set(visit.link.scopes_needed):
        end_visit(visit, failure="nothing_granted")
        return
    if not cars:
        end_visit(visit, failure="wrong_car" if answer.has_cars else "no_cars")
        return
    needed, refusals = set(visit.link.scopes_needed), _refusals(visit, answer)
    if all(needed & refusals.get(car.provider_vehicle_id, {}).keys() for car in cars):
        end_visit(visit, failure="vehicle_incompatible", told=tell_refusals(cars, refusals, needed))
        return
    # Only while nobody ended the visit in the meantime: the tokens of an ended one are not kept.
    Visit.objects.filter(pk=visit.pk, step=Visit.Step.EXCHANGING).update(
        step=Visit.Step.REVIEW,
        account=find_account(visit, tokens.account_id),
        scopes_granted=sorted(granted),
        vehicles=list_plainly(cars, refusals),
        tokens_sealed=seal_tokens(visit, tokens),
        code_sealed=None,
        verifier_sealed=None,
    )


def _refusals(visit: Visit, answer: _MakersAnswer) -> dict[str, Refusals]:
    country = visit.country or visit.link.country or visit.link.team.country
    scopes = visit.link.scopes_asked
    return refusals_of_cars(visit.app.provider, answer.cars, answer.said, country=country, scopes=scopes)
