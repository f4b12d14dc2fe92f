"""Checks that any browser test can make of the page it is on: accessible, no sideways scroll, a quiet console."""

from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Page

AXE = Path(__file__).parent.parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What passed stays in the browser: to hand it over costs as much again as to find it.
RUN = "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']}).then(found => found.violations)"
# One pixel of rounding is no scroll bar.
TOLERANCE_PX = 1


def find_accessibility_faults(page: Page) -> list[dict[str, Any]]:
    """Run axe on the page as it is now and return what it found, short enough to read in a failing test.

    axe is evaluated by the debugger, so the page's own policy stays in force while it is looked at.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(RUN, RULES)
    return [
        {
            "rule": fault["id"],
            "help": fault["help"],
            "where": [node["html"][:160] for node in fault["nodes"]],
            "why": [node["failureSummary"].replace("\n", " ")[:240] for node in fault["nodes"][:3]],
        }
        for fault in found
    ]


def assert_accessible(page: Page) -> None:
    """Fail with axe's findings, if there are any."""
    faults = find_accessibility_faults(page)

    assert faults == [], faults


def assert_no_sideways_scroll(page: Page) -> None:
    """Fail when the page is wider than its window; names the elements that stick out."""
    sticking_out = page.evaluate(
        """tolerance => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width + tolerance) return [];
          return [...document.body.querySelectorAll("*")]
            .filter(element => element.getBoundingClientRect().right > width + tolerance)
            .slice(0, 8).map(element => element.outerHTML.slice(0, 120));
        }""",
        TOLERANCE_PX,
    )

    assert sticking_out == [], sticking_out


class Console:
    """Collects what a page complains about, from before the first request on: console, exceptions, failed loads."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")


def assert_quiet_console(console: Console) -> None:
    """Fail when the page wrote an error or a warning; a breach of the content policy is one."""
    assert console.complaints == [], console.complaints
