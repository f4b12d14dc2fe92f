"""Forms of accounts where the installation has providers, and the form that opens a team to a domain."""

from typing import Any

from allauth.account.forms import UserTokenForm as AllauthUserTokenForm
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from fleet.members.forms import GrantForm
from fleet.sign_on.accounts import check_not_required
from fleet.sign_on.configured import all_providers, required_for
from fleet.sign_on.letters import tell_required
from fleet.sign_on.providers import domain_of
from fleet.sign_on.words import REQUIRED_ADDRESS
from fleet.teams import forms as teams
from fleet.teams.models import Membership


class SignupForm(teams.SignupForm):
    """No password for people whose domain requires its provider."""

    def clean_email(self) -> Any:
        check_not_required(self.cleaned_data["email"])
        return super().clean_email()


class ResetPasswordForm(teams.ResetPasswordForm):
    """The page says the same to everybody; the letter tells people of a required provider where they sign in."""

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email: str = self.cleaned_data["email"]
        provider = required_for(email)
        if provider is None:
            return str(super().save(request, **kwargs))
        # Whether or not there is such an account, as allauth does: a letter more or less would tell.
        tell_required(email, provider)
        return email


class UserTokenForm(AllauthUserTokenForm):  # type: ignore[misc]
    """A link of earlier sets no password either."""

    def _get_user(self, uidb36: str) -> Any:
        user = super()._get_user(uidb36)
        return None if user is not None and required_for(user.email) else user


class ChangeEmailForm(teams.ChangeEmailForm):
    """Nobody leaves a required provider by taking their account to another address."""

    def clean_email(self) -> Any:
        if provider := required_for(self.user.email):
            raise ValidationError(REQUIRED_ADDRESS, code="sign_on_required", params={"provider": provider.name})
        return super().clean_email()


class DomainForm(GrantForm):
    """To which domain a team opens, and what its people get."""

    domain = forms.ChoiceField(
        label=_("Domain"), help_text=_("People with an address of it, when they come by its provider.")
    )

    def __init__(self, *args: Any, membership: Membership, **kwargs: Any) -> None:
        super().__init__(*args, membership=membership, **kwargs)
        served = [(domain, f"{domain} · {one.name}") for one in all_providers() for domain in sorted(one.domains)]
        self.fields["domain"].choices = served  # type: ignore[attr-defined]
        self.fields["domain"].initial = domain_of(membership.user.email)
