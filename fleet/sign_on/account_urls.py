"""Addresses of signing in by a provider; there only where the installation has providers."""

from django.urls import path

from fleet.sign_on import views

# No app_name: they stand beside those of accounts, and everybody may open them.
urlpatterns = [
    path("confirm/", views.confirm, name="sign_on_confirm"),
    path("<slug:provider_id>/", views.begin, name="sign_on_begin"),
    path("<slug:provider_id>/callback/", views.callback, name="sign_on_callback"),
]
