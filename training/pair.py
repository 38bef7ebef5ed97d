"""Two versions' view of the same leads: what each says, and which reasons differ. They may have different features."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.contract import ModelError
from features.dataset import Dataset
from features.snapshots import open_leads
from models.scorer import LeadScorer, Scored
from models.temperature import NAMES

REASONS = 3
"""Changed reasons that are told of a lead that moves."""

logger = logging.getLogger("leadheat.training")


@dataclass(frozen=True, slots=True)
class Change:
    """One reason that changed for a lead: what its signal adds to the log-odds, and the fact behind it in words."""

    signal: str
    words: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Move:
    """A lead that changes its band, with the reasons that changed most."""

    lead_id: str
    before: str
    after: str
    probability_before: float
    probability_after: float
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class SignalChange:
    """How a signal's contributions differ over the open leads: mean absolute ones of both, and of their difference.

    ``known_to`` says whether both versions know the signal.
    """

    signal: str
    known_to: str
    before: float
    after: float
    difference: float


class Side:
    """One version's view of the leads that are open at a moment.

    Args:
        scorer: the version.
        dataset: with the leads.
        as_of: microseconds UTC.

    Attributes:
        scorer: the version.
        lead: int64[k], positions in the data set's history.
        scored: their numbers.

    Raises:
        ModelError: the version scores by the rules alone.
        DataError: an attribute is not of the kind that the version has learnt.
    """

    def __init__(self, scorer: LeadScorer, dataset: Dataset, as_of: int) -> None:
        if scorer.margin is None:
            raise ModelError("A version that scores by the rules alone has no probability to compare.", "Name two versions with a model.")
        self.scorer = scorer
        self.lead = open_leads(dataset, as_of)
        self._threads = os.cpu_count() or 1
        logger.info("scoring %d open leads with version %s", len(self.lead), scorer.version or "new")
        history = dataset.history.with_schema(scorer.schema)
        self.scored: Scored = scorer.numbers(history, self.lead, np.full(len(self.lead), as_of), self._threads)

    @property
    def signals(self) -> tuple[str, ...]:
        """Whose contributions it tells."""
        return self.scorer.explainer.signals

    def contributions(self, rows: np.ndarray, signals: Sequence[str]) -> np.ndarray:
        """What each of the signals adds to the log-odds of some rows, float64[k, signals]; 0 where this version does not know it."""
        sums = self.scorer.contributions(self.scored, rows, self._threads)[0]
        place = {signal: i for i, signal in enumerate(self.signals)}
        known = np.array([place.get(signal, len(place)) for signal in signals], np.intp)
        return np.hstack((sums, np.zeros((len(rows), 1))))[:, known]

    def words(self, signal: str, row: int) -> str:
        """The fact behind a signal of one of the leads."""
        return self.scorer.explainer.words(signal, self.scored.X[row])


@dataclass(frozen=True, eq=False)
class Pair:
    """Two versions beside each other."""

    before: Side
    after: Side

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every signal that either knows."""
        return tuple(dict.fromkeys((*self.after.signals, *self.before.signals)))

    def _contributions(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.before.contributions(rows, self.names), self.after.contributions(rows, self.names)

    def signals(self, rows: np.ndarray) -> tuple[SignalChange, ...]:
        """What counts differently over some rows, int64[k], the greatest difference first."""
        if not len(rows):
            return ()
        before, after = self._contributions(rows)
        means = np.abs(np.stack([before, after, after - before])).mean(axis=1)
        order = np.argsort(-means[2], kind="stable")
        return tuple(SignalChange(self.names[i], self._known_to(self.names[i]), *means[:, i].tolist()) for i in order if means[2, i] > 0)

    def _known_to(self, signal: str) -> str:
        if signal in self.before.signals:
            return "both" if signal in self.after.signals else "before"
        return "after"

    def moves(self, rows: np.ndarray, ids: np.ndarray) -> tuple[Move, ...]:
        """Some rows one by one: int64[k]; ``ids`` are the texts [n] of all rows' leads."""
        before, after = self._contributions(rows)
        return tuple(
            Move(
                lead_id=str(ids[row]),
                before=NAMES[self.before.scored.temperature[row]],
                after=NAMES[self.after.scored.temperature[row]],
                probability_before=float(self.before.scored.probability[row]),
                probability_after=float(self.after.scored.probability[row]),
                changes=self._changes(row, before[i], after[i]),
            )
            for i, row in enumerate(rows.tolist())
        )

    def _changes(self, row: int, before: np.ndarray, after: np.ndarray) -> tuple[Change, ...]:
        strongest = np.argsort(-np.abs(after - before), kind="stable")[:REASONS]
        return tuple(
            Change(self.names[i], self._words(self.names[i], row), float(before[i]), float(after[i]))
            for i in strongest.tolist()
            if after[i] != before[i]
        )

    def _words(self, signal: str, row: int) -> str:
        return (self.after if signal in self.after.signals else self.before).words(signal, row)
