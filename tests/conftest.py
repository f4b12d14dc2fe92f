"""Sets the tests up: servers of the run's own, then Django. The fixtures are in tests/infrastructure."""

import django

# The addresses must be in the environment before Django reads its settings, and Django must be ready before
# a conftest further down imports models: so both happen on import, and DJANGO_SETTINGS_MODULE is not in pyproject.toml.
from tests.infrastructure.leaving import stay_on_this_machine
from tests.infrastructure.servers import servers  # noqa: F401

stay_on_this_machine()
django.setup()

pytest_plugins = [
    "tests.infrastructure.browser",
    "tests.infrastructure.canary",
    "tests.infrastructure.databases",
    "tests.infrastructure.facts",
    "tests.infrastructure.identity",
    "tests.infrastructure.simulator",
    "tests.infrastructure.stack",
    "tests.infrastructure.workers",
]
