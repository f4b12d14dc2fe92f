"""Password rules beyond Django's own: not longer than can be hashed in reasonable time, and not our own words."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MAXIMUM_LENGTH = 256
OWN_WORDS = ("fleetwell",)


class MaximumLengthValidator:
    """Refuse by length before hashing: a megabyte of password is an attack, not a secret."""

    def validate(self, password: str, user: object | None = None) -> None:  # noqa: ARG002
        if len(password) > MAXIMUM_LENGTH:
            raise ValidationError(_("This password is too long. Use at most 256 characters."), code="password_too_long")

    def get_help_text(self) -> str:
        return _("At most 256 characters.")


class ContextualPasswordValidator:
    """Refuse passwords built on the product's name: they are the first that are tried."""

    def validate(self, password: str, user: object | None = None) -> None:  # noqa: ARG002
        if any(word in password.lower() for word in OWN_WORDS):
            raise ValidationError(_("Don’t use the product’s name in your password."), code="password_contextual")

    def get_help_text(self) -> str:
        return _("Not built on the product’s name.")
