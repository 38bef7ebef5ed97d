"""How sure the figures are: 95 % percentile intervals over resamples of whole leads, and differences on the same resamples.

A resample draws as many leads as there are, with replacement (the cluster bootstrap, Davison & Hinkley 1997, section 3.8); a
lead that is drawn twice counts twice with all its rows. Nothing is sorted again: a resample is a number of times per lead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from features.contract import ModelError
from features.progress import progress
from training.metrics import FIGURES, HIGHER_IS_BETTER, Floats, Predictions

RESAMPLES = 1_000
Verdict = Literal["better", "worse", "tie"]
Interval = tuple[float, float]


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


def bootstrap(
    y: npt.ArrayLike, p: npt.ArrayLike, lead: npt.ArrayLike | None = None, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """The 95 % interval of each of ``metrics.FIGURES``; arguments and errors as for ``metrics.Predictions``.

    Resamples in which a figure is not defined are left out of its interval; NaN if it is defined in none. That of ``ece``
    lies high, for resampling adds noise to every bin.
    """
    values = _resampled([Predictions(y, p, lead)], resamples, seed)[:, 0]
    return {name: _interval(values[:, i]) for i, name in enumerate(FIGURES)}


def paired(
    y: npt.ArrayLike, p_a: npt.ArrayLike, p_b: npt.ArrayLike, lead: npt.ArrayLike | None = None, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Difference]:
    """How a differs from b in each of ``metrics.FIGURES`` on the same rows and the same resamples.

    The resamples are those of ``bootstrap`` with the same seed and leads; arguments and errors as for ``metrics.Predictions``.
    """
    both = [Predictions(y, p_a, lead), Predictions(y, p_b, lead)]
    values = _resampled(both, resamples, seed)
    whole = [prediction.evaluate(np.ones(prediction.leads, dtype=np.int64)).tolist() for prediction in both]
    return {
        name: _difference(name, a, b, values[:, 0, i] - values[:, 1, i]) for i, (name, a, b) in enumerate(zip(FIGURES, *whole, strict=True))
    }


def _resampled(predictions: list[Predictions], resamples: int, seed: int) -> Floats:
    """The figures of each resample, float64[resamples, predictions, figures]."""
    if resamples < 1:
        raise ModelError(f"An interval needs resamples, not {resamples}.", "1,000 are usual.")
    rng = np.random.default_rng(seed)
    leads = predictions[0].leads
    values = np.empty((resamples, len(predictions), len(FIGURES)))
    with progress("resampling the leads", resamples) as advance:
        for resample in values:
            times = np.bincount(rng.integers(0, leads, leads), minlength=leads)
            for i, prediction in enumerate(predictions):
                resample[i] = prediction.evaluate(times)
            advance(1)
    return values


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
