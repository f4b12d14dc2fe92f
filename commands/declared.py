"""What is declared of cars like this one, in the words of a button."""

from django.utils.dates import MONTHS
from django.utils.translation import gettext as _

from commands.availability import Availability
from commands.words import NOT_OFFERED
from compatibility.facts_of_providers import condition_text
from compatibility.lookup import Declared
from compatibility.words import Support


def why_not_offered(availability: Availability) -> str:
    """Return why a button is not offered; what is only declared of cars like it says of when it is."""
    words = str(NOT_OFFERED[availability.code])
    answer = availability.answer
    if availability.code == "not_offered" and answer is not None and answer.provider:
        return _("Not offered by %(provider)s") % {"provider": answer.provider}
    declared = answer.declared if answer is not None else None
    if availability.code == "not_declared" and declared is not None and declared.as_of is not None:
        when = {"month": MONTHS[declared.as_of.month], "year": declared.as_of.year}
        return f"{words} ({_('as of %(month)s %(year)s') % when})"
    return words


def what_is_declared(availability: Availability) -> str:
    """Return what is known of a command of which the maker did not say whether this very car has it."""
    answer = availability.answer
    match answer.support if answer is not None else Support.UNKNOWN:
        case Support.FULL:
            return _("Works on cars like this")
        case Support.PARTIAL if answer is not None:
            return _condition(answer.declared)
    return _("Not known whether this car can")


def _condition(declared: Declared) -> str:
    if declared.condition:
        return _("With a condition: %(condition)s") % {"condition": condition_text(declared.condition)}
    return _("Works on some cars like this")
