"""Sets the tests up: servers of the run's own, then Django. The fixtures are in tests/infrastructure."""

import importlib.util
import os

import django

# The addresses must be in the environment before Django reads its settings, and Django must be ready before
# a conftest further down imports models: so both happen on import, and DJANGO_SETTINGS_MODULE is not in pyproject.toml.
from tests.infrastructure.servers import servers  # noqa: F401

pytest_plugins = ["tests.infrastructure.browser", "tests.infrastructure.simulator"]
# Until every app has its models there is no Django to set up; what needs none can be tested all the same.
if all(map(importlib.util.find_spec, ["fleet.logs", "fleet.teams.models", "connect.models", "commands.models"])):
    django.setup()
    pytest_plugins += [
        "tests.infrastructure.databases",
        "tests.infrastructure.stack",
        "tests.infrastructure.workers",
    ]
else:
    os.environ.pop("DJANGO_SETTINGS_MODULE")
