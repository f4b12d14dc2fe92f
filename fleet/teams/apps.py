"""The app's name and label; ready() connects what happens to accounts with the log."""

from django.apps import AppConfig


class TeamsConfig(AppConfig):
    name = "fleet.teams"
    label = "teams"

    def ready(self) -> None:
        from fleet.teams import account_events

        account_events.connect()
