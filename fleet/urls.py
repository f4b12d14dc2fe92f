"""All addresses of the product; each app keeps its own."""

from django.urls import include, path
from django.views.generic import RedirectView

from fleet.live.views import healthz

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="vehicles:list"), name="home"),
    path("healthz", healthz, name="healthz"),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("vehicles/", include("fleet.vehicles.urls")),
    path("live/", include("fleet.live.urls")),
    path("", include("commands.urls")),
    path("", include("connect.urls")),
]
