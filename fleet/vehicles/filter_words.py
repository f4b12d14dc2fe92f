"""A filter of vehicles in words, for the chips above a list and for whoever reads what a job or schedule was for."""

from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy

from fleet.adapters.rules import InvalidParameter
from fleet.vehicles.filters import VehicleFilter

ONLINE = {
    "online": gettext_lazy("Online"),
    "asleep": gettext_lazy("Asleep"),
    "offline": gettext_lazy("Offline"),
}
LINKS = {
    "ok": gettext_lazy("Connected"),
    "needs_owner": gettext_lazy("Owner must sign in again"),
    "ended": gettext_lazy("Not connected"),
}
# What a yes and a no are called.
YES_NO = {
    "charging": (pgettext_lazy("state", "Charging"), gettext_lazy("Not charging")),
    "plugged": (gettext_lazy("Plugged in"), gettext_lazy("Not plugged in")),
    "locked": (gettext_lazy("Locked"), gettext_lazy("Unlocked")),
}
ERRORS = {
    "not_a_number": gettext_lazy("Please enter a number."),
    "out_of_range": gettext_lazy("Choose a value from %(minimum)s to %(maximum)s."),
    "too_long": gettext_lazy("Use at most %(maximum)s characters."),
    "missing": gettext_lazy("Please fill this in."),
    "control_characters": gettext_lazy("This text holds characters that can’t be shown."),
    "taken": gettext_lazy("Somebody just saved another filter under this name."),
    "too_many": gettext_lazy("These are too many. Choose at most %(maximum)s."),
}


@dataclass(frozen=True)
class Choices:
    """What of a filter is chosen, group by group, in words; empty where nothing is."""

    makes: str
    state: str
    charge: str


def choices_of(chosen: VehicleFilter) -> Choices:
    """Return what is chosen per group of the filter bar."""
    return Choices(", ".join([*chosen.makes, *chosen.models]), ", ".join(_states(chosen)), _charge(chosen))


def words_of(chosen: VehicleFilter) -> list[str]:
    """Return a filter as a list of short phrases; "All vehicles" for one that narrows nothing."""
    words = [f"“{chosen.text}”"] if chosen.text else []
    words += [*chosen.makes, *chosen.models, *_states(chosen), *filter(None, [_charge(chosen)])]
    if chosen.ids is not None:
        many = len(chosen.ids)
        chosen_words = ngettext("%(many)s chosen vehicle", "%(many)s chosen vehicles", many)
        words.append(chosen_words % {"many": number_format(many, 0, force_grouping=True)})
    return words or [_("All vehicles")]


def error_of(error: InvalidParameter) -> str:
    """Return one sentence for a value of a filter that makes no sense."""
    return str(ERRORS.get(error.code, _("This filter makes no sense."))) % error.limits


def _states(chosen: VehicleFilter) -> list[str]:
    words = [str(ONLINE[word]) for word in chosen.online if word in ONLINE]
    for name, (yes, no) in YES_NO.items():
        value = getattr(chosen, name)
        if value is not None:
            words.append(str(yes if value else no))
    return [*words, *([str(LINKS[chosen.link])] if chosen.link else [])]


def _charge(chosen: VehicleFilter) -> str:
    below, above = (
        None if value is None else number_format(value, 0 if value == int(value) else 1)
        for value in (chosen.soc_below, chosen.soc_above)
    )
    if below is not None and above is not None:
        return _("%(above)s to %(below)s %%") % {"above": above, "below": below}
    if below is not None:
        return pgettext("charge", "below %(below)s %%") % {"below": below}
    return pgettext("charge", "above %(above)s %%") % {"above": above} if above is not None else ""
