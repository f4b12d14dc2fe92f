"""The browser of the tests: the system's Chromium under pytest-playwright. Missing, it fails loudly unless left out."""

import os
from collections.abc import Iterator
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
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Nothing moves: without a graphics card every frame of an endless animation is drawn by the processor."""
    return {**browser_context_args, "reduced_motion": "reduce"}


@pytest.fixture(autouse=True)
def _pages_are_closed_after_the_test(request: pytest.FixtureRequest) -> Iterator[None]:
    browser = request.getfixturevalue("browser") if "browser" in request.fixturenames else None
    yield
    for context in browser.contexts if browser else ():
        context.close()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = chromium.find()
    if path is None:
        pytest.fail(chromium.MISSING)
    return {**browser_type_launch_args, "executable_path": path, "args": ["--disable-dev-shm-usage"]}
