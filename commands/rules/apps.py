"""The app's name and label."""

from django.apps import AppConfig


class RulesConfig(AppConfig):
    name = "commands.rules"
    label = "rules"
