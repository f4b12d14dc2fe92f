"""The way back from the maker: whose pass an answer belongs to, and handing its code to a worker."""

from django.db import transaction
from django.utils import timezone

from connect.invitations import invitation_of
from connect.models import Visit
from connect.sealed import keep
from connect.services import end_visit
from connect.tasks import exchange
from fleet.vehicles.sealing import hash_token


class CallbackRefused(Exception):
    """The way back from the maker does not belong to this browser's pass. Nothing was written. code: see words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# What a maker may say instead of a code (RFC 6749, 4.1.2.1); all other words mean that it did not let us go on.
_ERRORS = {"access_denied": "denied", "server_error": "maker_down", "temporarily_unavailable": "maker_down"}


@transaction.atomic
def receive_callback(*, browser: str | None, state: str, code: str = "", error: str = "") -> Visit:
    """Take the maker's answer for the pass of this browser; the code goes to a worker, sealed in the row.

    A reload (same state, same answer) returns the pass as it is. The code is never exchanged twice.
    Raises CallbackRefused: wrong_state (unknown, or another browser's), state_used, state_expired.
    """
    now = timezone.now()
    found = Visit.objects.across_teams().select_for_update(of=("self",)).select_related("link")
    visit = found.filter(state_hash=hash_token(state), browser_hash=browser).first() if browser else None
    if visit is None:
        raise CallbackRefused("wrong_state")
    answer_hash = hash_token(f"code:{code}" if code else f"error:{error}")
    if visit.step != Visit.Step.SIGNING_IN:
        if visit.code_hash == answer_hash:
            return visit
        raise CallbackRefused("state_used")
    if visit.state_expires_at <= now:
        raise CallbackRefused("state_expired")
    visit.code_hash = answer_hash
    visit.save(update_fields=["code_hash"])
    if problem := invitation_of(visit).problem(now) or (error and _ERRORS.get(error, "maker_refused")):
        end_visit(visit, failure=problem)
        return visit
    visit.code_sealed = keep(visit, "code", code)
    visit.step = Visit.Step.EXCHANGING
    visit.save(update_fields=["code_sealed", "step"])
    ring(visit)
    return visit


def ring(visit: Visit) -> None:
    """Tell a worker that a code waits. The message names the row and nothing else; the waiting page rings again."""
    visit_id = str(visit.id)
    # robust: without a broker the owner still gets the waiting page.
    transaction.on_commit(lambda: exchange.delay(visit_id), robust=True)
