"""The app's name and label, and what it does when an owner takes something back."""

from django.apps import AppConfig


class CommandsConfig(AppConfig):
    name = "commands"
    label = "commands"

    def ready(self) -> None:
        from commands.services import refuse_waiting
        from fleet.vehicles.consent import on_stop

        on_stop(refuse_waiting)
