"""The product's settings for the chaos rig: the same, but for failpoints and a quick password hash."""

from dataclasses import replace

from fleet.adapters.providers.simulator.adapter import SimulatorAdapter
from fleet.settings import *  # noqa: F403 - a settings module is its names
from fleet.settings import STORAGES

# A maker that hangs would hold a car for a minute, a fifth of a run.
SimulatorAdapter.manifest = replace(SimulatorAdapter.manifest, answer_within_s=12.0)

FAILPOINTS = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
