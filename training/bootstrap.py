"""How sure the figures are: 95 % percentile intervals over resamples of whole leads, and differences on the same resamples.

A resample draws as many leads as there are, with replacement (the cluster bootstrap, Davison & Hinkley 1997, section 3.8); a
lead that is drawn twice counts twice with all its rows. Nothing is sorted again: a resample is a number of times per lead.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from features.contract import ModelError
from features.progress import progress
from training.metrics import COMPARED, FIGURES, HIGHER_IS_BETTER, Floats, Predictions

RESAMPLES = 1_000
Verdict = Literal["better", "worse", "tie"]
Interval = tuple[float, float]

_TOGETHER = 25
"""Resamples that are drawn and computed at a time, which bounds the memory."""


@dataclass(frozen=True)
class Difference:
    """A figure of a minus that of b, its interval, and what it says of a: a tie if the interval holds 0."""

    a: float
    b: float
    difference: float
    low: float
    high: float
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values, ``None`` where a figure is not defined."""
        return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in vars(self).items()}


@dataclass(frozen=True, eq=False)
class Resampled:
    """The figures of predictions of the same rows, as they are and on the same resamples of leads.

    ``whole`` maps a name to float64[F], ``values`` to float64[resamples, F], in the order of ``figures``.
    """

    figures: tuple[str, ...]
    whole: Mapping[str, Floats]
    values: Mapping[str, Floats]

    def intervals(self, name: str) -> dict[str, Interval]:
        """The 95 % interval of each figure; as for ``bootstrap``."""
        return {figure: _interval(self.values[name][:, i]) for i, figure in enumerate(self.figures)}

    def differences(self, a: str, b: str) -> dict[str, Difference]:
        """How a differs from b in each of the figures that are in ``metrics.COMPARED``."""
        apart = self.values[a] - self.values[b]
        return {
            figure: _difference(figure, float(self.whole[a][i]), float(self.whole[b][i]), apart[:, i])
            for i, figure in enumerate(self.figures)
            if figure in COMPARED
        }


def resample(
    predictions: Mapping[str, Predictions], resamples: int = RESAMPLES, seed: int = 0, figures: tuple[str, ...] = FIGURES
) -> Resampled:
    """The figures of all predictions in one pass over the resamples.

    The draws follow from the seed and the number of leads alone, so that figures of two calls can be paired; threads change nothing.

    Args:
        predictions: by name; of the same rows.
        resamples: how many.
        seed: of the draws.
        figures: ``metrics.FIGURES`` or ``metrics.ONLY_AUC``.

    Raises:
        ModelError: no resamples are asked for, or the predictions are of different leads.
    """
    if resamples < 1:
        raise ModelError(f"An interval needs resamples, not {resamples}.", "1,000 are usual.")
    leads = {prediction.leads for prediction in predictions.values()}
    if len(leads) != 1:
        raise ModelError("Only predictions of the same rows can be compared.", "Let both versions score the same snapshots.")
    values: dict[str, list[Floats]] = {name: [] for name in predictions}
    threads = os.cpu_count() or 1
    with progress("resampling the leads", resamples) as advance, ThreadPoolExecutor(threads) as pool:
        for times in _draws(leads.pop(), resamples, seed):
            parts = np.array_split(times, threads)
            jobs = {name: pool.map(partial(one.evaluate, figures=figures), parts) for name, one in predictions.items()}
            for name, some in jobs.items():
                values[name] += some
            advance(len(times))
    whole = {name: one.evaluate(np.ones(one.leads, dtype=np.int32), figures) for name, one in predictions.items()}
    return Resampled(figures, whole, {name: np.concatenate(parts) for name, parts in values.items()})


def bootstrap(
    y: npt.ArrayLike, p: npt.ArrayLike, lead: npt.ArrayLike | None = None, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """The 95 % interval of each of ``metrics.FIGURES``; arguments and errors as for ``metrics.Predictions``.

    Resamples in which a figure is not defined are left out of its interval; NaN if it is defined in none. Those of ``ece`` and
    ``brier_reliability`` lie high, for resampling adds noise to every bin.
    """
    return resample({"": Predictions(y, p, lead)}, resamples, seed).intervals("")


def paired(
    y: npt.ArrayLike, p_a: npt.ArrayLike, p_b: npt.ArrayLike, lead: npt.ArrayLike | None = None, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Difference]:
    """How a differs from b in each of ``metrics.COMPARED`` on the same rows and the same resamples.

    The resamples are those of ``bootstrap`` with the same seed and leads; arguments and errors as for ``metrics.Predictions``.
    """
    both = {"a": Predictions(y, p_a, lead), "b": Predictions(y, p_b, lead)}
    return resample(both, resamples, seed).differences("a", "b")


def _draws(leads: int, resamples: int, seed: int) -> Iterator[npt.NDArray[np.int32]]:
    """How often each lead was drawn in the next few resamples, int32[some, leads]."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, _TOGETHER):
        some = range(min(_TOGETHER, resamples - start))
        yield np.stack([np.bincount(rng.integers(0, leads, leads), minlength=leads) for _ in some]).astype(np.int32)


def _interval(values: Floats) -> Interval:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return math.nan, math.nan
    low, high = np.percentile(defined, (2.5, 97.5)).tolist()
    return low, high


def _difference(name: str, a: float, b: float, resampled: Floats) -> Difference:
    low, high = _interval(resampled)
    upwards: Verdict = "better" if name in HIGHER_IS_BETTER else "worse"
    downwards: Verdict = "worse" if name in HIGHER_IS_BETTER else "better"
    return Difference(a, b, a - b, low, high, upwards if low > 0 else downwards if high < 0 else "tie")
