"""Roles and what they may do: one table, read by views, services and tests."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    OPERATOR = "operator", _("Operator")
    VIEWER = "viewer", _("Viewer")


class Permission(models.TextChoices):
    VIEW = "view", _("See vehicles and history")
    COMMAND = "command", _("Send commands")
    CONNECT = "connect", _("Make share links and remove vehicles")
    MANAGE = "manage", _("Change the team and its members")


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission),
    Role.OPERATOR: frozenset({Permission.VIEW, Permission.COMMAND}),
    Role.VIEWER: frozenset({Permission.VIEW}),
}


def may(role: str, permission: Permission) -> bool:
    """Say whether a role includes a permission; an unknown role includes none."""
    return role in Role.values and permission in PERMISSIONS[Role(role)]
