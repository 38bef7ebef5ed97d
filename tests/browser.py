"""Debian's Chromium, without a window: what a page asks for and complains about, and a picture of what it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from playwright.sync_api import Browser, ViewportSize, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
TOP: ViewportSize = {"width": 1180, "height": 1230}
"""So much of a page is shown, in CSS pixels."""


class Watched:
    """A page of its own, with all that it asks for or complains about."""

    def __init__(self, browser: Browser, **context: Any) -> None:
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page = browser.new_context(**context).new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.context.close()


def picture_of(file: Path) -> bytes:
    """The top of a page, as a PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, "--hide-scrollbars"])
        page = browser.new_context(viewport=TOP, color_scheme="light", offline=True).new_page()
        page.goto(file.as_uri())
        shown = page.screenshot()
        browser.close()
    return shown
