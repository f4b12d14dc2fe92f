"""The ways in by a provider, for the pages of signing in and up."""

from typing import Any

from django import template

from fleet.sign_on.configured import all_providers

register = template.Library()


@register.inclusion_tag("sign_on/buttons.html", takes_context=True)
def sign_on_buttons(context: dict[str, Any]) -> dict[str, Any]:
    """Show a link per provider of the installation, which keeps where to go afterwards; nothing where there is none."""
    return {"providers": all_providers(), "next": context.get("redirect_field_value") or ""}
