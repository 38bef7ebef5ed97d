"""A store as a sales team has it in the morning: leads of the small world under the names of people, up to this very moment.

``python -m tests.paged`` serves it and refreshes the pictures of the page that the README shows.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from playwright.sync_api import ViewportSize, sync_playwright

from features.contract import DAY, MINUTE, UNKNOWN_TIME, now
from features.dataset import Dataset
from features.history import DIRECTIONS, History
from features.snapshots import open_leads
from features.store.engine import open_store
from models import home
from models.scorer import LeadScorer
from serving.memory.memory import Memory
from tests.browser import CHROMIUM, QUIET
from tests.conftest import REPO
from tests.server import Server
from tests.small_world import small_world

FIRST = (
    *("Anna", "Jonas", "Mira", "Lukas", "Aylin", "Felix", "Greta", "Emil", "Nora", "Paul", "Ida", "Tim", "Lea", "Karim", "Sofia"),
    *("Moritz", "Zoe", "Hannes", "Elif", "Oskar"),
)
LAST = (
    *("Berg", "Vogel", "Kaya", "Lindner", "Roth", "Sommer", "Brandt", "Keller", "Novak", "Fuchs", "Winter", "Haas", "Petersen"),
    *("Yilmaz", "Seidel", "Maurer", "Krüger", "Ott", "Falk", "Jansen"),
)
COMPANIES = ("nordwind", "tuchmacher", "habicht-logistik", "stadtwerke-soest", "kessel-und-sohn", "aurora-health", "lumen-software")
OWNERS = ("Petra Lang", "Sven Adler", "Mehmet Can")
ORIGIN = "crm"
SHOTS = ("worklist", "lead")
"""The pictures of the page in the README."""
PICTURES = REPO / "notebooks" / "pictures"
WINDOW: ViewportSize = {"width": 1180, "height": 1000}
"""So much of a page is shown, in CSS pixels."""


def name(number: int) -> str:
    """The id of a lead, such as people's addresses: no two numbers below 400 share one."""
    first, last = FIRST[number % 20].lower(), LAST[(number // 20 + 7 * number) % 20].lower().replace("ü", "ue")
    return f"{first}.{last}@{COMPANIES[(number * 5) % 7]}.example"


def promote(model: Path, version: str = "7") -> None:
    """Put a scorer's folder in service under ``LEADHEAT_HOME``."""
    folder = home.unpacked(version, home.digest(model))
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(model, folder)
    home.put_in_service(folder)


def choose(scorer: LeadScorer, dataset: Dataset, leads: int) -> list[int]:
    """Open leads, as positions: the likeliest, those who did something in the last day, and some of all others."""
    now, history = dataset.observed_until, dataset.history.with_schema(scorer.schema)
    found = open_leads(dataset, now)
    likely = np.argsort(-scorer.numbers(history, found, np.full(len(found), now), threads=2).probability, kind="stable")
    last = np.array([int(history.occurred_at[history.start[i] : history.start[i + 1]].max(initial=0)) for i in found])
    chosen = [*found[likely[: leads // 4]], *found[last > now - DAY][: leads // 4], *found[:: max(1, len(found) // leads)]]
    return [int(one) for one in dict.fromkeys(chosen)][:leads]


def fill(memory: Memory, history: History, chosen: list[int], now: int) -> list[str]:
    """Store leads with their attributes and interactions, moved so that the latest happened some minutes ago; returns their ids."""
    shift = now - 4 * MINUTE - max(int(history.known_at[history.start[row] : history.start[row + 1]].max(initial=0)) for row in chosen)
    ids = [name(number) for number in range(len(chosen))]
    leads = [_lead(history, row, ids[number], number, shift) for number, row in enumerate(chosen)]
    memory.put_leads(leads, ORIGIN, explain=False)
    memory.take_interactions([one for number, row in enumerate(chosen) for one in _interactions(history, row, ids[number], shift)], ORIGIN)
    return ids


def memory_in(scorer: LeadScorer, url: str) -> Memory:
    """The store at an address, with a scorer."""
    return Memory(open_store(url), lambda: scorer, lambda _: None)


def _lead(history: History, row: int, lead_id: str, number: int, shift: int) -> dict[str, Any]:
    values: dict[str, Any] = {"name": f"{FIRST[number % 20]} {LAST[(number // 20 + 7 * number) % 20]}"}
    for attribute, column in history.lead_attributes.categorical.items():
        if column.codes[row] >= 0:
            values[attribute] = column.levels[column.codes[row]]
    for attribute, numbers in history.lead_attributes.numeric.items():
        if not np.isnan(numbers[row]):
            values[attribute] = float(numbers[row])
    values["owner"] = OWNERS[number % 3]
    created = int(history.created_at[row])
    return {
        "lead_id": lead_id,
        "created_at": None if created == UNKNOWN_TIME else created + shift,
        "attributes": values,
    }


def _interactions(history: History, row: int, lead_id: str, shift: int) -> Iterator[dict[str, Any]]:
    names = {code: direction for direction, code in DIRECTIONS.items()}
    for i in range(int(history.start[row]), int(history.start[row + 1])):
        yield {
            "lead_id": lead_id,
            "type": history.type.levels[history.type.codes[i]],
            "occurred_at": int(history.occurred_at[i]) + shift,
            "recorded_at": int(history.known_at[i]) + shift,
            "direction": names.get(int(history.direction[i])),
            "interaction_id": f"{lead_id}/{i - int(history.start[row])}",
        }


def refresh() -> None:
    """Write a picture of the worklist and one of the hottest lead."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "home"
        os.environ["LEADHEAT_HOME"] = str(place)
        world = small_world(Path(scratch) / "world")
        promote(world.folder / "model")
        memory = memory_in(world.scorer, f"sqlite:///{place / 'store.db'}")
        history = world.dataset.history.with_schema(world.scorer.schema)
        fill(memory, history, choose(world.scorer, world.dataset, 200), now())
        memory.close()
        with Server(place) as server:
            first = server.get("/leads?temperature=hot&limit=1").json["leads"][0]["lead_id"]
            for picture, path in zip(SHOTS, ("/", f"/lead/{quote(first, safe='')}"), strict=True):
                (PICTURES / f"{picture}.png").write_bytes(shown(f"http://127.0.0.1:{server.port}{path}"))


def shown(address: str) -> bytes:
    """The top of a page, as a PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, "--hide-scrollbars"])
        page = browser.new_context(viewport=WINDOW, color_scheme="light", locale="en-GB").new_page()
        page.goto(address)
        picture = page.screenshot()
        browser.close()
    return picture


if __name__ == "__main__":
    refresh()
