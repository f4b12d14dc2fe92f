"""The frame of the pages of the matrix: anybody may read them, and who is signed in reads them in the dashboard."""

from django.http import HttpRequest

from fleet.teams.access import current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission

DASHBOARD, PUBLIC = "shell.html", "compatibility/public.html"


def find_reader(request: HttpRequest) -> Membership | None:
    """Return the membership in which somebody reads; None for anybody else, who reads what everybody may."""
    user = getattr(request, "user", None)
    membership = current_membership(request) if user is not None and user.is_authenticated else None
    return membership if membership is not None and membership.may(Permission.VIEW) else None


def shell_of(request: HttpRequest) -> dict[str, str]:
    """Return what a page that extends compatibility/base.html needs to know of its frame."""
    return {"shell": DASHBOARD if find_reader(request) else PUBLIC}
