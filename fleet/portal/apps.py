"""The app's name and label."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "fleet.portal"
    label = "portal"
