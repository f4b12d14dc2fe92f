"""The app's name and label."""

from django.apps import AppConfig


class TeamsConfig(AppConfig):
    name = "fleet.teams"
    label = "teams"
