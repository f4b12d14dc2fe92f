"""What people of the team read of a connection's health, in both languages."""

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from connect.cockpit.health import Health, State

TITLES: dict[State, Promise] = {
    State.NEEDS_OWNER: _("Needs the owner"),
    State.SILENT: pgettext_lazy("connection", "Silent"),
    State.MAKER_DOWN: _("Maker out of reach"),
    State.NEEDS_PAIRING: _("Needs pairing"),
    State.ENDS_SOON: _("Ends soon"),
    State.LIMITED: pgettext_lazy("connection", "Limited"),
    State.NEW: pgettext_lazy("connection", "Just joined"),
    State.WORKS: pgettext_lazy("connection", "Works"),
    State.ENDED: pgettext_lazy("connection", "Ended"),
}
TONES = {
    State.NEEDS_OWNER: "danger",
    State.SILENT: "warn",
    State.MAKER_DOWN: "warn",
    State.NEEDS_PAIRING: "warn",
    State.ENDS_SOON: "warn",
    State.LIMITED: "accent",
    State.NEW: "",
    State.WORKS: "ok",
    State.ENDED: "",
}
SIGNS = {
    State.NEEDS_OWNER: "user",
    State.SILENT: "question",
    State.MAKER_DOWN: "offline",
    State.NEEDS_PAIRING: "key",
    State.ENDS_SOON: "hourglass",
    State.LIMITED: "info",
    State.NEW: "clock",
    State.WORKS: "check",
    State.ENDED: "ban",
}
# By state and why; {day} and {since} are put in when they are known.
SENTENCES: dict[tuple[State, str], Promise] = {
    (State.NEEDS_OWNER, ""): _("The maker no longer takes our access. The owner has to sign in again."),
    (State.SILENT, "silent"): _("The maker answers, but not about this car."),
    (State.SILENT, "never"): _("The maker has never answered about this car."),
    (State.SILENT, "unlisted"): _("The maker no longer lists this car in the owner’s account."),
    (State.MAKER_DOWN, "off"): _("This maker is switched off in this installation."),
    (State.MAKER_DOWN, "refusing"): _("The maker refuses many logins at once. The owner need not do anything."),
    (State.MAKER_DOWN, "breaker"): _("The maker does not answer. The owner need not do anything."),
    (State.MAKER_DOWN, "held"): _("The maker asked us to wait until %(until)s."),
    (State.MAKER_DOWN, "sign_in"): _("The maker’s sign-in does not answer; we go on trying."),
    (State.NEEDS_PAIRING, ""): _("The owner has to pair our key with the car before it takes commands."),
    (State.ENDS_SOON, "consent"): _("The owner gave it until %(until)s."),
    (State.ENDS_SOON, "grant"): _("The maker ends every sign-in after a time; this one on %(until)s."),
    (State.ENDS_SOON, "idle"): _("It could not be renewed and dies unused on %(until)s."),
    (State.ENDS_SOON, "refused"): _("The maker refused it once. We ask again before we trouble the owner."),
    (State.LIMITED, ""): _("What you need was not all given."),
    (State.NEW, ""): _("The maker has not answered about it yet."),
    (State.WORKS, ""): _("The maker answers about this car."),
    (State.ENDED, "consent"): _("It was given until %(until)s."),
    (State.ENDED, "taken_back"): _("The sharing was ended."),
}
ENDS: dict[str, Promise] = {
    "consent": _("as the owner gave it"),
    "grant": _("the maker’s limit"),
    "idle": _("not renewed for too long"),
    "refused": _("unless the maker takes it again"),
}


def sentence(health: Health) -> str:
    """Return what is the matter, in one sentence."""
    words = str(SENTENCES[health.state, health.why])
    moment = health.until or health.since
    if moment is None or "%(until)s" not in words:
        return words
    local = timezone.localtime(moment)
    is_clock = health.why == "held" and abs(local - timezone.localtime()).days < 1
    return words % {"until": date_format(local, "TIME_FORMAT" if is_clock else pgettext("date format", "j M Y"))}


def why_ends(health: Health) -> str:
    """Return of what the expected end comes; "" without one."""
    return str(ENDS[health.end.why]) if health.end else ""
