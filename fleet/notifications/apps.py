"""The app's name and label; listens for sign-ins."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "fleet.notifications"
    label = "notifications"

    def ready(self) -> None:
        from fleet.notifications import devices

        devices.connect()
