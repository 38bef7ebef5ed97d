"""The page in a real browser: in both languages and themes, on a phone and on paper, by keyboard, and with hostile leads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Dialog

from features.contract import to_micros
from serving import keys
from tests import paged
from tests.browser import Watched
from tests.server import Server
from tests.small_world import SmallWorld

PHONE = {"width": 360, "height": 760}
DESKTOP = {"width": 1280, "height": 900}
SCRIPT = "<script>owned = 1; alert(1)</script>"
EVIL = [
    f"{SCRIPT}<img src=x onerror='owned = 2'>",
    "'\"><svg onload=alert(3)>",
    "javascript:alert(4)//%00",
    "{{ 7 * 7 }}{% include 'x' %}",
    "a/../b?c#d&e=f",
    "\u202edlrow olleh\u202c",
    "שלום לך",
    "🦊" * 20,
    "x" * 200,
]
STICKING_OUT = """() => [...document.querySelectorAll("body *")]
  .filter(one => !one.closest(".scroll, .unseen, .skip, pre, thead"))
  .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(one => one.outerHTML.slice(0, 80))"""


class Opened(Watched):
    """A page of the service; dialogs count as complaints."""

    def __init__(self, browser: Browser, server: Server, path: str, **context: Any) -> None:
        super().__init__(browser, **({"viewport": DESKTOP, "locale": "en-GB"} | context))
        self.base = f"http://127.0.0.1:{server.port}"
        self.page.on("dialog", self._dialog)
        self.go(path)

    def go(self, path: str) -> None:
        """Open another page of the service."""
        self.page.goto(self.base + path)

    def _dialog(self, dialog: Dialog) -> None:
        self.said.append(dialog.message)
        dialog.dismiss()


@pytest.fixture(scope="module")
def server(world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service with the small world's scorer and some of its leads."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADHEAT_HOME", str(folder))
        paged.promote(world.folder / "model")
        memory = paged.memory_in(world.scorer, f"sqlite:///{folder / 'store.db'}")
        history = world.dataset.history.with_schema(world.scorer.schema)
        paged.fill(memory, history, paged.choose(world.scorer, world.dataset, 60), to_micros(datetime.now(UTC)))
        memory.close()
        with Server(folder) as running:
            yield running


@pytest.fixture(scope="module")
def lead(server: Server) -> str:
    """The page of the hottest lead."""
    first = server.get("/leads?temperature=hot&limit=1").json["leads"][0]["lead_id"]
    return f"/lead/{quote(first, safe='')}"


@pytest.fixture(scope="module")
def hostile(server: Server) -> list[str]:
    """Pages of leads whose ids, attributes, types and decisions are attacks."""
    now = datetime.now(UTC)
    happened = [
        {"lead_id": evil, "type": kind, "occurred_at": now.isoformat(), "direction": "inbound", "attributes": {kind: kind}}
        for evil in EVIL
        for kind in EVIL
    ]
    assert server.post("/interactions", {"interactions": happened, "origin": SCRIPT}).status == 200
    known = [{"lead_id": evil, "attributes": {"name": evil, "company": SCRIPT, SCRIPT: evil}} for evil in EVIL]
    assert server.post("/leads", {"leads": known, "origin": SCRIPT}).status == 200
    decided = {"value": SCRIPT, "reason": SCRIPT, "by": SCRIPT, "expires_at": (now + timedelta(days=2)).isoformat()}
    for evil in EVIL:
        assert server.ask("PUT", f"/leads/{quote(evil, safe='')}/overrides/next_step", json.dumps(decided).encode()).status == 200
    return [f"/lead/{quote(evil, safe='')}" for evil in EVIL]


def test_it_asks_only_its_own_service_and_complains_of_nothing(browser: Browser, server: Server, lead: str) -> None:
    with Opened(browser, server, "/") as opened:
        for path in (lead, f"{lead}/what-if?type=webinar", "/reports/funnel", "/sign-in", "/lead?id=nobody"):
            opened.go(path)
        assert len(opened.asked) >= 6
        assert all(url.startswith(opened.base) for url in opened.asked)
        assert [text for text in opened.said if "404" not in text and "username" not in text] == []


@pytest.mark.parametrize(
    ("theme", "locale", "viewport"), [("light", "en-GB", DESKTOP), ("dark", "de-DE", PHONE)], ids=["light, desktop", "dark, phone"]
)
def test_axe_finds_nothing_serious(
    browser: Browser, server: Server, lead: str, theme: str, locale: str, viewport: dict[str, int], tmp_path: Path
) -> None:
    found = []
    pictures = Path(os.environ.get("LEADHEAT_PICTURES", tmp_path))
    with Opened(browser, server, "/", color_scheme=theme, locale=locale, viewport=viewport, bypass_csp=True) as opened:
        what_if = f"{lead}/what-if?type=webinar"
        named = {"list": "/", "lead": lead, "what-if": what_if, "funnel": "/reports/funnel?by=industry", "sign-in": "/sign-in"}
        for name, path in named.items():
            opened.go(path)
            for summary in opened.page.locator("summary").all():
                summary.click()
            opened.page.screenshot(path=pictures / f"{name}-{viewport['width']}-{theme}-{locale}.png", full_page=True)
            violations = Axe().run(opened.page).response["violations"]
            bad = [one for one in violations if one["impact"] in ("serious", "critical")]
            found += [(name, one["id"], one["nodes"][0]["html"][:160], one["nodes"][0]["failureSummary"]) for one in bad]
    assert found == []


def test_nothing_that_a_lead_typed_can_run(browser: Browser, server: Server, hostile: list[str], lead: str) -> None:
    types = [f"{lead}/what-if?type={quote(evil)}&when={quote(evil)}" for evil in EVIL[:2]]
    filters = [f"/?owner={quote(evil)}&segment={quote(evil)}&since={quote(evil)}&after={quote(evil)}" for evil in EVIL[:2]]
    filters.append(f"/reports/funnel?from={quote(EVIL[0])}&to={quote(EVIL[1])}&by={quote(SCRIPT)}")
    found = f"/lead?id={quote(EVIL[1])}&lang={quote(SCRIPT)}"
    with Opened(browser, server, "/") as opened:
        for path in ["/?temperature=hot", "/?stage=unqualified", *hostile, *types, *filters, found]:
            opened.go(path)
            assert opened.page.evaluate("typeof owned") == "undefined", path
            assert opened.page.locator("script, [onload], [onerror], iframe, object").count() == 0, path
            assert [text for text in opened.said if "status of" not in text] == [], path
            assert all(url.startswith(opened.base) for url in opened.asked), path


def test_hostile_leads_are_shown_as_they_are(browser: Browser, server: Server, hostile: list[str]) -> None:
    with Opened(browser, server, "/", viewport=PHONE) as opened:
        for evil, path in zip(EVIL, hostile, strict=True):
            opened.go(path)
            assert opened.page.locator("h1").text_content() == evil
            assert opened.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], path


@pytest.mark.parametrize(("width", "locale"), [(320, "de-DE"), (360, "en-GB"), (768, "de-DE"), (1024, "de-DE")])
def test_no_screen_scrolls_sideways(browser: Browser, server: Server, lead: str, width: int, locale: str) -> None:
    with Opened(browser, server, "/", viewport={"width": width, "height": 800}, locale=locale) as opened:
        for path in ("/", lead, f"{lead}/what-if?type=webinar", "/reports/funnel?by=industry"):
            opened.go(path)
            assert opened.page.evaluate("document.documentElement.scrollWidth") == width, path
            assert opened.page.evaluate(STICKING_OUT) == [], path


def test_it_is_walked_through_by_keyboard(browser: Browser, server: Server) -> None:
    with Opened(browser, server, "/") as opened:
        keyboard, focused = opened.page.keyboard, "document.activeElement"
        keyboard.press("Tab")
        assert opened.page.evaluate(f"{focused}.className") == "skip"
        assert opened.page.evaluate(f"{focused}.getBoundingClientRect().top") >= 0
        keyboard.press("Enter")
        assert opened.page.evaluate(f"{focused}.id") == "main"
        seen: list[str] = []
        while not seen or not seen[-1].startswith("/lead/"):
            keyboard.press("Tab")
            seen.append(opened.page.evaluate(f"{focused}.getAttribute('href') || {focused}.tagName"))
            assert opened.page.evaluate(f"getComputedStyle({focused}).outlineStyle") == "solid"
        assert seen[:5] == ["/", "/?temperature=hot", "/?temperature=warm", "/?temperature=cold", "SUMMARY"]
        keyboard.press("Enter")
        opened.page.wait_for_url("**/lead/**")
        assert opened.page.locator("h1").is_visible()


def test_a_phone_shows_cards_that_are_still_a_table(browser: Browser, server: Server) -> None:
    with Opened(browser, server, "/", viewport=PHONE) as opened:
        rows = opened.page.get_by_role("row")
        assert rows.count() == 51
        card = rows.nth(1).bounding_box()
        assert card is not None
        assert card["width"] > 300
        assert opened.page.get_by_role("table").count() == 1
        assert opened.page.get_by_role("columnheader", name="Next step").count() == 1


def test_a_person_chooses_the_period_and_the_groups_of_the_funnel(browser: Browser, server: Server) -> None:
    with Opened(browser, server, "/", viewport=PHONE) as opened:
        page = opened.page
        page.get_by_role("link", name="Funnel").click()
        page.get_by_label("From").fill(f"{datetime.now(UTC) - timedelta(days=300):%Y-%m-%d}")
        page.get_by_label("By").select_option("role")
        page.get_by_role("button", name="Show").click()
        assert "by=role" in page.url
        assert page.get_by_role("columnheader", name="No-show").count() == 1
        assert page.get_by_role("row").count() > 3
        assert page.get_by_role("rowheader", name="All leads").is_visible()


def test_a_person_filters_decides_and_asks_what_if(browser: Browser, server: Server) -> None:
    with Opened(browser, server, "/") as opened:
        page = opened.page
        page.get_by_text("Filter", exact=True).click()
        page.get_by_label("Owner").fill("Sven Adler")
        page.get_by_role("button", name="Apply").click()
        assert "owner=Sven+Adler" in page.url
        page.locator("th.lead a").last.click()
        page.get_by_text("Decide otherwise").click()
        page.get_by_label("Decision").select_option("temperature:hot")
        page.get_by_label("Reason").fill("Their director called")
        page.get_by_label("Until the end of").fill(f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}")
        page.get_by_label("Your name").fill("Sven")
        page.get_by_role("button", name="Decide").click()
        assert page.locator(".standing .band.hot").first.is_visible()
        assert page.get_by_text("Their director called").is_visible()
        page.get_by_label("Had there been").select_option("offer_request")
        page.get_by_role("button", name="Show what would follow").click()
        assert page.get_by_role("heading", level=1).text_content() == "What if: asked for an offer, now?"


def test_on_paper_it_is_white(browser: Browser, server: Server, lead: str) -> None:
    with Opened(browser, server, lead, color_scheme="dark") as opened:
        opened.page.emulate_media(media="print", color_scheme="dark")
        assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert not opened.page.locator(".find").is_visible()
        assert not opened.page.locator("#what-if").is_visible()
        assert len(opened.page.pdf(prefer_css_page_size=True)) > 10_000


def test_z_a_key_is_asked_for_once_there_are_keys(browser: Browser, server: Server, lead: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHEAT_HOME", str(server.home))
    key = keys.add("reader", ["read"])
    server.wait_until(lambda: server.get("/leads").status == 401)
    with Opened(browser, server, lead) as opened:
        page = opened.page
        assert page.get_by_role("heading", level=1).text_content() == "Sign in"
        page.get_by_label("Key").fill("lh_wrong")
        page.get_by_role("main").get_by_role("button").click()
        assert page.get_by_role("alert").is_visible()
        page.get_by_label("Key").fill(key)
        page.get_by_role("main").get_by_role("button").click()
        assert page.url == opened.base + lead
        assert page.get_by_text("Decide otherwise").count() == 0
        page.get_by_role("button", name="Sign out").click()
        assert page.get_by_label("Key").is_visible()
