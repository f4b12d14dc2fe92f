"""The browser of the tests: the system's Chromium under pytest-playwright. Missing, it fails loudly unless left out."""

import os
from typing import Any

import pytest

from tools import chromium


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives a browser, and run it last: Playwright keeps an event loop running in the main thread."""
    skip = pytest.mark.skip(reason="FLEETWELL_SKIP_BROWSER=1")
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):  # all of Playwright's others ask for it
            item.add_marker("browser")
            if os.environ.get("FLEETWELL_SKIP_BROWSER") == "1":
                item.add_marker(skip)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = chromium.find()
    if path is None:
        pytest.fail(chromium.MISSING)
    return {**browser_type_launch_args, "executable_path": path, "args": ["--disable-dev-shm-usage"]}
