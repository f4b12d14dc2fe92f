"""The way back from the maker: whose pass an answer belongs to, and handing its code to a worker."""

import json

from django.db import transaction
from django.utils import timezone

from connect.invitations import invitation_of
from connect.models import Visit
from connect.sealed import keep
from connect.services import end_visit
from connect.tasks import ask_for_sign_in, exchange
from fleet.vehicles.providers import manifest_of
from fleet.vehicles.sealing import hash_token


class CallbackRefused(Exception):
    """The way back from the maker does not belong to this browser's pass. Nothing was written. code: see words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# What a maker may say instead of a code (RFC 6749, 4.1.2.1); all other words mean that it did not let us go on.
_ERRORS = {"access_denied": "denied", "server_error": "maker_down", "temporarily_unavailable": "maker_down"}


@transaction.atomic
def receive_callback(*, browser: str | None, state: str, error: str = "", **carried: str) -> Visit:
    """Take the maker's answer for the pass of this browser; what it carried goes to a worker, sealed in the row.

    carried: what stood in the address; only the fields that the provider's card names are taken (most: the code).

    A reload (same state, same answer) returns the pass as it is. The code is never exchanged twice.
    Raises CallbackRefused: wrong_state (unknown, or another browser's), state_used, state_expired, bad_callback (a
    field is missing).
    """
    now = timezone.now()
    found = Visit.objects.across_teams().select_for_update(of=("self",)).select_related("link", "app")
    visit = found.filter(state_hash=hash_token(state), browser_hash=browser).first() if browser else None
    if visit is None:
        raise CallbackRefused("wrong_state")
    wanted = manifest_of(visit.app).callback_fields
    taken = json.dumps({name: carried.get(name, "") for name in wanted}, sort_keys=True)
    answer_hash = hash_token(f"error:{error}" if error else taken)
    if visit.step != Visit.Step.SIGNING_IN:
        if visit.code_hash == answer_hash:
            return visit
        raise CallbackRefused("state_used")
    if visit.state_expires_at <= now:
        raise CallbackRefused("state_expired")
    if not error and not all(carried.get(name) for name in wanted):
        raise CallbackRefused("bad_callback")
    visit.code_hash = answer_hash
    visit.save(update_fields=["code_hash"])
    if problem := invitation_of(visit).problem(now) or (error and _ERRORS.get(error, "maker_refused")):
        end_visit(visit, failure=problem)
        return visit
    visit.code_sealed = keep(visit, "code", taken)
    visit.step = Visit.Step.EXCHANGING
    visit.save(update_fields=["code_sealed", "step"])
    ring(visit)
    return visit


def ring(visit: Visit) -> None:
    """Tell a worker that a pass waits. The message names the row and nothing else; the waiting page rings again."""
    visit_id = str(visit.id)
    task = ask_for_sign_in if visit.step == Visit.Step.ASKING else exchange
    # robust: without a broker the owner still gets the waiting page.
    transaction.on_commit(lambda: task.delay(visit_id), robust=True)
