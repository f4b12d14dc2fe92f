"""Addresses of teams and their domains; there only where the installation has providers."""

from django.urls import path

from fleet.sign_on import team_views

app_name = "sign_on"
urlpatterns = [
    path("", team_views.list_domains, name="domains"),
    path("<uuid:domain_id>/close/", team_views.close_domain, name="close"),
]
