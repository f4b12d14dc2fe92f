"""How sign-up and sign-in of django-allauth become our people and teams."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language, override

from fleet.teams.installation import crown_first, may_sign_up
from fleet.teams.joining import invited_address
from fleet.teams.languages import remember_language
from fleet.teams.models import User
from fleet.teams.services import sign_up


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return may_sign_up(request)

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Save the person and their first team together; who was invited joins that team next (fleet.members)."""
        user.email = form.cleaned_data["email"].lower()
        user.name = form.cleaned_data["name"]
        user.language = getattr(request, "LANGUAGE_CODE", "")
        user.set_password(form.cleaned_data["password1"])
        if commit and "team_name" in form.cleaned_data:
            sign_up(user=user, team_name=form.cleaned_data["team_name"])
        elif commit:
            with transaction.atomic():
                user.save()
                crown_first(user)
        return user

    def is_email_verified(self, request: HttpRequest, email: str) -> bool:
        """Say whether an address is known to be theirs: who holds the link of a letter has read that letter."""
        return email.lower() == invited_address(request) or super().is_email_verified(request, email)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Go on with the invitation that is in hand, whatever stood between: a letter to confirm, a second factor."""
        if invited_address(request) is not None:
            return reverse("members:join")
        url: str = super().get_login_redirect_url(request)
        return url

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Speak the person's own language in the browser in which they sign in, whichever it is."""
        response: HttpResponse = super().post_login(request, user, **kwargs)
        remember_language(response, user.language)
        return response

    def render_mail(self, template_prefix: str, email: Any, context: dict[str, Any], headers: Any = None) -> Any:
        """Write a letter in the language of whom it is for, whatever the browser speaks that asked for it."""
        user = context.get("user")
        with override(getattr(user, "language", "") or get_language()):
            return super().render_mail(template_prefix, email, context, headers)

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return self.get_login_redirect_url(request)

    def send_account_already_exists_mail(self, email: str) -> None:
        """Tell the owner of the address, after all the work of a new account, so that the time tells nobody."""
        from fleet.teams.account_events import tell_taken_sign_up  # needs the models

        tell_taken_sign_up(email, password_hash=make_password(email), with_team=invited_address(self.request) is None)
        super().send_account_already_exists_mail(email)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:  # noqa: ARG002
        from fleet.teams.account_events import tell_failed_sign_in  # needs the models

        tell_failed_sign_in(str(credentials.get("email") or ""))

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:  # noqa: ARG002
        """Say whether somebody has to confirm who they are before touching the account: as before a risky command."""
        from fleet.teams.stepup import is_recent

        return not is_recent(self.request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Offer the second factor where there is one: then a password alone proves nothing."""
        from fleet.teams.second_factor import has_second_factor

        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if isinstance(user, User) and has_second_factor(user):
            return [method for method in methods if method["id"] != "reauthenticate"]
        return methods

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:  # noqa: ARG002
        return reverse("account_home")

    def populate_username(self, request: HttpRequest, user: User) -> None:
        """People have no user name; the e-mail address is the name."""
