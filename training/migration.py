"""Migration: what would change for the open leads if a challenger took the champion's place, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from features.contract import from_micros
from features.dataset import Dataset
from models.scorer import LeadScorer
from models.temperature import NAMES
from models.whole_file import whole_file
from training.pair import Move, Pair, Side, SignalChange

MOST_EXPLAINED = 5_000
"""Of more open leads than these, every second, third, ... is explained to see which signals changed."""
COMPACT = 8
"""Signals that are told in a training's facts."""


@dataclass(frozen=True, eq=False)
class Migration:
    """Open leads by the temperature that two versions give them.

    Attributes:
        before, after: the versions; a scorer that is not registered yet has none.
        as_of: microseconds UTC.
        count: int64[3, 3]: leads by band before (rows) and after (columns); cold, warm, hot.
        expected_before, expected_after: float64[3, 3]: wins that each version expects of these leads within its horizon.
        signals: what changed most comes first.
        moves: leads whose probability changes most come first.
        notes: what makes the two hard to compare.
    """

    before: str | None
    after: str | None
    as_of: int
    count: np.ndarray
    expected_before: np.ndarray
    expected_after: np.ndarray
    signals: tuple[SignalChange, ...]
    moves: tuple[Move, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def leads(self) -> int:
        """How many leads are open."""
        return int(self.count.sum())

    @property
    def warmer(self) -> int:
        """How many leads move to a warmer band."""
        return int(np.triu(self.count, 1).sum())

    @property
    def cooler(self) -> int:
        """How many leads move to a cooler band."""
        return int(np.tril(self.count, -1).sum())

    def to_facts(self) -> dict[str, Any]:
        """The whole without single leads, JSON-ready."""
        return {
            "from": self.before,
            "to": self.after,
            "as_of": from_micros(self.as_of).isoformat(),
            "leads": self.leads,
            "warmer": self.warmer,
            "cooler": self.cooler,
            "bands": list(NAMES),
            "count": self.count.tolist(),
            "expected_before": self.expected_before.tolist(),
            "expected_after": self.expected_after.tolist(),
            "signals": [asdict(one) for one in self.signals[:COMPACT]],
            "notes": list(self.notes),
        }

    def to_dict(self) -> dict[str, Any]:
        """What ``leadheat migration --json`` prints."""
        return self.to_facts() | {"signals": [asdict(one) for one in self.signals], "moves": [asdict(one) for one in self.moves]}


def migrate(before: LeadScorer, after: LeadScorer, dataset: Dataset, as_of: int, top: int | None = 10) -> Migration:
    """Compare what two versions say of the leads that are open at a moment. They may have different features.

    Args:
        before: the champion.
        after: the challenger.
        dataset: with all attributes that either version knows.
        as_of: microseconds UTC; nothing at or after it is seen.
        top: how many of the leads that move are told one by one; None for all.

    Raises:
        ModelError: a version scores by rules alone.
        DataError: an attribute is not of the kind that a version has learnt.
    """
    pair = Pair(Side(before, dataset, as_of), Side(after, dataset, as_of))
    cell = pair.before.scored.temperature.astype(np.int64) * 3 + pair.after.scored.temperature
    p_before, p_after = pair.before.scored.probability, pair.after.scored.probability
    change = np.abs(p_after - p_before)
    moving = np.flatnonzero(pair.before.scored.temperature != pair.after.scored.temperature)
    ids = dataset.history.lead_ids.to_numpy(zero_copy_only=False)[pair.before.lead]
    order = moving[np.lexsort((ids[moving], -change[moving]))][:top]
    every = np.arange(len(cell))[:: len(cell) // MOST_EXPLAINED + 1]
    return Migration(
        before=before.version,
        after=after.version,
        as_of=as_of,
        count=np.bincount(cell, minlength=9).reshape(3, 3),
        expected_before=np.bincount(cell, p_before, 9).reshape(3, 3),
        expected_after=np.bincount(cell, p_after, 9).reshape(3, 3),
        signals=pair.signals(every),
        moves=pair.moves(order, ids),
        notes=()
        if before.horizon == after.horizon
        else ("The two look ahead over different horizons: their probabilities differ by that.",),
    )


def write(moves: Iterable[Move], out: Path) -> None:
    """Write leads that move into a CSV file, whole or not at all; the changed reasons as JSON."""
    rows = [asdict(move) | {"changes": json.dumps([asdict(change) for change in move.changes], ensure_ascii=False)} for move in moves]
    columns = [column.name for column in fields(Move)]
    kinds = [pa.float64() if name.startswith("probability") else pa.string() for name in columns]
    table = pa.Table.from_pylist(rows, pa.schema(zip(columns, kinds, strict=True)))
    with whole_file(out, "The leads that move") as unfinished:
        csv.write_csv(table, unfinished)
