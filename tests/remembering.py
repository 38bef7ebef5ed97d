"""A memory on a store of a test's own, with the small world's scorer, and interactions for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from features.contract import from_micros
from features.history import INBOUND, OUTBOUND, History
from features.store.engine import open_store
from models.answer import Answer
from serving.champion import Scorer
from serving.memory.memory import Memory

_DIRECTION = {INBOUND: "inbound", OUTBOUND: "outbound"}


class Remembering:
    """A memory, the answers that it logged, and the scorer, which a test may replace.

    Attributes:
        memory: on the store.
        scorer: in service.
        logged: each score that was stored.
    """

    def __init__(self, url: str, scorer: Scorer, *, repeatable: bool = False) -> None:
        self.scorer = scorer
        self.logged: list[Answer] = []
        self.memory = Memory(open_store(url), lambda: self.scorer, self.logged.append, repeatable=repeatable)


@contextmanager
def remembering(url: str, scorer: Scorer, *, repeatable: bool = False) -> Iterator[Remembering]:
    """A memory that is closed in the end."""
    made = Remembering(url, scorer, repeatable=repeatable)
    yield made
    made.memory.close()


def interactions_of(history: History, lead_id: str, *, known: bool = True) -> list[dict[str, Any]]:
    """The first lead's interactions as ``POST /interactions`` takes them, under another id; ``known``: from when they happened."""
    values = {name: column.tolist() for name, column in history.attributes.numeric.items()}
    values |= {name: [(*column.levels, None)[code] for code in column.codes] for name, column in history.attributes.categorical.items()}
    rows = []
    for row in range(int(history.start[1])):
        moment = from_micros(int(history.occurred_at[row]))
        one: dict[str, Any] = {"lead_id": lead_id, "type": history.type.levels[history.type.codes[row]], "occurred_at": moment}
        one |= {"recorded_at": moment} if known else {}
        one["direction"] = _DIRECTION.get(int(history.direction[row]))
        one["attributes"] = {name: column[row] for name, column in values.items() if column[row] is not None and column[row] == column[row]}
        rows.append(one)
    return rows


def attributes_of(history: History) -> dict[str, Any]:
    """The first lead's own attributes."""
    own = history.lead_attributes
    numbers = {name: float(column[0]) for name, column in own.numeric.items() if column[0] == column[0]}
    return numbers | {name: column.levels[column.codes[0]] for name, column in own.categorical.items() if column.codes[0] >= 0}
