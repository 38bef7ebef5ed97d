"""The figures of a ranking and of its probabilities, the same for the model, the rules and the oracle.

Every figure exists once, as a function of how often each lead counts: once each for the figure itself, and as often as it
was drawn for a bootstrap resample (``training.bootstrap``).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.contract import ModelError
from models.intervals import effective_rows, wilson

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

BINS = 10
FIGURES = ("auc", "average_precision", "log_loss", "brier", "ece", "lift_at_10")
HIGHER_IS_BETTER = frozenset({"auc", "average_precision", "lift_at_10"})

_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Figures:
    """What a set of predictions achieved; NaN where a figure is not defined (all rows of one outcome).

    ==================  ================================================================================================
    auc                 the chance that a won row has a higher probability than another one; a tie counts half
    average_precision   Σ (recall_k - recall_{k-1}) · precision_k over the distinct probabilities, the highest first
    log_loss            the mean of -log(probability of what happened), in nats; probabilities are kept 2.2e-16 from 0 and 1
    brier               the mean of (probability - outcome)²
    ece                 Σ |won rows - sum of probabilities| / rows over 10 bins of equal count in order of probability; rows of equal
                        probability that span bins are shared between them evenly
    lift_at_10          the won rate among the top 10 % (rounded up) by probability, ties by lead_id, over that of all rows
    ==================  ================================================================================================
    """

    rows: int
    positives: int
    auc: float
    average_precision: float
    log_loss: float
    brier: float
    ece: float
    lift_at_10: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values, ``None`` where a figure is not defined."""
        return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Reliability:
    """Bins, the lowest probabilities first: rows, mean probability and won rate of each, and the rate's 95 % interval by lead."""

    rows: Counts
    expected: Floats
    rate: Floats
    low: Floats
    high: Floats


class Predictions:
    """Rows in the order of their probability, the highest first, ties by lead; sorted once, evaluated many times.

    Args:
        y: 1 won, 0 not, [m].
        p: probabilities, float64[m].
        lead: the lead of each row, [m]: ids, or numbers in the order of the ids. Default: each row is a lead of its own.

    Raises:
        ModelError: no rows, unequal lengths, labels other than 0 and 1, or values outside [0, 1].
    """

    def __init__(self, y: npt.ArrayLike, p: npt.ArrayLike, lead: npt.ArrayLike | None = None) -> None:
        label, value = np.asarray(y, dtype=np.int64), np.asarray(p, dtype=np.float64)
        leads = np.arange(len(label)) if lead is None else np.asarray(lead)
        if not len(label) or not label.shape == value.shape == leads.shape:
            raise ModelError(
                f"Figures need at least one row, with its label, probability and lead, not {label.shape}, {value.shape} and {leads.shape}.",
                "Widen the test part of the split if it holds no matured snapshot.",
            )
        if not ((value >= 0) & (value <= 1)).all() or not np.isin(label, (0, 1)).all():
            raise ModelError("Figures need probabilities from 0 to 1 and labels of 0 or 1.", "Leave out snapshots that have not matured.")
        ids, code = np.unique(leads, return_inverse=True)
        order = np.lexsort((code, -value))
        self.leads = len(ids)
        self.y, self.p, self.code = label[order], value[order], code[order].astype(np.int64)
        self._end_of_equals = np.flatnonzero(np.append(self.p[1:] < self.p[:-1], np.True_))
        clipped = np.clip(self.p, _EPSILON, 1 - _EPSILON)
        self._lead_loss = np.bincount(self.code, -np.log(np.where(self.y == 1, clipped, 1 - clipped)))
        self._lead_brier = np.bincount(self.code, (self.p - self.y) ** 2)

    def figures(self) -> Figures:
        """The figures with every lead counted once."""
        values = dict(zip(FIGURES, self.evaluate(np.ones(self.leads, dtype=np.int64)).tolist(), strict=True))
        return Figures(len(self.y), int(self.y.sum()), **values)

    def evaluate(self, times: Counts) -> Floats:
        """The values of ``FIGURES``, float64[6], where the leads, in order of their ids, count so many times, int64[leads]."""
        weight = times[self.code]
        rows, won = np.cumsum(weight), np.cumsum(weight * self.y)
        at_rows, at_won = rows[self._end_of_equals], won[self._end_of_equals]
        total = float(rows[-1]) or math.nan
        return np.array(
            [
                _auc(at_rows, at_won),
                _average_precision(at_rows, at_won),
                float((times * self._lead_loss).sum()) / total,
                float((times * self._lead_brier).sum()) / total,
                self._ece(weight, at_rows, at_won) / total,
                self._lift(rows, won, 0.1),
            ]
        )

    def lift_at(self, share: float) -> float:
        """The won rate among the top ``share`` of the rows (rounded up) over that of all rows; NaN if none is won."""
        return self._lift(np.arange(1, len(self.y) + 1), np.cumsum(self.y), share)

    def gains(self, points: int = 101) -> tuple[Floats, Floats]:
        """(share of rows, share of the won rows among them), float64[points] each, from the top; straight across equal probabilities."""
        ends = np.append(0, self._end_of_equals + 1)
        share = np.linspace(0, 1, points)
        won = np.append(0, np.cumsum(self.y))[ends]
        return share, np.interp(share, ends / len(self.y), won / max(int(won[-1]), 1))

    def reliability(self, bins: int = BINS) -> Reliability:
        """Expected and seen rates in bins of about equal count; rows of equal probability share a bin, so there may be fewer."""
        ends = self._end_of_equals + 1
        cuts = np.unique(ends[np.searchsorted(ends, np.arange(1, bins + 1) * len(self.y) / bins)])
        parts = np.split(np.arange(len(self.y)), cuts[:-1])[::-1]
        rate = np.array([self.y[part].mean() for part in parts])
        low, high = wilson(rate, [effective_rows(self.y[part], self.code[part])[-1] for part in parts])
        expected = np.array([self.p[part].mean() for part in parts])
        return Reliability(np.array([len(part) for part in parts]), expected, rate, low, high)

    def _ece(self, weight: Counts, at_rows: Counts, at_won: Counts) -> float:
        """Σ over the bins of |won rows - sum of probabilities|, read off the running difference at the bins' edges."""
        surplus = at_won - np.cumsum(weight * self.p)[self._end_of_equals]
        edges = np.linspace(0, at_rows[-1], BINS + 1)
        return float(np.abs(np.diff(np.interp(edges, np.append(0, at_rows), np.append(0.0, surplus)))).sum())

    def _lift(self, rows: Counts, won: Counts, share: float) -> float:
        total_rows, total_won = int(rows[-1]), int(won[-1])
        if total_won == 0:
            return math.nan
        top = math.ceil(round(share * total_rows, 9))
        last = int(np.searchsorted(rows, top))
        inside = int(won[last]) - int(self.y[last]) * (int(rows[last]) - top)
        return inside / top * total_rows / total_won


def _auc(at_rows: Counts, at_won: Counts) -> float:
    """The area under the curve through (lost rows, won rows) at the distinct probabilities, by trapezia in whole numbers."""
    lost = at_rows - at_won
    pairs = int(lost[-1]) * int(at_won[-1])
    if pairs == 0:
        return math.nan
    twice = np.diff(lost, prepend=0) * (at_won + np.append(0, at_won[:-1]))
    return int(twice.sum()) / (2 * pairs)


def _average_precision(at_rows: Counts, at_won: Counts) -> float:
    if at_won[-1] == 0:
        return math.nan
    return float((np.diff(at_won, prepend=0) * (at_won / np.maximum(at_rows, 1))).sum() / at_won[-1])
