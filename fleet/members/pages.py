"""What the pages of members show: rows, seats and the table of roles. No rights are decided here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.utils import formats
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fleet.members.access import invitations_of
from fleet.members.invitations import database_time
from fleet.teams.models import CustomRole, Granted, Invitation, Membership
from fleet.teams.roles import PRESETS, Family, Permission, Rights, Role


@dataclass(frozen=True)
class InvitationRow:
    """One line of the open invitations. status: waiting, sent, link or expired."""

    id: UUID
    email: str
    role_title: str
    reach: str
    status: str
    inviter: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class MemberRow:
    """One line of the members. has_second_factor: None where it is not known."""

    membership: Membership
    reach: str
    has_second_factor: bool | None
    is_oneself: bool


@dataclass(frozen=True)
class Seats:
    """How many people are in the team, by role, and how many are invited."""

    members: int
    invited: int
    by_role: list[tuple[str, int]]


def member_rows(members: Iterable[Any], asker: Membership) -> list[MemberRow]:
    """Return the lines of a page of access.members_of."""
    return [
        MemberRow(one, reach_words(one), one.has_second_factor, is_oneself=one.user_id == asker.user_id)
        for one in members
    ]


def invitation_rows(invitations: Iterable[Invitation]) -> list[InvitationRow]:
    """Return the lines of open invitations."""
    now = database_time()
    return [
        InvitationRow(
            id=one.id,
            email=one.email,
            role_title=one.role_title,
            reach=reach_words(one),
            status=_status(one, now),
            inviter=str(one.invited_by.user),
            created_at=one.created_at,
            expires_at=one.expires_at,
        )
        for one in invitations
    ]


def _status(invitation: Invitation, now: datetime) -> str:
    if invitation.expires_at <= now:
        return "expired"
    if not invitation.email:
        return "link"
    return "sent" if invitation.sent_at is not None else "waiting"


def reach_words(granted: Granted) -> str:
    """Return for which vehicles something is given, in words."""
    if granted.reaches_all:
        return _("All vehicles")
    groups, single = len(granted.group_ids), len(granted.vehicle_ids)
    parts = []
    if groups:
        parts.append(ngettext("%(n)s group", "%(n)s groups", groups) % {"n": groups})
    if single:
        parts.append(ngettext("%(n)s vehicle", "%(n)s vehicles", single) % {"n": single})
    return ", ".join(parts) or _("No vehicles")


def count_seats(membership: Membership) -> Seats:
    """Return the overview above the list: two queries, however many members there are."""
    live = Membership.objects.filter(team_id=membership.team_id, ended_at__isnull=True)
    counted = {row["role"]: row["n"] for row in live.values("role").annotate(n=Count("id")).order_by()}
    return Seats(
        members=sum(counted.values()),
        invited=invitations_of(membership).count(),
        by_role=[(str(role.label), counted[role]) for role in Role if role in counted],
    )


@dataclass(frozen=True)
class RoleRow:
    """One role in the table: allows has one entry per column of role_columns."""

    title: str
    allows: list[tuple[str, bool]]
    limits: str
    role: CustomRole | None = None
    count: int = 0


def role_columns() -> list[str]:
    """Return what a role may allow, as the table names it."""
    return [str(one.label) for one in (*_PERMISSIONS, *Family)]


_PERMISSIONS = [one for one in Permission if one != Permission.COMMAND]


def role_rows(membership: Membership, roles: Iterable[CustomRole]) -> list[RoleRow]:
    """Return the presets and the team's own roles, each with what it may: from the one table in fleet.teams.roles."""
    live = Membership.objects.filter(team_id=membership.team_id, ended_at__isnull=True)
    held = {(r["role"], r["custom_role"]): r["n"] for r in live.values("role", "custom_role").annotate(n=Count("id"))}
    rows = [_role_row(str(role.label), rights, count=held.get((role, None), 0)) for role, rights in PRESETS.items()]
    rows += [_role_row(role.name, role.rights, role=role, count=held.get((Role.CUSTOM, role.id), 0)) for role in roles]
    return rows


def _role_row(title: str, rights: Rights, *, role: CustomRole | None = None, count: int) -> RoleRow:
    sends = rights.may(Permission.COMMAND)
    allows = [(str(one.label), rights.may(one)) for one in _PERMISSIONS]
    allows += [(str(family.label), sends and family in rights.families) for family in Family]
    return RoleRow(title, allows, limit_words(rights), role, count)


def limit_words(rights: Rights) -> str:
    """Return the limits of a role's commands, in words; "" when there are none."""
    if not rights.may(Permission.COMMAND):
        return ""
    parts = []
    if rights.max_cars is not None:
        sentence = ngettext("%(n)s vehicle at once", "%(n)s vehicles at once", rights.max_cars)
        parts.append(sentence % {"n": formats.number_format(rights.max_cars)})
    if rights.hours is not None:
        days = " ".join(str(WEEKDAYS_ABBR[day]) for day in rights.hours.weekdays)
        parts.append(f"{days} {rights.hours.starts:%H:%M}–{rights.hours.ends:%H:%M}")
    if rights.needs_step_up:
        parts.append(_("confirms before every command"))
    return ", ".join(parts)
