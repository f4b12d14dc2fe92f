"""What every page has to stand: both themes, a desk and a phone, the narrowest screen, and a quiet console."""

from playwright.sync_api import Page

from tests.templates.axe import Console, assert_no_sideways_scroll, assert_quiet_console, find_accessibility_faults

DESK, PHONE, NARROWEST = 1440, 390, 320

# Colours of the new theme fade in, and axe must not look half way: what fades is brought to its end until nothing fades
# any more, as what inherits a colour begins when its parent has ended. Waiting would last for ever in a menu that
# was closed: nothing moves there.
SETTLE = """async () => {
  const fading = () => document.getAnimations().filter((animation) => animation instanceof CSSTransition);
  for (let round = 0; round < 3; round++) {
    for (let depth = 0; depth < 40 && fading().length; depth++) fading().forEach((one) => one.finish());
    await new Promise((resolve) => { requestAnimationFrame(resolve); setTimeout(resolve, 250); });
  }
}"""


class Looks:
    """Looks at the page that is open, as often as it is asked; `console` hears everything from the first request on."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.console = Console(page)

    def check(self, *, width: int = DESK) -> None:
        """Fail when axe finds something in either theme, at a desk or on a phone, or the page scrolls sideways."""
        found = {}
        for scheme, size in (("light", DESK), ("dark", PHONE)):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.page.set_viewport_size({"width": size, "height": 900})
            self.page.evaluate(SETTLE)
            found[f"{self.page.url} {scheme} {size}"] = find_accessibility_faults(self.page)
        self.page.set_viewport_size({"width": NARROWEST, "height": 800})
        self.page.evaluate(SETTLE)
        assert_no_sideways_scroll(self.page)
        self.page.set_viewport_size({"width": width, "height": 900})
        faulty = {where: faults for where, faults in found.items() if faults}
        assert faulty == {}, faulty
        assert_quiet_console(self.console)
