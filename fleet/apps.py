"""The project as an app: its templates' tags, and the Celery application that tasks are published through."""

from importlib import import_module

from django.apps import AppConfig


class FleetConfig(AppConfig):
    name = "fleet"
    label = "fleet"

    def ready(self) -> None:
        # shared_task publishes through whichever Celery app was made in this process.
        import_module("fleet.celery")
