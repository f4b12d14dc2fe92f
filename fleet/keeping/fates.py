"""What becomes of every row of a team: one table. A new model has to be judged here; a test sees to it."""

from collections.abc import Iterable
from enum import Enum
from graphlib import TopologicalSorter

from django.apps import apps
from django.db import models

KEYS = ("team", "team_id")


class Fate(Enum):
    """KEPT stays for ever. HISTORY goes when it is over and old, if the team wishes so; and with the team. TEAM ends
    with the team.
    """

    KEPT = "kept"
    HISTORY = "history"
    TEAM = "team"


FATES = {
    # The log stays, without the values that name somebody.
    "events.event": Fate.KEPT,
    "events.personalvalue": Fate.HISTORY,
    "teams.authority": Fate.TEAM,
    "teams.customrole": Fate.TEAM,
    "teams.invitation": Fate.HISTORY,
    "teams.membership": Fate.TEAM,
    "teams.signondomain": Fate.TEAM,
    "vehicles.connection": Fate.TEAM,
    "vehicles.consent": Fate.TEAM,
    "vehicles.groupedvehicle": Fate.TEAM,
    "vehicles.owner": Fate.TEAM,
    # A registration of the team's own, with its budgets and wakes; those of the installation have no team.
    "vehicles.providerapp": Fate.TEAM,
    # Forgotten after 90 days whatever a team wishes: fleet.keeping.history.
    "vehicles.readcount": Fate.HISTORY,
    "vehicles.savedfilter": Fate.TEAM,
    "vehicles.vehicle": Fate.TEAM,
    "vehicles.vehiclegroup": Fate.TEAM,
    "vehicles.vehiclelink": Fate.TEAM,
    # The last word of a car that was not heard of for so long; it may be a position.
    "vehicles.vehiclesignal": Fate.HISTORY,
    # Made anew from what is left of the commands: commands.measuring.
    "compatibility.teammeasurement": Fate.TEAM,
    "compatibility.knownability": Fate.TEAM,
    "connect.brandwish": Fate.TEAM,
    "connect.portalkey": Fate.TEAM,
    "connect.recipient": Fate.TEAM,
    "connect.returnaddress": Fate.TEAM,
    "connect.sharelink": Fate.TEAM,
    "connect.teamlook": Fate.TEAM,
    # Forgotten after a week whatever a team wishes: connect.sweeping.
    "connect.visit": Fate.HISTORY,
    "commands.command": Fate.HISTORY,
    "commands.commandattempt": Fate.HISTORY,
    "commands.commandsecret": Fate.TEAM,
    "commands.turn": Fate.TEAM,
    "alerts.alert": Fate.HISTORY,
    "jobs.job": Fate.HISTORY,
    "jobs.jobitem": Fate.HISTORY,
    "programs.schedule": Fate.TEAM,
    "programs.schedulerun": Fate.HISTORY,
    "programs.timedcommand": Fate.HISTORY,
    "rules.teampolicy": Fate.TEAM,
    "rules.teamrule": Fate.TEAM,
    # Forgotten after a while whatever a team wishes; of accounts, not of a team, where they have none.
    "notifications.line": Fate.TEAM,
    "notifications.notice": Fate.HISTORY,
    # The memory of grants that are to end: goes with the team's last row.
    "keeping.grantending": Fate.TEAM,
}
# Erased otherwise: values of the log by shredding, grants by ending them, attempts together with their command.
BY_THEMSELVES = {"events.personalvalue", "keeping.grantending", "commands.commandattempt"}
# What carries the rest: cars after all that is done with them, people and their rights last of all.
STAGES = ("", "vehicles", "teams")


def models_of_teams() -> list[type[models.Model]]:
    """Return every model whose rows name a team, by key or by id."""
    return [model for model in apps.get_models() if any(field.name in KEYS for field in model._meta.concrete_fields)]


def erased_tables(stage: str) -> list[str]:
    """Return the tables of one of the STAGES in the order in which they are erased: what points at others first."""
    erased = [model for model in models_of_teams() if _is_erased(model)]
    below = {model: {other for other in erased if other is not model and _points(other, model)} for model in erased}
    return [model._meta.db_table for model in TopologicalSorter(below).static_order() if _stage_of(model) == stage]


def _is_erased(model: type[models.Model]) -> bool:
    label = model._meta.label_lower
    return FATES.get(label, Fate.TEAM) is not Fate.KEPT and label not in BY_THEMSELVES


def _points(source: type[models.Model], target: type[models.Model]) -> bool:
    fields: Iterable[models.Field] = source._meta.concrete_fields
    return any(isinstance(field, models.ForeignKey) and field.related_model is target for field in fields)


def _stage_of(model: type[models.Model]) -> str:
    return model._meta.app_label if model._meta.app_label in STAGES else ""
