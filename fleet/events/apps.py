"""The app's name and label."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "fleet.events"
    label = "events"
