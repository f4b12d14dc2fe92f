"""The state of a car with its age, inside pages of other apps, put there by the template and not by an import."""

from django import template

from commands.proof import Known, known_of
from fleet.vehicles.readings import Readings

register = template.Library()


@register.simple_tag
def known_state(kind: str, readings: Readings, source_name: str) -> Known | None:
    """Return what the car last said about what a command decides, for c/known.html; None when it said nothing."""
    return known_of(kind, readings, source_name)
