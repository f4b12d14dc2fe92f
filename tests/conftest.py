"""Sets the tests up: servers of the run's own, then Django. The fixtures are in tests/infrastructure."""

import importlib.util
import os

import django

# The addresses must be in the environment before Django reads its settings, and Django must be ready before
# a conftest further down imports models: so both happen on import, and DJANGO_SETTINGS_MODULE is not in pyproject.toml.
from tests.infrastructure.servers import servers  # noqa: F401

pytest_plugins = []
if importlib.util.find_spec("fleet.teams.models"):
    django.setup()
    pytest_plugins += ["tests.infrastructure.databases"]
else:  # the apps are being written: until the user model exists there is no Django to set up
    os.environ.pop("DJANGO_SETTINGS_MODULE")
