"""The Celery application. Tasks live in each app's tasks.py; what runs when, in fleet.timetable."""

import os

from celery import Celery

import fleet.broker  # noqa: F401 - importing it is what mends the broker's client

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet.settings")

app = Celery("fleetwell")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
