"""The app's name and label."""

from django.apps import AppConfig


class ProgramsConfig(AppConfig):
    name = "commands.programs"
    label = "programs"
