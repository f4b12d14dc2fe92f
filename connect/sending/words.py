"""What people read about lists of owners: what is wrong with a line, why something is refused."""

from django.utils.translation import gettext_lazy as _

from compatibility.vins import FAULTS

# Each goes on a sentence that begins with line and text.
PROBLEMS = {
    "not_an_address": _("is no e-mail address"),
    "twice": _("stands in the list twice"),
    "invited": _("has got this link already"),
    "bad_name": _("has a name that is too long or can’t be shown"),
    "unknown_language": _("has a language that we don’t speak; use en or de"),
    "bad_vin": _("has a VIN that is not one: 17 characters, no I, O or Q"),
    "vin_twice": _("has a VIN that somebody else has on this link"),
}

VIN_PROBLEMS = FAULTS | {
    "twice": _("Stands in the list twice."),
    "joined": _("In your team already."),
    "invited": _("Has a link of its own already."),
    "not_offered": _("This make is not offered here."),
    "not_for_link": _("This link is not for that make."),
    "unable": _("No car of this make and year can do what is needed, as far as is known."),
}

REFUSALS = {
    "link_closed": _("This link is closed: it was taken back, or its time is over."),
    "nothing": _("Write at least one address."),
    "unreadable": _("This file can’t be read as CSV."),
    "too_many_at_once": _("At most 500 at once."),
    "too_many": _("This link has as many personal links as one may have. Make another link."),
    "too_soon": _("They had a letter within the last 24 hours."),
    "too_many_letters": _("They had three letters; more would be a nuisance."),
    "waits": _("A letter is on its way already."),
    "over": _("There is nothing to remind of: done, withdrawn, or without an address."),
}
