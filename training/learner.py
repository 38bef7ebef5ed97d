"""Fitting models of one kind on parts of the snapshots, the same way wherever one is learnt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from features.snapshots import Snapshots
from models.conversion import BoostingClassifier, LogisticClassifier
from models.learning import LearningSettings
from models.margin import Margin, Matrix

HELD_OUT = 4
"""One lead in so many is held out to find when to stop; it is looked at in the later half of the learning part."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A part with its features."""

    X: Matrix
    snapshots: Snapshots
    weight: np.ndarray | None

    def take(self, rows: np.ndarray) -> Rows:
        """The chosen rows (bool[m] or positions)."""
        weight = None if self.weight is None else self.weight[rows]
        return Rows(self.X[rows], self.snapshots.take(rows), weight)


class Learner:
    """Fits models of one kind on parts.

    Args:
        categorical: the positions of the columns whose numbers are codes.
        learning: the kind, and its settings.
        threads: of LightGBM.
    """

    def __init__(self, categorical: Iterable[int], learning: LearningSettings, threads: int) -> None:
        self._categorical = tuple(categorical)
        self._learning = learning
        self._threads = threads
        self.boosts = learning.kind == "boosting"

    def find_rounds(self, rows: Rows) -> int:
        """How many trees serve leads best that were not learnt from; 0 for a model without trees."""
        if not self.boosts:
            return 0
        held_out = shuffled(rows.snapshots.lead) % HELD_OUT == 0
        later = held_out & (rows.snapshots.as_of >= np.median(rows.snapshots.as_of))
        label = rows.snapshots.label
        if min(label[later].sum(), label[~held_out].sum()) < 1:
            return self._learning.rounds // 10
        some = rows.take(~held_out)
        model = BoostingClassifier(self._learning, self._categorical, threads=self._threads)
        model.fit(some.X, some.snapshots.label, some.weight, later=(rows.X[later], label[later]))
        return int(model.rounds_)

    def fit(self, rows: Rows, rounds: int) -> Margin:
        """The model of all these rows."""
        if self.boosts:
            boosting = BoostingClassifier(self._learning, self._categorical, rounds, self._threads)
            return boosting.fit(rows.X, rows.snapshots.label, rows.weight).margin_
        return self.fit_linear(rows)

    def fit_linear(self, rows: Rows) -> Margin:
        """Logistic regression of all these rows."""
        return (
            LogisticClassifier(self._learning.penalty, categorical=self._categorical).fit(rows.X, rows.snapshots.label, rows.weight).margin_
        )


def shuffled(lead: np.ndarray) -> np.ndarray:
    """A fixed shuffle of lead numbers (Knuth's multiplicative hash), int64[m]."""
    return (lead.astype(np.uint64) * np.uint64(2654435761) >> np.uint64(16)).astype(np.int64)
