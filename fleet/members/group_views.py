"""Pages of vehicle groups.

They ask for the right to change the team's settings: a group decides which vehicles its members reach, so whoever
changes one gives and takes rights, which is more than bringing vehicles in (connect).
"""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from fleet.members.access import get_group
from fleet.members.forms import GroupForm
from fleet.members.words import REFUSALS
from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.vehicles.groups import TooManyGroups, groups_of, remove_group, save_group
from fleet.vehicles.models import VehicleGroup


@require_safe
@login_required
@never_cache
def list_groups(request: HttpRequest) -> HttpResponse:
    membership = get_current_membership(request, to=Permission.TEAM)
    groups = groups_of(membership).annotate(vehicle_count=Count("grouped"))
    return render(request, "members/groups.html", {"groups": groups})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def new_group(request: HttpRequest) -> HttpResponse:
    return _edit(request, get_current_membership(request, to=Permission.TEAM), None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def edit_group(request: HttpRequest, group_id: UUID) -> HttpResponse:
    group, membership = get_group(request.user, group_id)  # type: ignore[arg-type]
    return _edit(request, membership, group)


def _edit(request: HttpRequest, membership: Membership, group: VehicleGroup | None) -> HttpResponse:
    if request.method != "POST":
        return _show(request, GroupForm(membership=membership, group=group))
    form = GroupForm(request.POST, membership=membership, group=group)
    if not form.is_valid():
        return _show(request, form, status=422)
    name, vehicle_ids = form.cleaned_data["name"], form.cleaned_data["vehicles"]
    try:
        save_group(membership=membership, name=name, vehicle_ids=vehicle_ids, group=group)
    except TooManyGroups as refused:
        form.add_error(None, REFUSALS[refused.code])
        return _show(request, form, status=409)
    except IntegrityError:  # somebody took the name since the form looked
        form.add_error("name", _("There is a group of this name already."))
        return _show(request, form, status=422)
    messages.success(request, _("The group “%(name)s” is saved.") % {"name": name})
    return redirect("members:groups")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def delete_group(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """Ask whether to remove a group, and do it."""
    group, membership = get_group(request.user, group_id)  # type: ignore[arg-type]
    if request.method != "POST":
        members = Membership.objects.filter(
            team_id=group.team_id, ended_at__isnull=True, group_ids__contains=[group.id]
        )
        return render(request, "members/remove_group.html", {"group": group, "member_count": members.count()})
    remove_group(membership=membership, group=group)
    messages.success(request, _("The group “%(name)s” is gone; its vehicles stay.") % {"name": group.name})
    return redirect("members:groups")


def _show(request: HttpRequest, form: GroupForm, *, status: int = 200) -> HttpResponse:
    return render(request, "members/group.html", {"form": form, "group": form.group}, status=status)
