"""All addresses of the product; each app keeps its own."""

from django.conf import settings
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from fleet.live.views import healthz
from fleet.registrations.views import tesla_public_key
from fleet.teams.stepup import counts_as_sign_in
from fleet.teams.views import ChooseNewPassword, ResetPassword, SignIn, SignUp

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="vehicles:list"), name="home"),
    path("healthz", healthz, name="healthz"),
    path("accounts/login/", SignIn.as_view(), name="account_login"),
    path("accounts/signup/", counts_as_sign_in(SignUp.as_view()), name="account_signup"),
    path("accounts/password/reset/", ResetPassword.as_view(), name="account_reset_password"),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        ChooseNewPassword.as_view(),
        name="account_reset_password_from_key",
    ),
    # Whoever has no password chooses one by letter, like whoever forgot it.
    path(
        "accounts/password/set/",
        RedirectView.as_view(pattern_name="account_reset_password"),
        name="account_set_password",
    ),
    path("accounts/", include("fleet.teams.account_urls")),
    path("accounts/", include("fleet.audit.account_urls")),
    # Not allauth.urls as a whole: its pages of providers would stand beside ours.
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("teams/", include("fleet.teams.urls")),
    path("teams/", include("fleet.keeping.urls")),
    path("installation/", include("fleet.teams.installation_urls")),
    path("installation/providers/", include("fleet.registrations.installation_urls")),
    path("providers/", include("fleet.registrations.urls")),
    path(".well-known/appspecific/com.tesla.3p.public-key.pem", tesla_public_key, name="tesla_public_key"),
    path("vehicles/", include("fleet.vehicles.urls")),
    path("live/", include("fleet.live.urls")),
    path("audit/", include("fleet.audit.urls")),
    path("notifications/", include("fleet.notifications.urls")),
    path("", include("fleet.members.urls")),
    path("budgets/", include("fleet.budgets.urls")),
    path("rules/", include("commands.rules.urls")),
    path("jobs/", include("commands.jobs.urls")),
    path("alerts/", include("commands.alerts.urls")),
    path("", include("commands.programs.urls")),
    path("", include("commands.urls")),
    path("compatibility/", include("compatibility.urls")),
    path("api/", include("fleet.api")),
    path("my/", include("fleet.portal.urls")),
    path("", include("connect.urls")),
]
if settings.SIGN_ON_PROVIDERS:
    urlpatterns += [
        path("accounts/sign-on/", include("fleet.sign_on.account_urls")),
        path("teams/sign-on/", include("fleet.sign_on.urls")),
    ]
