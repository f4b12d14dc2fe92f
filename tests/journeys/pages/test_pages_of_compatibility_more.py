"""Questions, changes, providers and sources in English and German: accessible, no sideways scroll, a quiet console."""

from pathlib import Path

from playwright.sync_api import Page, expect

from compatibility.facts_of_providers import DATA
from compatibility.loading import load
from compatibility.reading import read_data
from tests.infrastructure.stack import Stack
from tests.journeys.looks import Looks


def test_pages_beside_the_matrix_when_looked_at_then_nothing_is_wrong(stack: Stack, page: Page, tmp_path: Path) -> None:
    looks, url = Looks(page), f"{stack.url}/compatibility"
    for path in ("changes/", "sources/", "providers/smartcar/", "providers/simulator/", "ask/"):
        page.goto(f"{url}/{path}")
        looks.check()
    for question in ("2022 Audi Q4 e-tron Germany unlock and preheat via Smartcar asap", "VW Golff unlock", "VW lock"):
        page.goto(f"{url}/ask/?q={question}")
        for each in page.locator("details.each").all():
            each.locator("summary").click()
        looks.check()
    with stack.orm():
        _load_with_a_change(tmp_path)
    page.goto(f"{url}/changes/")
    expect(page.locator("article")).to_have_count(1)
    looks.check()


def test_question_when_asked_on_the_matrix_then_the_answer_comes_in_place_and_has_an_address(
    stack: Stack, page: Page
) -> None:
    page.goto(f"{stack.url}/compatibility/?country=any")

    page.fill("#question", "2022 VW ID.4 Germany unlock")
    page.keyboard.press("Enter")

    answer = page.locator("#answer .answer")
    expect(answer).to_have_count(1)
    expect(page.locator("[data-matrix]")).to_be_visible()
    expect(page).to_have_url(f"{stack.url}/compatibility/ask/?q=2022+VW+ID.4+Germany+unlock")
    said = answer.inner_text()
    page.reload()
    expect(page.locator("#answer .answer")).to_have_text(said, use_inner_text=True)


def _load_with_a_change(folder: Path) -> None:
    for file in DATA.rglob("*.*"):
        target = folder / file.relative_to(DATA)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    rivian = folder / "providers" / "rivian.csv"
    text = rivian.read_text(encoding="utf-8")
    changed = text.replace("Rivian,R1S,2021-2024,BEV,CA US,full", "Rivian,R1S,2021-2024,BEV,CA US,none")
    assert changed != text
    rivian.write_text(changed, encoding="utf-8")
    load(read_data(folder))
