"""The app's name and label."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "commands.jobs"
    label = "jobs"
