"""Fitting a calibration of a given kind.

Sigmoid: Platt (1999), "Probabilistic outputs for support vector machines", with his smoothed targets, by Newton's method with
step halving (Lin, Lin & Weng 2007). Isotonic: centred isotonic regression (Oron & Flournoy 2017), that is, the blocks of
equal rate become points at their mean margin, so that the curve between them increases; rates are Laplace-smoothed, so that
no block says 0 or 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from features.contract import ModelError
from models.calibration import Calibration, Floats, Method, to_probability

AS_IS = Calibration()
"""Log-odds are the margin."""
LEAST_SLOPE = 0.01
LEAST_RISE = 1e-9
"""Points of an isotonic curve that are closer than this are one."""

_STEPS = 100
_HALVINGS = 40


def fit_calibration(
    method: Method, margin: Floats, y: npt.ArrayLike, weight: npt.ArrayLike | None = None, current: Calibration = AS_IS
) -> Calibration:
    """A calibration of the given method; arguments and errors as for ``models.calibrate.choose_calibration``.

    Where isotonic regression finds a single block only, there is no curve to draw and the sigmoid is returned.
    """
    margin, label, weight = checked(margin, y, weight)
    if method == "none":
        return current
    if method == "offset":
        return recalibrate(current, margin, label, weight)
    target = _smoothed(label, weight)
    slope, intercept = _newton(margin, target, weight, free_slope=True)
    if slope < LEAST_SLOPE:  # the loss is convex: its optimum under the constraint lies on the edge
        slope, intercept = LEAST_SLOPE, _newton(LEAST_SLOPE * margin, target, weight, free_slope=False)[1]
    sigmoid = Calibration("sigmoid", slope, intercept)
    if method == "sigmoid":
        return sigmoid
    knots, levels = _curve(margin, label, weight)
    return Calibration("isotonic", slope, 0.0, tuple(knots), tuple(levels)) if len(knots) > 1 else sigmoid


def recalibrate(calibration: Calibration, margin: Floats, y: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> Calibration:
    """The calibration shifted so that its mean probability follows the base rate of newer rows; ranking and shape stay.

    Arguments and errors as for ``models.calibrate.choose_calibration``.
    """
    margin, label, weight = checked(margin, y, weight)
    return calibration.shifted(_newton(calibration.log_odds(margin), _smoothed(label, weight), weight, free_slope=False)[1])


def checked(margin: npt.ArrayLike, y: npt.ArrayLike, weight: npt.ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    """Margins, labels and weights as float64[m], the weights 1 on average.

    Raises:
        ModelError: there are no rows, or not as many of each; a margin is not finite, a label not 0 or 1, a weight not above 0.
    """
    margin, label = np.asarray(margin, dtype=np.float64), np.asarray(y, dtype=np.float64)
    weight = np.ones_like(label) if weight is None else np.asarray(weight, dtype=np.float64)
    if not len(label) or margin.shape != label.shape or weight.shape != label.shape:
        raise ModelError(
            f"A calibration needs margins, labels and weights of the same rows, not {margin.shape}, {label.shape} and {weight.shape}.",
            "Widen the calibration part of the split if it holds no matured snapshot.",
        )
    if not np.isin(label, (0, 1)).all() or not np.isfinite(margin).all() or not (np.isfinite(weight).all() and (weight > 0).all()):
        raise ModelError(
            "A calibration needs finite margins, labels of 0 or 1 and weights above 0.", "Leave out snapshots that have not matured."
        )
    return margin, label, weight / weight.mean()


def _smoothed(label: Floats, weight: Floats) -> Floats:
    """Platt's targets: (n1 + 1) / (n1 + 2) for won rows and 1 / (n0 + 2) for the others."""
    won = float((weight * label).sum())
    lost = float(weight.sum()) - won
    return np.where(label == 1, (won + 1) / (won + 2), 1 / (lost + 2))


def _newton(margin: Floats, target: Floats, weight: Floats, *, free_slope: bool) -> tuple[float, float]:
    """(slope, intercept) of the least weighted log loss; the slope stays 1 unless it is free."""
    centre, scale = (float(margin.mean()), float(margin.std()) or 1.0) if free_slope else (0.0, 1.0)
    x = (margin - centre) / scale
    at = np.array([scale, centre]) if free_slope else np.array([1.0, 0.0])
    loss = _target_loss(x, target, weight, at)
    for _ in range(_STEPS):
        step = _newton_step(x, target, weight, at, free_slope=free_slope)
        for _ in range(_HALVINGS):
            lower = _target_loss(x, target, weight, at - step)
            if lower <= loss:
                break
            step = step / 2
        else:
            break
        at, moved, loss = at - step, float(np.abs(step).max()), lower
        if moved <= 1e-12 * float(np.abs(at).max()):
            break
    slope = float(at[0]) / scale
    return slope, float(at[1]) - slope * centre


def _newton_step(x: Floats, target: Floats, weight: Floats, at: Floats, *, free_slope: bool) -> Floats:
    probability = to_probability(at[0] * x + at[1])
    residual, curvature = weight * (probability - target), weight * probability * (1 - probability)
    ridge = 1e-12 * float(weight.sum())
    a, b, c = float((curvature * x * x).sum()) + ridge, float((curvature * x).sum()), float(curvature.sum()) + ridge
    g, h = float((residual * x).sum()), float(residual.sum())
    if not free_slope:
        return np.array([0.0, h / c])
    return np.array([c * g - b * h, a * h - b * g]) / (a * c - b * b)


def _target_loss(x: Floats, target: Floats, weight: Floats, at: Floats) -> float:
    z = at[0] * x + at[1]
    return float((weight * (np.logaddexp(0.0, z) - target * z)).sum())


class _Block(NamedTuple):
    """A run of equal rate: its rows, its won rows and the sum of its margins, all weighted."""

    rows: float
    won: float
    total: float

    @property
    def knot(self) -> float:
        """Its mean margin."""
        return self.total / self.rows

    @property
    def level(self) -> float:
        """Its log-odds of winning, smoothed by a win and a loss."""
        return math.log((self.won + 1) / (self.rows - self.won + 1))

    def rises_to(self, following: _Block) -> bool:
        """Whether the next one lies higher by so much that both are told apart."""
        return following.knot - self.knot > LEAST_RISE and following.level - self.level > LEAST_RISE


def _curve(margin: Floats, label: Floats, weight: Floats) -> tuple[list[float], list[float]]:
    """Mean margins and smoothed log-odds of the blocks of isotonic regression; both strictly increasing."""
    from scipy.optimize import isotonic_regression

    row = np.unique(margin, return_inverse=True)[1]
    rows, won, at = (np.bincount(row, values) for values in (weight, weight * label, weight * margin))
    starts = isotonic_regression(won / rows, weights=rows).blocks[:-1]
    blocks: list[_Block] = []
    for found in zip(*(np.add.reduceat(values, starts).tolist() for values in (rows, won, at)), strict=True):
        block = _Block(*found)
        while blocks and not blocks[-1].rises_to(block):  # smoothing can put neighbours out of order again
            block = _Block(*(sum(pair) for pair in zip(blocks.pop(), block, strict=True)))
        blocks.append(block)
    return [block.knot for block in blocks], [block.level for block in blocks]
