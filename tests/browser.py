"""Debian's Chromium, without a window, and a picture of what it shows."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

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


def picture_of(file: Path) -> bytes:
    """The top of a page, as a PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, "--hide-scrollbars"])
        page = browser.new_context(viewport=TOP, color_scheme="light", offline=True).new_page()
        page.goto(file.as_uri())
        shown = page.screenshot()
        browser.close()
    return shown
