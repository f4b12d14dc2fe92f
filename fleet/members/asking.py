"""Who may open the pages of members; an attempt to give what one has not got is kept in the log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from fleet.members.services import note_refusal
from fleet.teams.access import current_membership, get_current_membership
from fleet.teams.grants import BeyondOwnRights
from fleet.teams.models import Membership
from fleet.teams.roles import Permission


def get_asker(request: HttpRequest) -> Membership:
    """Return the membership of somebody who may manage members. Raises Http404, PermissionDenied."""
    return get_current_membership(request, to=Permission.MEMBERS)


def notes_attempts(what: str) -> Callable[..., Any]:
    """Keep in the log when somebody without the right sends a role to this view: a button would not have let them."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def noting(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except PermissionDenied:
                membership = current_membership(request)
                if membership is not None and request.method == "POST" and "role" in request.POST:
                    note_refusal(membership=membership, what=what, role=request.POST["role"])
                raise

        return noting

    return decorate


@contextmanager
def keeping_refusals(membership: Membership, what: str, role: str) -> Iterator[None]:
    """Keep in the log that the service refused to give a right; the refusal itself goes on."""
    try:
        yield
    except BeyondOwnRights:
        note_refusal(membership=membership, what=what, role=role)
        raise
