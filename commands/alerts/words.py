"""What people read of alerts. One table each, translated."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from commands.alerts.models import Alert
from commands.words import LABELS, reason_of, words_for
from fleet.adapters.commands import KINDS

TITLES = {
    "contradicted": gettext_lazy("Contradicted"),
    "not_proved": gettext_lazy("Not proved"),
    "parked": gettext_lazy("Stopped on our side"),
    "provider_down": gettext_lazy("A maker’s service does not answer"),
    "other": gettext_lazy("Please look"),
}
TONES = {"contradicted": "danger", "not_proved": "warn", "parked": "danger", "provider_down": "warn", "other": "warn"}


def title_of(alert: Alert) -> str:
    """Return what the alert is about: the command, else what happened."""
    return str(LABELS[alert.command.kind]) if alert.command is not None else str(TITLES[alert.kind])


def sentence_of(alert: Alert) -> str:
    """Return what happened and what to do, in one or two sentences."""
    if alert.command is None:
        return reason_of(alert.data.get("code", "")) or str(TITLES[alert.kind])
    if alert.kind == "contradicted":
        return _told_otherwise(alert)
    return reason_of(alert.data.get("error", "")) or str(TITLES[alert.kind])


def _told_otherwise(alert: Alert) -> str:
    data, command = alert.data, alert.command
    signal = KINDS[command.kind].signal or ""
    if data.get("error") == "contradicted":
        said = words_for(signal, command.after)
        if not said:
            return reason_of("contradicted")
        return _("It was sent, and the car still says “%(said)s”. Please look at the car.") % {"said": said}
    said = words_for(data.get("signal", ""), data.get("value"))
    if said:
        return _(
            "It was confirmed, and afterwards the car said “%(said)s”. Somebody may have done that by hand, or it "
            "never happened."
        ) % {"said": said}
    if data.get("said") in {"confirmed", "sent"}:
        return _("We said that it was not done, and afterwards the maker reported that it was. Please look at the car.")
    return _("We said that it was done, and afterwards the maker reported that it was not. Please look at the car.")
