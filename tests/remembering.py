"""A memory on a store of a test's own, with the small world's scorer, and interactions for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import click
import pytest

from features.contract import DAY
from features.history import INBOUND, OUTBOUND, History
from features.store.engine import open_store
from models.answer import Answer
from models.fallback import RulesScorer
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


def clock(patch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets this process's clock to a moment, microseconds UTC, where it stays."""

    def set_to(moment: int) -> None:
        patch.setattr("features.contract.time", SimpleNamespace(time_ns=lambda: moment * 1_000))

    return set_to


MANY = 15


def take_each(memory: Memory) -> int:
    """The same ``MANY`` interactions, with an id and without, one after the other; how many were new."""
    rows = [{"lead_id": "ann", "type": "page_view", "occurred_at": number * DAY} for number in range(MANY)]
    ids = [{"interaction_id": str(number)} if number % 2 else {} for number in range(MANY)]
    return sum(memory.take_interactions([row | own], "web", explain=False).stored for row, own in zip(rows, ids, strict=True))


def interactions_of(history: History, lead_id: str, *, known: bool = True) -> list[dict[str, Any]]:
    """The first lead's interactions as ``POST /interactions`` takes them, under another id; ``known``: from when they happened."""
    values = {name: column.tolist() for name, column in history.attributes.numeric.items()}
    values |= {name: [(*column.levels, None)[code] for code in column.codes] for name, column in history.attributes.categorical.items()}
    rows = []
    for row in range(int(history.start[1])):
        moment = int(history.occurred_at[row])
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


def of_a_second_process() -> None:
    """For each address of a store that comes in: open it, and at the next line ``take_each``."""
    for url in sys.stdin:
        with remembering(url.strip(), RulesScorer()) as one:
            one.memory.open()
            click.echo("ready")
            next(sys.stdin)
            click.echo(take_each(one.memory))


if __name__ == "__main__":
    of_a_second_process()
