"""A store as a sales team has it in the morning: leads of the small world under the names of people, up to this very moment."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from features.contract import DAY, MINUTE, UNKNOWN_TIME, from_micros
from features.dataset import Dataset
from features.history import DIRECTIONS, History
from features.snapshots import open_leads
from features.store.engine import open_store
from models import home
from models.scorer import LeadScorer
from serving.memory.memory import Memory

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
        "created_at": None if created == UNKNOWN_TIME else from_micros(created + shift),
        "attributes": values,
    }


def _interactions(history: History, row: int, lead_id: str, shift: int) -> Iterator[dict[str, Any]]:
    names = {code: direction for direction, code in DIRECTIONS.items()}
    for i in range(int(history.start[row]), int(history.start[row + 1])):
        yield {
            "lead_id": lead_id,
            "type": history.type.levels[history.type.codes[i]],
            "occurred_at": from_micros(int(history.occurred_at[i]) + shift),
            "recorded_at": from_micros(int(history.known_at[i]) + shift),
            "direction": names.get(int(history.direction[i])),
            "interaction_id": f"{lead_id}/{i - int(history.start[row])}",
        }
