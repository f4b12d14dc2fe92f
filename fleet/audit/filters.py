"""Which events of a team: what a person may ask for, as a form, and the same as a query that an index answers."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q, QuerySet
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from fleet.audit.people import MOST_FOUND, OURSELVES, SYSTEM, Person, find_people
from fleet.audit.sentences import AREAS, SENTENCES
from fleet.events.models import COMMON_KINDS, IS_BY_SOMEBODY, IS_NO_COMMAND, IS_RARE, AreaOf, Event
from fleet.teams.forms import no_control_characters
from fleet.teams.models import Membership, Team
from fleet.vehicles.access import reach_of
from fleet.vehicles.models import Vehicle

# Kinds of commands that one looks for by themselves; the rest is found by area.
FAULTS = {
    "command.failed": _("Commands that failed"),
    "command.refused": _("Commands that were refused"),
    "command.unresolved": _("Commands that were not proved"),
    "command.contradicted": _("Commands that were contradicted"),
}
VEHICLES_OF_ONE_NAME = 50
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)


class AuditFilter(forms.Form):
    """What narrows the trail; every field may stay empty. Bound to the team whose trail it is."""

    who = forms.CharField(
        label=_("Who"),
        required=False,
        max_length=400,
        validators=[no_control_characters],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=format_lazy(_("Part of a name or an address; {name} for what nobody did."), name=OURSELVES),
    )
    what = forms.ChoiceField(label=_("What"), required=False)
    vehicle = forms.CharField(
        label=_("Vehicle"),
        required=False,
        max_length=100,
        validators=[no_control_characters],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    # Named as in the address: "from" is a word of Python's.
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))

    def __init__(self, data: Any, *, membership: Membership) -> None:
        super().__init__(data, auto_id="audit-%s")
        self.membership = membership
        # Whom "who" may mean, when that is not one; more_people: not all of them are here.
        self.people: list[Person] = []
        self.more_people = False
        areas = sorted(AREAS.items(), key=lambda area: str(area[1]))
        self.fields["what"] = forms.ChoiceField(
            label=_("What"), required=False, choices=[("", _("Everything")), *areas, *FAULTS.items()]
        )

    def clean_who(self) -> str:
        """Return the actor that is meant, and show them by name; "" for anybody."""
        text = self.cleaned_data["who"].strip()
        if not text:
            return ""
        people = find_people(text, team_id=self.membership.team_id)
        if not people:
            raise forms.ValidationError(_("Nobody in the team is or was called so."))
        if len(people) > 1:
            self.people, self.more_people = people[:MOST_FOUND], len(people) > MOST_FOUND
            raise forms.ValidationError(_("Several people are called so. Choose one of them."))
        self.data = self.data.copy()
        self.data["who"] = people[0].label
        return people[0].actor

    def clean_vehicle(self) -> list[UUID]:
        """Return the vehicles that are called so, or the one with this id, removed ones too."""
        text = self.cleaned_data["vehicle"].strip()
        if not text:
            return []
        named = Q(plate__iexact=text) | Q(name__iexact=text) | Q(vin__iexact=text)
        if _as_uuid(text):
            named = Q(id=text)
        vehicles = Vehicle.objects.filter(
            named, reach_of(self.membership, "id"), team_id=self.membership.team_id
        ).values_list("id", flat=True)
        found = list(vehicles[:VEHICLES_OF_ONE_NAME])
        if not found:
            raise forms.ValidationError(_("No vehicle has this plate, name or VIN."))
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("This is before the first day."))
        return cleaned

    def narrow(self, events: QuerySet[Event]) -> QuerySet[Event]:
        """Return those of the events that the filter asks for. Only for a valid form."""
        asked = self.cleaned_data
        if asked["who"]:
            events = events.filter(_by(asked["who"]))
        if asked["what"]:
            events = _about(events, asked["what"])
        if vehicles := asked["vehicle"]:
            # One id lets the index give the order; several are rare.
            events = (
                events.filter(vehicle_id=vehicles[0]) if len(vehicles) == 1 else events.filter(vehicle_id__in=vehicles)
            )
        if asked["since"]:
            events = events.filter(at__gte=_start_of(asked["since"], self.membership.team))
        if asked["until"]:
            events = events.filter(at__lt=_start_of(asked["until"], self.membership.team, days_later=1))
        return events

    def carried(self) -> list[tuple[str, str]]:
        """Return what another form sends along to ask for the same."""
        raw = {name: self.cleaned_data["who"] if name == "who" else self[name].value() for name in self.fields}
        return [(name, value) for name, value in raw.items() if value]

    def told(self) -> dict[str, str]:
        """Return what was asked for as the log keeps it: ids and words of ours, no plate and no name."""
        asked = self.cleaned_data
        told = {name: str(asked[name]) for name in ("who", "what", "since", "until") if asked[name]}
        return told | ({"vehicle": " ".join(map(str, asked["vehicle"]))} if asked["vehicle"] else {})


def _by(who: str) -> Q:
    if who == SYSTEM:
        return Q(actor__startswith="system:")
    # The condition of the index stands beside the name, or the planner does not take it.
    return Q(actor=who) & IS_BY_SOMEBODY


def _about(events: QuerySet[Event], what: str) -> QuerySet[Event]:
    if what in SENTENCES:
        return events.filter(Q(kind=what) & (Q() if what in COMMON_KINDS else IS_RARE))
    if what == "command":
        return events.filter(kind__startswith="command.")
    return events.alias(area=AreaOf("kind")).filter(IS_NO_COMMAND, area=what)


def _start_of(day: date, team: Team, *, days_later: int = 0) -> datetime:
    # Days that no log reaches would leave what datetime can hold.
    within = min(max(day, FIRST_DAY), LAST_DAY) + timedelta(days=days_later)
    return datetime.combine(within, time(), tzinfo=team.zone).astimezone(UTC)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
