"""What a provider changes in sign-in by password, passkey and letter: people of a domain that requires it come by it.

The domain of an address decides, whoever has an account or not: so every address of it is answered alike.
"""

from typing import Any

from allauth.account.internal.stagekit import clear_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from fleet.sign_on.configured import required_for
from fleet.sign_on.providers import domain_of
from fleet.sign_on.ways_out import show_way_out
from fleet.sign_on.words import REQUIRED
from fleet.teams.accounts import AccountAdapter
from fleet.teams.by_provider import can_use_password
from fleet.teams.models import User
from fleet.teams.second_factor import has_second_factor


class SignOnAccountAdapter(AccountAdapter):
    """The rules of accounts where the installation has providers."""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse a password before it is looked at."""
        check_not_required(str(credentials.get("email") or ""))
        super().pre_authenticate(request, **credentials)

    def pre_login(self, request: HttpRequest, user: User, **about: Any) -> HttpResponse | None:
        """Let nobody in by another way than the one that their domain requires: the one gate of all ways in."""
        provider = required_for(user.email)
        if provider is not None and (about.get("signal_kwargs") or {}).get("provider") != provider.id:
            clear_login(request)
            return show_way_out(request, "required", provider)
        answer: HttpResponse | None = super().pre_login(request, user, **about)
        return answer

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Offer the provider to whoever has nothing else to confirm with."""
        methods = super().get_reauthentication_methods(user)
        if not isinstance(user, User) or has_second_factor(user) or can_use_password(user):
            return methods
        methods = [method for method in methods if method["id"] != "reauthenticate"]
        by_provider = {"id": "sign_on", "description": _("Confirm at your provider"), "url": reverse("sign_on_confirm")}
        return [*methods, by_provider]


def check_not_required(address: str) -> None:
    """Raise ValidationError where people of an address come in by their provider alone."""
    if provider := required_for(address):
        words = {"domain": domain_of(address), "provider": provider.name}
        raise ValidationError(REQUIRED, code="sign_on_required", params=words)
