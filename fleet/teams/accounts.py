"""How sign-up and sign-in of django-allauth become our people and teams."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from fleet.teams.models import User
from fleet.teams.services import sign_up


class AccountAdapter(DefaultAccountAdapter):
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Save the person and their first team together, so that nobody is ever without one."""
        user.email = form.cleaned_data["email"].lower()
        user.name = form.cleaned_data["name"]
        user.language = getattr(request, "LANGUAGE_CODE", "")
        user.set_password(form.cleaned_data["password1"])
        if commit:
            sign_up(user=user, team_name=form.cleaned_data["team_name"])
        return user

    def populate_username(self, request: HttpRequest, user: User) -> None:
        """People have no user name; the e-mail address is the name."""
