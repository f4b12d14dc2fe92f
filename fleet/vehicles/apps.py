"""The app's name and label."""

from django.apps import AppConfig


class VehiclesConfig(AppConfig):
    name = "fleet.vehicles"
    label = "vehicles"
