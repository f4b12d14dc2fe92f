"""The team's pages of share links in English and German: accessible, no sideways scroll, no word to the console."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from connect.models import Recipient, ShareLink
from connect.sending.lists import read_list
from connect.sending.services import hand_over, send_to
from connect.services import create_share_link
from tests.connect.test_looks import picture
from tests.journeys.conftest import Fleet
from tests.journeys.looks import Looks

VINS = "WVWZZZ1JZXW000001\nWVWZZZ1JZXW000002\nZZZ00000000000001\nnonsense"


def test_pages_of_links_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    looks, page, url = Looks(fleet.page), fleet.page, fleet.stack.url
    page.goto(f"{url}/links/")
    looks.check()
    with fleet.stack.orm():
        link = make_busy_link(fleet)
    for path in ("links/", f"links/{link.id}/", f"links/{link.id}/vins/"):
        page.goto(f"{url}/{path}")
        looks.check()

    page.goto(f"{url}/links/{link.id}/")
    page.fill("#send-entries", "email,name\nada@example.org,Ada")
    page.locator("#send button").click()
    expect(page.locator("button[name=act]")).to_be_visible()
    looks.check()
    page.goto(f"{url}/links/{link.id}/")
    page.fill("#send-entries", "nobody\nada@example.org\nada@example.org")
    page.locator("#send button").click()
    expect(page.locator("#send .wrong")).to_have_count(2)
    looks.console.complaints.clear()  # the status of the page
    looks.check()

    page.goto(f"{url}/links/{link.id}/vins/")
    page.fill("textarea[name=entries]", VINS)
    page.locator("main form button").click()
    expect(page.locator("main table tbody tr")).to_have_count(4)
    looks.check()
    page.locator("button[name=act]").click()
    expect(page.locator(".sheet > li")).to_have_count(3)
    looks.check()
    with page.expect_download() as kept:
        page.locator("a[download]").click()
    assert kept.value.suggested_filename == "links.csv"
    assert kept.value.path().read_text("utf-8-sig").count("/c/") == 3


def test_pages_of_making_a_link_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    looks, page, url = Looks(fleet.page), fleet.page, fleet.stack.url
    page.goto(f"{url}/links/new/")
    looks.check()
    page.locator(".rare > summary").click()
    page.fill("input[name=vin]", "WVWZZZ1JZXW00000O")
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("#link-form .wrong").first).to_be_visible()
    looks.console.complaints.clear()  # the status of the page
    looks.check()

    page.goto(f"{url}/links/new/")
    page.fill("input[name=label]", "Ada’s car")
    page.fill("textarea[name=message]", "So that it charges at night.")
    page.locator("input[name=scopes_needed][value=read_battery]").check()
    expect(page.locator("#link-preview blockquote")).to_have_text("So that it charges at night.")
    # The part that is drawn anew is the owner's screen; what was typed beside it stays.
    expect(page.locator("#link-preview .perm > li")).to_have_count(2)
    expect(page.locator("input[name=label]")).to_have_value("Ada’s car")
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("#new-link")).to_be_visible()
    looks.check()

    page.goto(f"{url}/links/look/")
    looks.check()
    page.fill("input[name=colour]", "#0a5c36")
    page.set_input_files("input[name=logo]", {"name": "l.png", "mimeType": "image/png", "buffer": picture()})
    page.locator("main form button").click()
    expect(page.locator(".logo-now")).to_be_visible()
    looks.check()
    colour = page.locator("#link-preview .btn.primary").evaluate("one => getComputedStyle(one).backgroundColor")
    assert colour == "rgb(10, 92, 54)"


def make_busy_link(fleet: Fleet) -> ShareLink:
    """A link with owners at different places and everything that a link can have."""
    link, _ = create_share_link(
        team=fleet.membership.team,
        created_by=fleet.membership.user,
        label="Drivers of the night shift in Harburg and Wilhelmsburg",
        scopes_needed=["read_battery", "control_charge"],
        scopes_optional=["read_location"],
        country="DE",
        language="de",
        message="So that your car charges at night,\nwhen it is cheap.",
        consent_ends_at=timezone.now() + timedelta(days=365),
        expires_at=timezone.now() + timedelta(days=30),
        max_uses=5,
    )
    text = "email,name\n" + "\n".join(f"person.with-a-long-name{n}@example.com,Person {n}" for n in range(5))
    send_to(link=link, membership=fleet.membership, entries=read_list(text))
    sent, opened, _waits, no, refused = Recipient.objects.filter(link=link).order_by("email")
    now = timezone.now()
    old = {"send_at": None, "sent_at": now - timedelta(days=2), "sent_count": 1}
    Recipient.objects.filter(pk__in=[sent.pk, opened.pk, no.pk]).update(**old)
    Recipient.objects.filter(pk__in=[opened.pk, no.pk]).update(opened_at=now)
    Recipient.objects.filter(pk=no.pk).update(declined_at=now)
    Recipient.objects.filter(pk=refused.pk).update(send_at=None, failures=1)
    hand_over(link=link, membership=fleet.membership, vins=["WVWZZZ1JZXW000009"])
    return link
