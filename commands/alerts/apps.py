"""The app's name and label."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "commands.alerts"
    label = "alerts"
