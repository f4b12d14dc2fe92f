"""A person's own account: name and language, address, password, second factor, and where they are signed in.

The views of django-allauth do the work; here they get our rules: confirm first, 422 for a refused form, one transaction
for an act and its event, and nothing of it in any cache.
"""

import json
from typing import Any

from allauth.account.internal.flows.logout import logout
from allauth.account.models import EmailAddress
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import ConfirmEmailView, EmailView, PasswordChangeView, ReauthenticateView
from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import DownloadRecoveryCodesView, GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.internal.auth import begin_registration
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    EditWebAuthnView,
    LoginWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from allauth.usersessions.internal.flows.sessions import end_other_sessions, end_sessions
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from fleet.teams import stepup
from fleet.teams.browser_sessions import sessions_of
from fleet.teams.forms import ProfileForm
from fleet.teams.languages import remember_language
from fleet.teams.second_factor import has_second_factor, is_given
from fleet.teams.views import RefusedIs422


class Account(RefusedIs422):
    """What every view of one's own account keeps to."""

    # Asked before the page is shown, and again when it is sent: never later, with what was typed kept in a session.
    confirms_first = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return never_cache(login_required(self._dispatch_confirmed))(request, *args, **kwargs)

    def _dispatch_confirmed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.confirms_first and not stepup.is_recent(request):
            return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': request.path})}")
        with transaction.atomic():
            answer = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
            # Drawn inside the transaction as well: one that can't be drawn has not happened.
            return answer.render() if hasattr(answer, "render") and not answer.is_rendered else answer


@login_required
@never_cache
def show_account(request: HttpRequest) -> HttpResponse:
    """Show what belongs to the account; save name and language."""
    user = request.user
    initial = {"language": user.language or request.LANGUAGE_CODE}  # type: ignore[union-attr]
    form = ProfileForm(request.POST or None, instance=user, initial=initial)  # type: ignore[arg-type]
    if request.method == "POST" and form.is_valid():
        form.save()
        with override(form.cleaned_data["language"]):
            messages.success(request, _("Saved."))
        answer = redirect("account_home")
        remember_language(answer, form.cleaned_data["language"])
        return answer
    sessions = sessions_of(user, session_key=request.session.session_key)  # type: ignore[arg-type]
    context = {"form": form, "factors": _factors_of(user), "session_count": len(sessions)}
    return render(request, "account/home.html", context, status=422 if form.errors else 200)


def _factors_of(user: Any) -> dict[str, Any]:
    """Return what templates say of somebody's factors: has_app, passkeys, codes_left (None: there are none yet)."""
    rows = list(Authenticator.objects.filter(user_id=user.pk).order_by("created_at"))
    codes = next((row for row in rows if row.type == Authenticator.Type.RECOVERY_CODES), None)
    return {
        "app": next((row for row in rows if row.type == Authenticator.Type.TOTP), None),
        "passkeys": [row for row in rows if row.type == Authenticator.Type.WEBAUTHN],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
        "is_on": any(row.type != Authenticator.Type.RECOVERY_CODES for row in rows),
    }


@login_required
@never_cache
@require_GET
def show_second_factor_needed(request: HttpRequest) -> HttpResponse:
    """Say that the team demands a second factor, and lead to setting one up or to giving it."""
    back = get_next_redirect_url(request) or reverse(settings.LOGIN_REDIRECT_URL)
    if is_given(request.user):  # type: ignore[arg-type]
        return redirect(back)
    context = {"factors": _factors_of(request.user), "next": urlencode({"next": back})}
    return render(request, "mfa/needed.html", context)


class SecondFactor(Account, IndexView):  # type: ignore[misc]
    """What the person has as second factors."""

    confirms_first = False

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"factors": _factors_of(self.request.user)}


class ActivateApp(Account, ActivateTOTPView):  # type: ignore[misc]
    """Set up an authenticator app."""


class DeactivateApp(Account, DeactivateTOTPView):  # type: ignore[misc]
    """Take the authenticator app away."""


class RecoveryCodes(Account, ViewRecoveryCodesView):  # type: ignore[misc]
    """Show the recovery codes that are left."""


class NewRecoveryCodes(Account, GenerateRecoveryCodesView):  # type: ignore[misc]
    """Make new recovery codes; the old ones end."""


class DownloadRecoveryCodes(Account, DownloadRecoveryCodesView):  # type: ignore[misc]
    """Hand the recovery codes over as a file."""


class AddPasskey(Account, AddWebAuthnView):  # type: ignore[misc]
    """Add a passkey."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        # allauth would leave it to script to ask for a key that signs in by itself; then the server must ask so too.
        return (
            context
            | {"form": kwargs.get("form") or self.get_form()}
            | _options(begin_registration(self.request.user, True))
        )


class NamePasskey(Account, EditWebAuthnView):  # type: ignore[misc]
    """Give a passkey another name."""

    success_url = reverse_lazy("mfa_index")


class RemovePasskey(Account, RemoveWebAuthnView):  # type: ignore[misc]
    """Take a passkey away."""

    success_url = reverse_lazy("mfa_index")


class SecondStep(RefusedIs422, AuthenticateView):  # type: ignore[misc]
    """The second step of signing in: a code, a recovery code or a passkey."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return never_cache(super().dispatch)(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        factors = _factors_of(self.stage.login.user)
        return context | {"factors": factors} | _options(context["js_data"]["request_options"])


class Reauthenticate(Account, ReauthenticateView):  # type: ignore[misc]
    """Confirm by password who it is; whoever has a second factor is led to it."""

    confirms_first = False


class ReauthenticateByCode(Account, ReauthenticateByCodeView):  # type: ignore[misc]
    """Confirm by a code who it is."""

    confirms_first = False

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"factors": _factors_of(self.request.user)}


class ReauthenticateByPasskey(Account, ReauthenticateWebAuthnView):  # type: ignore[misc]
    """Confirm by passkey who it is."""

    confirms_first = False

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)  # type: ignore[no-any-return]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return context | {"form": kwargs.get("form")} | _options(context["js_data"]["request_options"])


class SignInByPasskey(LoginWebAuthnView):  # type: ignore[misc]
    """Sign in by passkey alone. GET answers script with what the browser is to sign; people go to the sign-in page."""


class ChangeEmail(Account, EmailView):  # type: ignore[misc]
    """Change the address: the old one stays until the new one is confirmed, and gets a letter then."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        wished = EmailAddress.objects.filter(user=user, verified=False).exclude(email__iexact=user.email).last()
        return super().get_context_data(**kwargs) | {"new_emailaddress": wished}


class ChangePassword(Account, PasswordChangeView):  # type: ignore[misc]
    """Choose another password; every other browser is signed out by it."""

    @property
    def confirms_first(self) -> bool:  # type: ignore[override]
        # The form asks for the old password by itself; a second factor is asked for before.
        return has_second_factor(self.request.user)


class ConfirmEmail(ConfirmEmailView):  # type: ignore[misc]
    """Take a confirmed address; one that became another account's meanwhile is refused."""

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            with transaction.atomic():
                return super().post(*args, **kwargs)  # type: ignore[no-any-return]
        except IntegrityError:
            messages.error(self.request, _("This link no longer works."))
            return redirect("account_login")


@login_required
@never_cache
def list_sessions(request: HttpRequest) -> HttpResponse:
    """Show where the person is signed in; POST signs all other browsers out."""
    if request.method == "POST":
        end_other_sessions(request, request.user)  # type: ignore[arg-type]
        messages.success(request, _("Signed out everywhere else."))
        return redirect("usersessions_list")
    sessions = sessions_of(request.user, session_key=request.session.session_key)  # type: ignore[arg-type]
    return render(request, "usersessions/usersession_list.html", {"sessions": sessions})


@require_POST
@login_required
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign one browser out."""
    session = UserSession.objects.filter(pk=session_id, user_id=request.user.pk).first()
    if session is None:
        raise Http404
    is_here = session.session_key == request.session.session_key
    end_sessions(request, [session])
    if is_here:
        logout(request)
        return redirect("account_login")
    messages.success(request, _("Signed out there."))
    return redirect("usersessions_list")


def _options(options: Any) -> dict[str, str]:
    return {"options": json.dumps(options, cls=DjangoJSONEncoder)}


@require_GET
@login_required
def list_passkeys(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - a view takes a request
    """Lead to the page that shows passkeys beside the other factors."""
    return redirect("mfa_index")
