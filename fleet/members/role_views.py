"""Pages of roles: the table of what each may, and the team's own ones."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.members.access import get_role, roles_of
from fleet.members.asking import get_asker, keeping_refusals
from fleet.members.forms import RoleForm
from fleet.members.pages import role_columns, role_rows
from fleet.members.words import REFUSALS
from fleet.teams.access import get_current_membership
from fleet.teams.custom_roles import RoleInUse, TooManyRoles, remove_role, save_role
from fleet.teams.grants import BeyondOwnRights
from fleet.teams.models import CustomRole, Membership
from fleet.teams.roles import Permission


@require_safe
@login_required
@never_cache
def list_roles(request: HttpRequest) -> HttpResponse:
    """Show the table; everybody of the team may know what the roles are."""
    membership = get_current_membership(request, to=Permission.VIEW)
    context = {
        "columns": role_columns(),
        "rows": role_rows(membership, roles_of(membership)),
        "may_manage": membership.may(Permission.MEMBERS),
    }
    return render(request, "members/roles.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def new_role(request: HttpRequest) -> HttpResponse:
    return _edit(request, get_asker(request), None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def edit_role(request: HttpRequest, role_id: UUID) -> HttpResponse:
    role, asker = get_role(request.user, role_id)  # type: ignore[arg-type]
    return _edit(request, asker, role)


def _edit(request: HttpRequest, asker: Membership, role: CustomRole | None) -> HttpResponse:
    if request.method != "POST":
        return _show(request, RoleForm(membership=asker, role=role))
    form = RoleForm(request.POST, membership=asker, role=role)
    if not form.is_valid():
        return _show(request, form, status=422)
    try:
        with keeping_refusals(asker, "role", form.cleaned_data["name"]):
            save_role(membership=asker, name=form.cleaned_data["name"], rights=form.rights(), role=role)
    except BeyondOwnRights as refused:
        form.add_error(None, REFUSALS[refused.code])
        return _show(request, form, status=403)
    except TooManyRoles as refused:
        form.add_error(None, REFUSALS[refused.code])
        return _show(request, form, status=409)
    except IntegrityError:  # somebody took the name since the form looked
        form.add_error("name", _("There is a role of this name already."))
        return _show(request, form, status=422)
    messages.success(request, _("Saved. It holds from now on for everybody who has this role."))
    return redirect("members:roles")


@require_POST
@login_required
def delete_role(request: HttpRequest, role_id: UUID) -> HttpResponse:
    role, asker = get_role(request.user, role_id)  # type: ignore[arg-type]
    try:
        with keeping_refusals(asker, "role", role.name):
            remove_role(membership=asker, role_id=role.id)
    except (BeyondOwnRights, RoleInUse) as refused:
        messages.error(request, REFUSALS[refused.code])
    else:
        messages.success(request, _("The role “%(name)s” is gone.") % {"name": role.name})
    return redirect("members:roles")


def _show(request: HttpRequest, form: RoleForm, *, status: int = 200) -> HttpResponse:
    return render(request, "members/role.html", {"form": form, "role": form.role}, status=status)
