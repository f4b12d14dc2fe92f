"""The question before a risky job, and reading its answer: the number in digits, and that it is really them."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from commands.jobs.forms import ConfirmForm
from commands.jobs.questions import question_of
from fleet.teams import stepup
from fleet.teams.models import Membership


def ask_first(
    request: HttpRequest,
    membership: Membership,
    *,
    kind: str,
    count: int,
    needs_number: bool,
    back: str,
    hidden: Sequence[tuple[str, str]] = (),
) -> HttpResponse | None:
    """Return the page with the question, with what is wrong with the answer; None when it was answered in full.

    hidden: what the answer carries on of the form before. back: where the safe answer leads.
    """
    is_answered = request.POST.get("confirm") == "1"
    form = ConfirmForm(request.POST if is_answered else None, count=count, needs_number=needs_number)
    is_good = is_answered and form.is_good()
    unconfirmed: stepup.ConfirmForm | None = None
    if stepup.must_confirm(membership, kind):
        # A wrong password counts, so it is looked at last: not while something else is wrong.
        unconfirmed = stepup.check(request) if is_good else stepup.ask(request)
    if is_good and unconfirmed is None:
        return None
    status = unconfirmed.status if unconfirmed is not None and unconfirmed.is_bound else 422
    context = {
        "question": question_of(kind, count),
        "kind": kind,
        "forms": [form, *([unconfirmed] if unconfirmed is not None else [])],
        "hidden": hidden,
        "action": request.get_full_path(),
        "back": back,
    }
    return render(request, "jobs/confirm.html", context, status=status if is_answered else 200)
