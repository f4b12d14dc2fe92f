"""The app's name and label."""

from django.apps import AppConfig


class ConnectConfig(AppConfig):
    name = "connect"
    label = "connect"
