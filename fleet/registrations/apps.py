"""The app's name and label."""

from django.apps import AppConfig


class RegistrationsConfig(AppConfig):
    name = "fleet.registrations"
    label = "registrations"
