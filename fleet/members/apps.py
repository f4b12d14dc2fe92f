"""The app's name and label."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    name = "fleet.members"
    label = "members"
