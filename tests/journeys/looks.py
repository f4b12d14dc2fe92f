"""What every page has to stand: both themes, a desk and a phone, the narrowest screen, and a quiet console."""

from playwright.sync_api import Page

from tests.templates.axe import Console, assert_no_sideways_scroll, assert_quiet_console, find_accessibility_faults

DESK, PHONE, NARROWEST = 1440, 390, 320

# Who wants less motion gets a transition of a millisecond on everything: a change of the theme would begin thousands,
# each child's after its parent's, and axe must not look half way. So there are none while the tests look.
STAND_STILL = """() => {
  if (document.adoptedStyleSheets.some((sheet) => sheet.isOfTests)) return;
  const sheet = new CSSStyleSheet();
  sheet.isOfTests = true;
  sheet.replaceSync("*, *::before, *::after, *::backdrop { transition-property: none !important }");
  document.adoptedStyleSheets.push(sheet);
}"""
SETTLED = """async () => {
  await document.fonts.ready;
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
}"""
# A page may need a moment after its window shrank, and no longer.
FITTED = """async () => {
  const root = document.documentElement;
  for (let round = 0; round < 15 && root.scrollWidth > root.clientWidth; round++)
    await new Promise((resolve) => setTimeout(resolve, 50));
}"""


class Looks:
    """Looks at the page that is open, as often as it is asked; `console` hears everything from the first request on."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.console = Console(page)

    def check(self, *, width: int = DESK) -> None:
        """Fail when axe finds something in either theme, at a desk or on a phone, or the page scrolls sideways."""
        found = {}
        self.page.evaluate(STAND_STILL)
        for scheme, size in (("light", DESK), ("dark", PHONE)):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.page.set_viewport_size({"width": size, "height": 900})
            self.page.evaluate(SETTLED)
            found[f"{self.page.url} {scheme} {size}"] = find_accessibility_faults(self.page)
        self.page.set_viewport_size({"width": NARROWEST, "height": 800})
        self.page.evaluate(SETTLED)
        self.page.evaluate(FITTED)
        assert_no_sideways_scroll(self.page)
        self.page.set_viewport_size({"width": width, "height": 900})
        faulty = {where: faults for where, faults in found.items() if faults}
        assert faulty == {}, faulty
        assert_quiet_console(self.console)
