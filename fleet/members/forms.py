"""Forms of members: a grant (role and vehicles), invitations, roles of the team's own, groups. They check shape."""

from datetime import time
from typing import Any
from uuid import UUID

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from fleet.members.access import roles_of
from fleet.members.addresses import MOST_AT_ONCE, Row, read_csv, read_pasted
from fleet.members.invitations import DEFAULT_DAYS, MOST_DAYS
from fleet.members.vehicle_lists import MOST_NAMED, read_vehicles, write_vehicles
from fleet.members.words import REFUSALS
from fleet.teams.forms import no_control_characters
from fleet.teams.grants import MOST_VEHICLES, Grant
from fleet.teams.hours import EVERY_DAY, WorkingHours
from fleet.teams.models import CustomRole, Granted, Membership
from fleet.teams.roles import PRESETS, Family, Permission, Rights, Role
from fleet.vehicles.groups import groups_of
from fleet.vehicles.models import VehicleGroup

CUSTOM = "custom:"
NAME_MAX_LENGTH = 60
LIST_MAX_LENGTH = 200_000
FILE_MAX_BYTES = 200_000
CLOCK = "%H:%M"


class GrantForm(forms.Form):
    """A role, and for which vehicles. Roles beyond the giver's own can't be chosen, but are refused by the service."""

    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect, initial=Role.VIEWER)
    reach = forms.ChoiceField(
        label=_("Vehicles"),
        choices=[("all", _("All vehicles")), ("some", _("Only some"))],
        initial="all",
        widget=forms.RadioSelect,
    )
    groups = forms.MultipleChoiceField(label=_("Groups"), required=False, widget=forms.CheckboxSelectMultiple)
    vehicles = forms.CharField(
        label=_("Single vehicles"),
        required=False,
        max_length=LIST_MAX_LENGTH,
        widget=forms.Textarea,
        help_text=_("Number plates or VINs, one a line."),
    )

    def __init__(
        self, data: Any = None, *args: Any, membership: Membership, like: Granted | None = None, **kwargs: Any
    ):
        self.membership = membership
        initial = grant_initial(membership, like) if like is not None else {}
        super().__init__(data, *args, initial=initial | kwargs.pop("initial", {}), auto_id="grant-%s", **kwargs)
        self.custom_roles = {f"{CUSTOM}{role.id}": role for role in roles_of(membership)}
        choices = [(role.value, role.label) for role in PRESETS]
        choices += [(key, role.name) for key, role in self.custom_roles.items()]
        self.fields["role"].choices = choices  # type: ignore[attr-defined]
        groups = [(str(group.id), group.name) for group in groups_of(membership)]
        self.fields["groups"].choices = groups  # type: ignore[attr-defined]
        if not membership.reaches_all:
            self.fields["reach"].initial = "some"

    def clean_role(self) -> str:
        if isinstance(self.data, QueryDict) and len(self.data.getlist("role")) > 1:
            raise forms.ValidationError(_("Choose one role."))
        return self.cleaned_data["role"]

    def clean_vehicles(self) -> list[UUID]:
        if self.data.get("reach") != "some":
            return []
        return _vehicles(self.membership, self.cleaned_data["vehicles"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        nothing = not cleaned.get("groups") and not cleaned.get("vehicles")
        if cleaned.get("reach") == "some" and nothing and not {"groups", "vehicles"} & self.errors.keys():
            self.add_error("vehicles", _("Choose a group, or name at least one vehicle."))
        if len(cleaned.get("vehicles") or ()) > MOST_VEHICLES:
            self.add_error("vehicles", _("At most 500 single vehicles. Make a group of them."))
        return cleaned

    def grant(self) -> Grant:
        """Return what a valid form gives."""
        cleaned = self.cleaned_data
        custom = self.custom_roles.get(cleaned["role"])
        role = Role.CUSTOM if custom else Role(cleaned["role"])
        if cleaned["reach"] == "all":
            return Grant(role, custom)
        group_ids = [UUID(value) for value in cleaned["groups"]]
        return Grant(role, custom, reaches_all=False, vehicle_ids=cleaned["vehicles"], group_ids=group_ids)

    def role_options(self) -> list[dict[str, Any]]:
        """Return the roles to choose from; may: whether the giver has all that is in it."""
        chosen = str(self["role"].value() or "")
        rights = {role.value: PRESETS[role] for role in PRESETS} | {
            key: role.rights for key, role in self.custom_roles.items()
        }
        return [
            {
                "value": value,
                "label": label,
                "selected": value == chosen,
                "may": self.membership.rights.covers(rights[value]),
                "hint": HINTS.get(value, ""),
            }
            for value, label in self.fields["role"].choices  # type: ignore[attr-defined]
        ]


HINTS = {
    Role.OWNER.value: _("Everything, also deleting the team."),
    Role.ADMIN.value: _("Everything but deleting the team."),
    Role.MANAGER.value: _("All commands, share links, rules and budgets."),
    Role.OPERATOR.value: _("Commands, but no driver PIN."),
    Role.DRIVER.value: _("Commands for one vehicle at a time; no PIN, no engine."),
    Role.VIEWER.value: _("Sees everything, sends nothing."),
}


def grant_initial(membership: Membership, like: Granted) -> dict[str, Any]:
    """Return what a member or an invitation has, as the form shows it."""
    return {
        "role": f"{CUSTOM}{like.custom_role_id}" if like.custom_role_id else like.role,
        "reach": "all" if like.reaches_all else "some",
        "groups": [str(group_id) for group_id in like.group_ids],
        "vehicles": write_vehicles(membership, like.vehicle_ids),
    }


def _vehicles(membership: Membership, text: str) -> list[UUID]:
    found = read_vehicles(membership, text)
    if found.unknown:
        raise forms.ValidationError(_now("Not found: %(names)s.") % {"names": _named(found.unknown)})
    if found.ambiguous:
        sentence = _now("Several vehicles are called so: %(names)s. Write the VIN.")
        raise forms.ValidationError(sentence % {"names": _named(found.ambiguous)})
    return list(found.vehicle_ids)


def _named(entries: Any) -> str:
    names = ", ".join(entry[:40] for entry in entries[:MOST_NAMED])
    more = len(entries) - MOST_NAMED
    return names + (ngettext(" and %(n)s more", " and %(n)s more", more) % {"n": more} if more > 0 else "")


class InviteForm(GrantForm):
    """Whom to invite, as what, to which vehicles, and how: by letters or by one link."""

    by = forms.ChoiceField(
        label=_("How?"),
        choices=[("letter", _("By e-mail")), ("link", _("By a link that you pass on"))],
        initial="letter",
        widget=forms.RadioSelect,
    )
    addresses = forms.CharField(
        label=_("E-mail addresses"),
        required=False,
        max_length=LIST_MAX_LENGTH,
        widget=forms.Textarea,
        help_text=_("One a line, or with commas. At most 200 at once."),
    )
    file = forms.FileField(
        label=_("Or a CSV file"), required=False, help_text=_("Addresses in any column; other columns are not read.")
    )
    days = forms.IntegerField(
        label=_("Good for how many days?"), min_value=1, max_value=MOST_DAYS, initial=DEFAULT_DAYS
    )

    def clean_file(self) -> str:
        file: UploadedFile | None = self.cleaned_data.get("file")
        if not file:
            return ""
        if (file.size or 0) > FILE_MAX_BYTES:
            raise forms.ValidationError(_("This file is too large. At most 200 addresses at once."))
        try:
            return file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise forms.ValidationError(_("This file is no text. Save it as CSV in UTF-8.")) from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.rows: list[Row] = []
        if cleaned.get("by") == "letter" and not {"addresses", "file"} & self.errors.keys():
            entries = [*read_pasted(cleaned.get("addresses", "")), *read_csv(cleaned.get("file", ""))]
            self.rows = [Row(number, row.address) for number, row in enumerate(entries, start=1)]
            if not self.rows:
                self.add_error("addresses", _("Write at least one address."))
            elif len(self.rows) > MOST_AT_ONCE:
                self.add_error("addresses", REFUSALS["too_many_at_once"])
        return cleaned


class ClockInput(forms.TimeInput):
    """A time of day in the browser's own field."""

    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format=CLOCK)


class RoleForm(forms.Form):
    """A role of the team's own: its name, what it may, and the limits of its commands."""

    name = forms.CharField(label=_("Name"), max_length=NAME_MAX_LENGTH, validators=[no_control_characters])
    permissions = forms.MultipleChoiceField(
        label=pgettext_lazy("what a role", "May"),
        required=False,
        choices=Permission.choices,
        initial=[Permission.VIEW.value],
        widget=forms.CheckboxSelectMultiple,
    )
    families = forms.MultipleChoiceField(
        label=_("Which commands?"), required=False, choices=Family.choices, widget=forms.CheckboxSelectMultiple
    )
    max_cars = forms.IntegerField(
        label=_("Vehicles at once"),
        required=False,
        min_value=1,
        max_value=100_000,
        help_text=_("Leave it empty for no limit."),
    )
    needs_step_up = forms.BooleanField(label=_("Confirm who it is before every command"), required=False)
    has_hours = forms.BooleanField(label=_("Commands only at certain hours"), required=False)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days"),
        required=False,
        coerce=int,
        choices=[(day, WEEKDAYS[day]) for day in EVERY_DAY],
        initial=[0, 1, 2, 3, 4],
        widget=forms.CheckboxSelectMultiple,
    )
    starts = forms.TimeField(
        label=_("From"), required=False, input_formats=[CLOCK, "%H:%M:%S"], initial="06:00", widget=ClockInput
    )
    ends = forms.TimeField(
        label=_("Until"),
        required=False,
        input_formats=[CLOCK, "%H:%M:%S"],
        initial="20:00",
        widget=ClockInput,
        help_text=_("By the clock of the team. Earlier than the start means the next day."),
    )

    def __init__(
        self, data: Any = None, *args: Any, membership: Membership, role: CustomRole | None = None, **kwargs: Any
    ):
        super().__init__(data, *args, initial=role_initial(role) if role else None, auto_id="role-%s", **kwargs)
        self.membership, self.role = membership, role

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = roles_of(self.membership).exclude(pk=self.role.pk if self.role else None)
        if others.filter(name__iexact=name).exists() or name.lower() in {str(role.label).lower() for role in PRESETS}:
            raise forms.ValidationError(_("There is a role of this name already."))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("permissions") and "permissions" not in self.errors:
            self.add_error("permissions", _("Choose at least one."))
        if Permission.COMMAND in cleaned.get("permissions", ()) and not cleaned.get("families"):
            self.add_error("families", _("Choose at least one kind of command."))
        if cleaned.get("has_hours"):
            for name in ("weekdays", "starts", "ends"):
                if cleaned.get(name) in (None, [], "") and name not in self.errors:
                    self.add_error(name, _("This is needed for hours."))
        return cleaned

    def rights(self) -> Rights:
        """Return what a valid form describes."""
        cleaned = self.cleaned_data
        hours = None
        if cleaned["has_hours"]:
            days = tuple(sorted(set(cleaned["weekdays"])))
            hours = WorkingHours(days, _minute(cleaned["starts"]), _minute(cleaned["ends"]))
        return Rights(
            permissions=frozenset(Permission(value) for value in cleaned["permissions"]),
            families=frozenset(cleaned["families"]),
            max_cars=cleaned["max_cars"],
            needs_step_up=cleaned["needs_step_up"],
            hours=hours,
        )


def role_initial(role: CustomRole) -> dict[str, Any]:
    """Return a stored role as its form shows it."""
    rights = role.rights
    initial: dict[str, Any] = {
        "name": role.name,
        "permissions": sorted(rights.permissions),
        "families": sorted(rights.families),
        "max_cars": rights.max_cars,
        "needs_step_up": rights.needs_step_up,
        "has_hours": rights.hours is not None,
    }
    if rights.hours is not None:
        hours = rights.hours.to_json()
        initial |= {name: hours[name] for name in ("weekdays", "starts", "ends")}  # as a field of the browser reads it
    return initial


def _minute(clock: time) -> time:
    return clock.replace(second=0, microsecond=0)


class GroupForm(forms.Form):
    """A group of vehicles: its name, and which ones."""

    name = forms.CharField(label=_("Name"), max_length=NAME_MAX_LENGTH, validators=[no_control_characters])
    vehicles = forms.CharField(
        label=_("Vehicles"),
        required=False,
        max_length=LIST_MAX_LENGTH,
        widget=forms.Textarea,
        help_text=_("Number plates or VINs, one a line. What you take out leaves the group."),
    )

    def __init__(self, data: Any = None, *, membership: Membership, group: VehicleGroup | None = None):
        initial = None
        if group is not None:
            ids = list(group.grouped.values_list("vehicle_id", flat=True))
            initial = {"name": group.name, "vehicles": write_vehicles(membership, ids)}
        super().__init__(data, initial=initial, auto_id="group-%s")
        self.membership, self.group = membership, group

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        groups = VehicleGroup.objects.filter(team_id=self.membership.team_id, name__iexact=name)
        if groups.exclude(pk=self.group.pk if self.group else None).exists():
            raise forms.ValidationError(_("There is a group of this name already."))
        return name

    def clean_vehicles(self) -> list[UUID]:
        return _vehicles(self.membership, self.cleaned_data["vehicles"])
