"""Addresses of teams."""

from django.urls import path

from fleet.teams import team_views

app_name = "teams"
urlpatterns = [
    path("settings/", team_views.edit_settings, name="settings"),
    path("new/", team_views.new_team, name="new"),
    path("<uuid:team_id>/choose/", team_views.choose_team, name="choose"),
]
