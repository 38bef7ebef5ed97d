"""The figures of a ranking and of its probabilities, the same for the model, the rules and the oracle.

Every figure exists once, as a function of how often each lead counts: once each for the figure itself, and as often as it
was drawn for a bootstrap resample (``training.bootstrap``).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from features.contract import ModelError
from models.intervals import effective_rows, wilson
from training.sweep import BINS, Ranking, sweep, sweep_auc

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Figures:
    """What a set of predictions achieved; NaN where a figure is not defined (all rows of one outcome).

    ==================  ================================================================================================
    auc                 the chance that a won row has a higher probability than another one; a tie counts half (Hanley & McNeil 1982)
    average_precision   Σ (recall_k - recall_{k-1}) · precision_k over the distinct probabilities, the highest first
    log_loss            the mean of -log(probability of what happened), in nats; probabilities are kept 2.2e-16 from 0 and 1
    brier               the mean of (probability - outcome)² (Brier 1950); it is reliability - resolution + uncertainty, exactly
    brier_reliability   Σ n_b / n · (mean probability_b - won rate_b)² over the bins b of ``ece``: 0 where every bin holds what it says.
                        Chance alone adds about rate · (1 - rate) · bins / n to it
    brier_resolution    how far the probabilities tell won from lost rows: Σ n_b / n · (won rate_b - won rate)² over the bins
                        (Murphy 1973), less the variance of the probabilities within the bins, plus twice their covariance with the
                        outcomes there: the generalised resolution of Stephenson, Coelho & Jolliffe (2008), with which the parts
                        add up whatever the bins
    brier_uncertainty   won rate · (1 - won rate): the Brier of saying the base rate of every row; the same for all predictions
    ece                 Σ |won rows - sum of probabilities| / rows over 10 bins of equal count in order of probability; rows of equal
                        probability that span bins are shared between them evenly
    lift_at_5           the won rate among the top 5 % (rounded up) by probability, ties by lead_id, over that of all rows;
                        ``lift_at_10`` and ``lift_at_20`` alike
    gain_at_5           the share of all won rows that lie among these; ``gain_at_10`` and ``gain_at_20`` alike
    work_for_80         the share of the rows, from the top, ties by lead_id, down to which 80 % of the won ones (rounded up) lie
    ==================  ================================================================================================
    """

    rows: int
    positives: int
    auc: float
    average_precision: float
    log_loss: float
    brier: float
    brier_reliability: float
    brier_resolution: float
    brier_uncertainty: float
    ece: float
    lift_at_5: float
    lift_at_10: float
    lift_at_20: float
    gain_at_5: float
    gain_at_10: float
    gain_at_20: float
    work_for_80: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values, ``None`` where a figure is not defined."""
        return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in asdict(self).items()}


FIGURES = tuple(name for name in Figures.__dataclass_fields__ if name not in ("rows", "positives"))
ONLY_AUC = ("auc",)
COMPARED = tuple(name for name in FIGURES if name != "brier_uncertainty")
"""The figures in which predictions of the same rows can differ."""
HIGHER_IS_BETTER = frozenset(name for name in FIGURES if name.startswith(("auc", "average", "brier_res", "lift", "gain")))


@dataclass(frozen=True)
class Reliability:
    """Bins, the lowest probabilities first: rows, mean probability and won rate of each, and the rate's 95 % interval by lead."""

    rows: Counts
    expected: Floats
    rate: Floats
    low: Floats
    high: Floats

    def to_dict(self) -> list[dict[str, Any]]:
        """A JSON-ready row for each bin."""
        columns = {name: values.tolist() for name, values in vars(self).items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


class Predictions:
    """Rows in the order of their probability, the highest first, ties by lead, then lost ones first; sorted once, evaluated many times.

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
        order = np.lexsort((label, code, -value))
        self.leads = len(ids)
        self.y, self.p, self.code = label[order], value[order], code[order].astype(np.int64)
        self._last_of_equals = np.append(self.p[1:] < self.p[:-1], np.True_)

    @cached_property
    def ranking(self) -> Ranking:
        """The rows as the compiled arithmetic takes them."""
        clipped = np.clip(self.p, _EPSILON, 1 - _EPSILON)
        return Ranking(
            code=self.code.astype(np.int32),
            won=self.y.astype(np.int32),
            probability=self.p,
            last=self._last_of_equals,
            rows=np.bincount(self.code),
            wins=np.bincount(self.code[self.y == 1], minlength=self.leads),
            loss=np.bincount(self.code, -np.log(np.where(self.y == 1, clipped, 1 - clipped))),
            brier=np.bincount(self.code, (self.p - self.y) ** 2),
        )

    def figures(self) -> Figures:
        """The figures with every lead counted once."""
        values = dict(zip(FIGURES, self.evaluate(np.ones(self.leads, dtype=np.int32)).tolist(), strict=True))
        return Figures(len(self.y), int(self.y.sum()), **values)

    def evaluate(self, times: npt.NDArray[np.integer[Any]], figures: tuple[str, ...] = FIGURES) -> Floats:
        """The figures where the leads, in order of their ids, count so many times.

        Args:
            times: [leads], or [k, leads] for k resamples.
            figures: ``FIGURES``, or ``ONLY_AUC``, which takes a quarter of the time.

        Returns:
            float64[F], or float64[k, F].
        """
        each = np.atleast_2d(np.ascontiguousarray(times, dtype=np.int32))
        values = np.empty((len(each), len(figures)))
        (sweep_auc if figures == ONLY_AUC else sweep)(self.ranking, each, values)
        return values.reshape(*times.shape[:-1], len(figures))

    def gains(self, points: int = 101) -> tuple[Floats, Floats]:
        """(share of rows, share of the won rows among them), float64[points] each, from the top; straight across equal probabilities."""
        ends = np.append(0, self._ends)
        share = np.linspace(0, 1, points)
        won = np.append(0, np.cumsum(self.y))[ends]
        return share, np.interp(share, ends / len(self.y), won / max(int(won[-1]), 1))

    def reliability(self, bins: int = BINS) -> Reliability:
        """Expected and seen rates in bins of about equal count; rows of equal probability share a bin, so there may be fewer."""
        ends = self._ends
        cuts = np.unique(ends[np.searchsorted(ends, np.arange(1, bins + 1) * len(self.y) / bins)])
        parts = np.split(np.arange(len(self.y)), cuts[:-1])[::-1]
        rate = np.array([self.y[part].mean() for part in parts])
        low, high = wilson(rate, [effective_rows(self.y[part], self.code[part])[-1] for part in parts])
        expected = np.array([self.p[part].mean() for part in parts])
        return Reliability(np.array([len(part) for part in parts]), expected, rate, low, high)

    @property
    def _ends(self) -> Counts:
        """How many rows there are down to the last of each probability."""
        return np.flatnonzero(self._last_of_equals) + 1
