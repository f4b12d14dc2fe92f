"""The commands of a vehicle inside a page of another app, put there by the template and not by an import."""

import dataclasses
from typing import Any

from django import template

from commands.panel import make_panel
from commands.views import latest_context
from fleet.teams.access import get_membership
from fleet.teams.roles import Permission
from fleet.teams.stepup import is_recent
from fleet.vehicles.models import Vehicle

register = template.Library()


@register.inclusion_tag("commands/_panel.html", takes_context=True)
def commands_panel(context: Any, vehicle: Vehicle) -> dict[str, Any]:
    """Show the buttons of a vehicle, with the rights of whoever asked for the page."""
    membership = get_membership(context["request"].user, vehicle.team_id, to=Permission.VIEW)
    panel = make_panel(vehicle, membership, is_confirmed=is_recent(context["request"]))
    shown = {name.name: getattr(panel, name.name) for name in dataclasses.fields(panel)}
    return shown | {"request": context["request"], "csrf_token": context.get("csrf_token")}


@register.inclusion_tag("commands/_latest.html", takes_context=True)
def latest_commands(context: Any, vehicle: Vehicle) -> dict[str, Any]:
    """Show the last commands of a vehicle."""
    membership = get_membership(context["request"].user, vehicle.team_id, to=Permission.VIEW)
    return latest_context(vehicle, membership)
