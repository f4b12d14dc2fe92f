"""Sign-in, sign-up and password reset of django-allauth, with the status that a refused form has everywhere here."""

from typing import Any

from allauth.account.views import LoginView, PasswordResetFromKeyView, PasswordResetView, SignupView
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from fleet.teams.installation import is_fresh, may_sign_up

# The codes of allauth for too many tries, and for how long it counts them.
TOO_MANY = {"too_many_login_attempts", "rate_limited"}
WAIT_S = 300


class RefusedIs422:
    """A form that is shown again with its errors was refused: 422, not 200; and 429 after too many tries."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        if answer.status_code == 429:
            answer.headers.setdefault("Retry-After", str(WAIT_S))
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        if answer.status_code == 200:
            codes = {error.code for errors in form.errors.as_data().values() for error in errors}
            answer.status_code = 429 if codes & TOO_MANY else 422
        return answer


class SignIn(RefusedIs422, LoginView):
    """Sign in by e-mail."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"may_sign_up": may_sign_up(self.request), "is_fresh": is_fresh()}


class SignUp(RefusedIs422, SignupView):
    """Sign up with a first team; the very first person looks after the installation from then on."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"is_fresh": is_fresh()}


class ResetPassword(RefusedIs422, PasswordResetView):
    """Ask for a link to choose a new password."""


class ChooseNewPassword(RefusedIs422, PasswordResetFromKeyView):
    """Choose a new password by the link."""
