"""Sign-in, sign-up and password reset of django-allauth, with the status that a refused form has everywhere here."""

from typing import Any

from allauth.account.views import LoginView, PasswordResetFromKeyView, PasswordResetView, SignupView
from django.http import HttpResponse


class RefusedIs422:
    """A form that is shown again with its errors was refused: 422, not 200."""

    def form_invalid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        if answer.status_code == 200:
            answer.status_code = 422
        return answer


class SignIn(RefusedIs422, LoginView):
    """Sign in by e-mail."""


class SignUp(RefusedIs422, SignupView):
    """Sign up with a first team."""


class ResetPassword(RefusedIs422, PasswordResetView):
    """Ask for a link to choose a new password."""


class ChooseNewPassword(RefusedIs422, PasswordResetFromKeyView):
    """Choose a new password by the link."""
