"""Every page is looked at in English and in German."""

from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page


@pytest.fixture(params=["en", "de"])
def context(browser: Browser, browser_context_args: dict[str, Any], request: pytest.FixtureRequest) -> BrowserContext:
    return browser.new_context(**browser_context_args, locale=request.param)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
