"""The app's name and label."""

from django.apps import AppConfig


class CommandsConfig(AppConfig):
    name = "commands"
    label = "commands"
