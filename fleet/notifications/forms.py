"""The form of the settings: two ticks for each kind, quiet hours, the clock they are read by."""

from datetime import time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.notifications.choices import Choices
from fleet.notifications.kinds import KINDS, NoticeKind
from fleet.notifications.models import Preferences
from fleet.teams.zones import zone_names

BELL, LETTER = "bell", "letter"


class SettingsForm(forms.Form):
    """What a person is told of. What can't be switched off has no field."""

    quiet_from = forms.TimeField(label=_("From"), required=False, widget=forms.TimeInput({"type": "time"}, "%H:%M"))
    quiet_until = forms.TimeField(label=_("Until"), required=False, widget=forms.TimeInput({"type": "time"}, "%H:%M"))
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)

    def __init__(self, data: Any, *, row: Preferences | None) -> None:
        choices = Choices(dict(row.choices) if row else {})
        initial: dict[str, Any] = {}
        for kind in choosable():
            initial |= {name_of(BELL, kind): choices.bell(kind.key), name_of(LETTER, kind): choices.letter(kind.key)}
        if row is not None:
            hours = {"quiet_from": row.quiet_from, "quiet_until": row.quiet_until}
            initial |= {name: f"{at:%H:%M}" for name, at in hours.items() if at} | {"time_zone": row.time_zone}
        super().__init__(data, initial=initial, auto_id="notifications-%s")
        for kind in choosable():
            for channel in (BELL, LETTER):
                self.fields[name_of(channel, kind)] = forms.BooleanField(required=False)
        zones = [(name, name.replace("_", " ")) for name in zone_names()]
        self.fields["time_zone"].choices = [("", _("That of your team")), *zones]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        starts, ends = cleaned.get("quiet_from"), cleaned.get("quiet_until")
        if "quiet_from" in cleaned and "quiet_until" in cleaned:
            if (starts is None) != (ends is None):
                missing = "quiet_until" if ends is None else "quiet_from"
                self.add_error(missing, _("Quiet hours need both ends, or none."))
            elif starts is not None and starts == ends:
                self.add_error("quiet_until", _("This is the same time: the quiet hours would never end."))
        return cleaned

    def rows(self) -> list[dict[str, Any]]:
        """Return the lines of the table by area: each kind with its fields, None where there is nothing to choose."""
        areas: dict[str, list[dict[str, Any]]] = {}
        for kind in KINDS.values():
            fields = {channel: None if kind.is_sure else self[name_of(channel, kind)] for channel in (BELL, LETTER)}
            areas.setdefault(str(kind.area), []).append({"kind": kind, **fields})
        return [{"title": title, "rows": rows} for title, rows in areas.items()]

    def chosen(self) -> dict[str, tuple[bool, bool]]:
        """Return kind to (bell, letter). Only for a valid form."""
        data = self.cleaned_data
        return {kind.key: (data[name_of(BELL, kind)], data[name_of(LETTER, kind)]) for kind in choosable()}

    def quiet_hours(self) -> tuple[time | None, time | None]:
        """Return both ends. Only for a valid form."""
        return self.cleaned_data["quiet_from"], self.cleaned_data["quiet_until"]


def choosable() -> list[NoticeKind]:
    """Return the kinds that a person may switch on and off."""
    return [kind for kind in KINDS.values() if not kind.is_sure]


def name_of(channel: str, kind: NoticeKind) -> str:
    return f"{channel}-{kind.key}"
