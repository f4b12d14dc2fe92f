"""The app's name and label."""

from django.apps import AppConfig


class KeepingConfig(AppConfig):
    name = "fleet.keeping"
    label = "keeping"
