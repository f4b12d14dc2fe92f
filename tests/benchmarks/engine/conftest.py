"""The fixtures of commands: a team and its car at the simulator."""

from tests.commands.conftest import link, membership  # noqa: F401 - fixtures
