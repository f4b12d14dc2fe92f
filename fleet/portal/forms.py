"""Forms of an owner's pages. They check shape; services act."""

from datetime import time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fleet.teams.zones import zone_names
from fleet.vehicles.consent import MOST_WINDOWS

DAYS = (
    ("1", pgettext_lazy("weekday", "Mon")),
    ("2", pgettext_lazy("weekday", "Tue")),
    ("3", pgettext_lazy("weekday", "Wed")),
    ("4", pgettext_lazy("weekday", "Thu")),
    ("5", pgettext_lazy("weekday", "Fri")),
    ("6", pgettext_lazy("weekday", "Sat")),
    ("7", pgettext_lazy("weekday", "Sun")),
)


class AskForm(forms.Form):
    """Where to send a new link."""

    email = forms.EmailField(
        label=_("Your e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("The one that you gave when you shared your car."),
    )


class HoursForm(forms.Form):
    """Private hours as rows of days, from and until, and the zone in which they count. A row without days is left out.

    windows: as Owner.private_hours, set by a valid form.
    """

    time_zone = forms.ChoiceField(label=_("Time zone"))

    def __init__(self, *args: Any, windows: list[dict[str, Any]], zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = zone_names()
        zones = names if zone in names or not zone else (zone, *names)
        self.fields["time_zone"].choices = [(name, name.replace("_", " ")) for name in zones]  # type: ignore[attr-defined]
        self.fields["time_zone"].initial = zone
        self.rows = min(len(windows) + 1, MOST_WINDOWS) if not self.is_bound else self._rows_sent()
        for n in range(self.rows):
            self._add_row(n, windows[n] if n < len(windows) else {})
        self.windows: list[dict[str, Any]] = []

    def _rows_sent(self) -> int:
        return sum(f"from_{n}" in self.data for n in range(MOST_WINDOWS))

    def _add_row(self, n: int, window: dict[str, Any]) -> None:
        self.fields[f"days_{n}"] = forms.MultipleChoiceField(
            label=_("Days"),
            choices=DAYS,
            required=False,
            widget=forms.CheckboxSelectMultiple,
            initial=[str(day) for day in window.get("days", [])],
        )
        for name, label in (("from", pgettext_lazy("time", "From")), ("until", pgettext_lazy("time", "Until"))):
            self.fields[f"{name}_{n}"] = forms.TimeField(
                label=label,
                required=False,
                input_formats=["%H:%M"],
                widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
                initial=window.get(name),
            )

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return the rows for the page: the days, and both times."""
        return [{"days": self[f"days_{n}"], "times": [self[f"from_{n}"], self[f"until_{n}"]]} for n in range(self.rows)]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for n in range(self.rows):
            if cleaned.get(f"days_{n}"):
                self._read_row(n, cleaned)
        return cleaned

    def _read_row(self, n: int, cleaned: dict[str, Any]) -> None:
        begins, ends = cleaned.get(f"from_{n}"), cleaned.get(f"until_{n}")
        for name, value in (("from", begins), ("until", ends)):
            if value is None and f"{name}_{n}" not in self.errors:
                self.add_error(f"{name}_{n}", _("Please give a time."))
        if not isinstance(begins, time) or not isinstance(ends, time):
            return
        if begins == ends:
            self.add_error(f"until_{n}", _("It has to end at another time than it begins."))
            return
        days = [int(day) for day in cleaned[f"days_{n}"]]
        self.windows.append({"days": days, "from": f"{begins:%H:%M}", "until": f"{ends:%H:%M}"})
