"""The report in a real browser: it opens offline in both themes, on a phone and on paper, and runs nothing."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import Watched
from tests.reported import Reported

PAPER = {"width": 703, "height": 1031}
"""A4 without its margins, in CSS pixels."""

# The contrast of every text with what lies behind it (WCAG 2.2, section 1.4.3), the lowest first.
CONTRASTS = """() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number)
  const luminance = rgb => {
    const [r, g, b] = rgb.slice(0, 3).map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = element => {
    for (; element; element = element.parentElement) {
      const colour = channels(getComputedStyle(element).backgroundColor)
      if (colour.length < 4 || colour[3] > 0) return colour
    }
  }
  const texts = [...document.querySelectorAll("body *")].filter(element =>
    [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()) && element.checkVisibility())
  return texts.map(element => {
    const style = getComputedStyle(element)
    const [a, b] = [luminance(channels(element.closest("svg") ? style.fill : style.color)), luminance(behind(element))]
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.textContent.trim().slice(0, 40)]
  }).sort((one, other) => one[0] - other[0])
}"""

# What sticks out of the page to the right, but for what may be scrolled by itself.
STICKING_OUT = """() => [...document.querySelectorAll("body *")]
  .filter(element => !element.closest(".scroll") && element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(element => element.outerHTML.slice(0, 80))"""
FIRST_SCREEN = "[...document.querySelectorAll('h1, .band, .facts section')].map(one => one.getBoundingClientRect().bottom)"
TOO_WIDE = "[...document.querySelectorAll('table, svg')].filter(one => one.scrollWidth > one.parentElement.clientWidth + 1).length"
ALL_SHOWN = "[...document.querySelectorAll('.paper table, pre')].every(one => one.checkVisibility({contentVisibilityAuto: true}))"
ALL_NAMED = "[...document.querySelectorAll('table')].every(one => one.caption.textContent && one.querySelector('th[scope]'))"


class Opened(Watched):
    """A report that was opened offline."""

    def __init__(self, browser: Browser, file: Path, **context: Any) -> None:
        super().__init__(browser, offline=True, **context)
        self.blocked: list[str] = []
        self.page.on("requestfailed", lambda request: self.blocked.append(request.failure or ""))
        self.page.goto(file.as_uri())


def test_it_opens_offline_and_asks_for_nothing(browser: Browser, reported: Reported) -> None:
    with Opened(browser, reported.file) as opened:
        assert opened.asked == [reported.file.as_uri()]
        assert opened.said == []
        assert opened.page.title() == f"Lead scoring report: {reported.evidence.dataset.name}"


def test_what_slipped_in_could_neither_run_nor_load(browser: Browser, reported: Reported, tmp_path: Path) -> None:
    evil = "<script>owned = 1</script><img src='https://example.org/x.png' onerror='owned = 2'><svg onload='owned = 3'></svg>"
    file = tmp_path / "report.html"
    file.write_text(reported.html.replace("</main>", f"{evil}</main>"), encoding="utf-8")
    with Opened(browser, file) as opened:
        assert opened.page.evaluate("typeof owned") == "undefined"
        assert len(opened.asked) == 2
        assert opened.blocked == ["csp"]
        assert sum("Content Security Policy" in text for text in opened.said) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read_in_both_themes(browser: Browser, reported: Reported, theme: str) -> None:
    with Opened(browser, reported.file, color_scheme=theme) as opened:
        for details in opened.page.locator("details").all():
            details.locator("summary").click()
        contrasts = opened.page.evaluate(CONTRASTS)
        assert len(contrasts) > 500
        assert [(ratio, text) for ratio, text in contrasts if ratio < 4.5] == []


def test_the_themes_differ(browser: Browser, reported: Reported) -> None:
    pictures = []
    for theme in ("light", "dark"):
        with Opened(browser, reported.file, color_scheme=theme) as opened:
            ground = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
            line = opened.page.evaluate("getComputedStyle(document.querySelector('#gains svg path[style*=\"--model\"]')).stroke")
            pictures.append((sum(map(int, re.findall(r"\d+", ground))), line, opened.page.screenshot()))
    (light, one, first), (dark, other, second) = pictures
    assert light > 700
    assert dark < 150
    assert one != other
    assert first != second


def test_the_first_screen_holds_the_answer(browser: Browser, reported: Reported) -> None:
    with Opened(browser, reported.file, viewport={"width": 1280, "height": 800}) as opened:
        ends = opened.page.evaluate(FIRST_SCREEN)
        assert len(ends) == 7
        assert max(ends) <= 800


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_narrow_screen_scrolls_down_and_never_sideways(browser: Browser, reported: Reported, width: int) -> None:
    with Opened(browser, reported.file, viewport={"width": width, "height": 800}) as opened:
        for details in opened.page.locator("details").all():
            details.locator("summary").click()
        assert opened.page.evaluate("document.documentElement.scrollWidth") == width
        assert opened.page.evaluate(STICKING_OUT) == []


def test_on_paper_it_is_white_and_whole(browser: Browser, reported: Reported) -> None:
    with Opened(browser, reported.file, viewport=PAPER, color_scheme="dark") as opened:
        opened.page.emulate_media(media="print", color_scheme="dark")
        assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]
        assert opened.page.evaluate(TOO_WIDE) == 0
        assert opened.page.evaluate(ALL_SHOWN)
        pdf = opened.page.pdf(prefer_css_page_size=True, print_background=True)
        assert 4 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 16


def test_those_who_cannot_see_it_are_told_all_of_it(browser: Browser, reported: Reported) -> None:
    with Opened(browser, reported.file) as opened:
        levels = opened.page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(one => Number(one.tagName[1]))")
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
        names = [picture.get_attribute("aria-label") for picture in opened.page.get_by_role("img").all()]
        assert len(names) == 14
        assert all(names)
        assert opened.page.evaluate(ALL_NAMED)
        assert opened.page.evaluate("document.documentElement.lang") == "en"


def test_the_numbers_open_by_keyboard(browser: Browser, reported: Reported) -> None:
    with Opened(browser, reported.file) as opened:
        table = opened.page.locator("#bands table").first
        assert not table.is_visible()
        opened.page.locator("#bands summary").focus()
        opened.page.keyboard.press("Enter")
        assert table.is_visible()
