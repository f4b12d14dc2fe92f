"""The app's name and label."""

from django.apps import AppConfig


class SignOnConfig(AppConfig):
    name = "fleet.sign_on"
    label = "sign_on"
