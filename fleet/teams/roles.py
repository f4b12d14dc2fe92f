"""Roles and what they may do, in the language of commands: one table, read by services, pages, the API and tests."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.adapters.commands import KINDS
from fleet.teams.hours import WorkingHours


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    MANAGER = "manager", _("Fleet manager")
    OPERATOR = "operator", _("Operator")
    DRIVER = "driver", _("Driver")
    VIEWER = "viewer", _("Viewer")
    # What it may do stands in a row of the team's: fleet.teams.models.CustomRole.
    CUSTOM = "custom", _("Custom role")


class Permission(models.TextChoices):
    VIEW = "view", _("See vehicles and history")
    COMMAND = "command", _("Send commands")
    CONNECT = "connect", _("Make share links and remove vehicles")
    RULES = "rules", _("Change rules and budgets")
    MEMBERS = "members", _("Invite and remove members, change roles")
    KEYS = "keys", _("Make API tokens")
    WEBHOOKS = "webhooks", _("Change webhooks")
    AUDIT = "audit", _("Read the audit trail")
    TEAM = "team", _("Change the team’s settings")
    DELETE = "delete", _("Delete the team")


class Family(models.TextChoices):
    """Commands that are allowed together; the words are the scopes that owners consent to."""

    SECURITY = "control_security", _("Lock, unlock, lights and horn")
    CHARGE = "control_charge", _("Charging")
    CLIMATE = "control_climate", _("Climate")
    NAVIGATION = "control_navigation", _("Send a destination")
    TRUNK = "control_trunk", _("Trunk and front trunk")
    ENGINE = "control_engine", _("Start and stop the engine")
    PIN = "control_pin", _("Driver PIN and valet mode")


@dataclass(frozen=True)
class Rights:
    """What somebody may do in a team, wherever it comes from: a preset, a role of the team's own, later a token.

    families: scopes of the commands they may send. max_cars: how many cars at once, in one job; None: no limit.
    needs_step_up: every command asks to confirm who it is, not only the risky ones. hours: None is always.
    """

    permissions: frozenset[Permission]
    families: frozenset[str] = frozenset()
    max_cars: int | None = None
    needs_step_up: bool = False
    hours: WorkingHours | None = None

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def may_send(self, kind: str) -> bool:
        """Say whether a command of this kind is allowed at all; hours and vehicles are asked elsewhere."""
        return self.may(Permission.COMMAND) and KINDS[kind].scope in self.families

    def covers(self, other: "Rights") -> bool:
        """Say whether these rights include all of the others: nobody gives away more than they have."""
        if Permission.COMMAND not in other.permissions:  # then there is nothing that could be limited
            return self.permissions >= other.permissions
        return (
            self.permissions >= other.permissions
            and self.families >= other.families
            and (self.max_cars is None or (other.max_cars is not None and other.max_cars <= self.max_cars))
            and (other.needs_step_up or not self.needs_step_up)
            and (self.hours is None or self.hours == other.hours)
        )


ALL_FAMILIES = frozenset(family.value for family in Family)
NOTHING = Rights(frozenset())

PRESETS: dict[Role, Rights] = {
    Role.OWNER: Rights(frozenset(Permission), ALL_FAMILIES),
    Role.ADMIN: Rights(frozenset(Permission) - {Permission.DELETE}, ALL_FAMILIES),
    Role.MANAGER: Rights(
        frozenset({Permission.VIEW, Permission.COMMAND, Permission.CONNECT, Permission.RULES, Permission.AUDIT}),
        ALL_FAMILIES,
    ),
    Role.OPERATOR: Rights(
        frozenset({Permission.VIEW, Permission.COMMAND}), ALL_FAMILIES - {Family.PIN.value}, max_cars=200
    ),
    Role.DRIVER: Rights(
        frozenset({Permission.VIEW, Permission.COMMAND}),
        ALL_FAMILIES - {Family.PIN.value, Family.ENGINE.value},
        max_cars=1,
    ),
    Role.VIEWER: Rights(frozenset({Permission.VIEW})),
}
