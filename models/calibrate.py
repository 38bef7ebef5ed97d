"""Fitting a calibration, and choosing which kind the data supports.

Sigmoid: Platt (1999), "Probabilistic outputs for support vector machines", with his smoothed targets, by Newton's method with
step halving (Lin, Lin & Weng 2007). Isotonic: centred isotonic regression (Oron & Flournoy 2017), that is, the blocks of
equal rate become points at their mean margin, so that the curve between them increases; rates are Laplace-smoothed, so that
no block says 0 or 1.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.contract import ModelError
from models.calibration import METHODS, Calibration, Floats, Method, to_probability

AS_IS = Calibration()
"""Log-odds are the margin."""
FOLDS = 5
LEAST_SLOPE = 0.01
LEAST_RISE = 1e-9
"""Points of an isotonic curve that are closer than this are one."""
LEAST_OF_EACH: dict[Method, int] = {"none": 0, "offset": 10, "sigmoid": 30, "isotonic": 200}
"""So many won and so many not won rows must be there before a method is tried."""

_STEPS = 100
_HALVINGS = 40


@dataclass(frozen=True)
class Candidate:
    """How one method did: its log loss on leads it was not fitted on, and its gain over the simpler method that stood before.

    ``note`` says why it was taken, left or not tried. Losses are means per row in nats.
    """

    method: Method
    log_loss: float | None
    gain: float | None
    standard_error: float | None
    note: str


@dataclass(frozen=True)
class CalibrationChoice:
    """The chosen calibration, fitted on all rows, and what each candidate achieved."""

    calibration: Calibration
    candidates: tuple[Candidate, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values, for the log of a training."""
        return {"method": self.calibration.method, "candidates": [asdict(candidate) for candidate in self.candidates]}


def choose_calibration(
    margin: Floats,
    y: npt.ArrayLike,
    groups: npt.ArrayLike | None = None,
    weight: npt.ArrayLike | None = None,
    seed: int = 0,
    current: Calibration = AS_IS,
) -> CalibrationChoice:
    """The simplest calibration that no more complex one clearly beats.

    Candidates stand in the order none, offset, sigmoid, isotonic. Each is scored by its log loss over 5 folds of whole groups; one
    replaces the simpler one before it when its mean gain is larger than that gain's standard error, taken over groups.

    Args:
        margin: raw log-odds, float64[m], of rows that the model was not trained on.
        y: 1 won, 0 not, [m].
        groups: the lead of each row, [m]; rows of a lead are never parted. Default: each row is its own.
        weight: how much each row counts, [m], on any scale. Default: all alike.
        seed: of the folds.
        current: the calibration of a model that is there already: what "none" leaves as it is and "offset" shifts.

    Raises:
        ModelError: no rows, unequal lengths, margins or weights that are not finite, or labels other than 0 and 1.
    """
    margin, label, weight = _checked(margin, y, weight)
    members = _members(groups, len(label))
    fold = _folds(members, seed)
    standing: Method = "none"
    standing_loss = _row_loss(current.log_odds(margin), label)
    as_it_is = "the margin as it is" if current == AS_IS else "the calibration as it is"
    candidates = [Candidate("none", _mean(standing_loss, weight), None, None, as_it_is)]
    for method in METHODS[1:]:
        obstacle = _obstacle(method, margin, label)
        if obstacle:
            candidates.append(Candidate(method, None, None, None, f"not tried: {obstacle}"))
            continue
        loss = _row_loss(_held_out(method, margin, label, weight, fold, current), label)
        gain, error = mean_and_error(standing_loss - loss, members, weight)
        better = gain > error
        candidates.append(Candidate(method, _mean(loss, weight), gain, error, f"{'' if better else 'not '}clearly better than {standing}"))
        if better:
            standing, standing_loss = method, loss
    return CalibrationChoice(fit_calibration(standing, margin, label, weight, current), tuple(candidates))


def unseen_log_odds(
    method: Method, margin: Floats, y: npt.ArrayLike, groups: npt.ArrayLike | None = None, weight: Floats | None = None, seed: int = 0
) -> Floats:
    """Calibrated log-odds, float64[m], of each row by a calibration that was fitted on other groups' rows.

    Models can be compared by them, and none gains by bending more to its rows. Arguments and errors as for ``choose_calibration``.
    """
    margin, label, weight = _checked(margin, y, weight)
    return _held_out(method, margin, label, weight, _folds(_members(groups, len(label)), seed))


def mean_and_error(values: Floats, groups: npt.ArrayLike, weight: Floats) -> tuple[float, float]:
    """Weighted mean of values, float64[m], and its standard error over groups (the linearised ratio estimator)."""
    mean = _mean(values, weight)
    spread = np.bincount(_members(groups, len(values)), weight * (values - mean))
    return mean, float(np.sqrt((spread**2).sum()) / weight.sum())


def _members(groups: npt.ArrayLike | None, rows: int) -> npt.NDArray[np.intp]:
    """The group of each row, numbered from 0 on."""
    return np.unique(np.arange(rows) if groups is None else np.asarray(groups), return_inverse=True)[1]


def _folds(members: npt.NDArray[np.intp], seed: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(int(members.max()) + 1)[members] % FOLDS


def _obstacle(method: Method, margin: Floats, label: Floats) -> str:
    if np.ptp(margin) == 0:
        return "all margins are equal"
    least, won = LEAST_OF_EACH[method], int(label.sum())
    fewest = min(won, len(label) - won)
    return f"it needs {least} won and {least} other rows, and there are only {fewest} of one kind" if fewest < least else ""


def fit_calibration(
    method: Method, margin: Floats, y: npt.ArrayLike, weight: npt.ArrayLike | None = None, current: Calibration = AS_IS
) -> Calibration:
    """A calibration of the given method; arguments and errors as for ``choose_calibration``.

    Where isotonic regression finds a single block only, there is no curve to draw and the sigmoid is returned.
    """
    margin, label, weight = _checked(margin, y, weight)
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

    Arguments and errors as for ``choose_calibration``.
    """
    margin, label, weight = _checked(margin, y, weight)
    return calibration.shifted(_newton(calibration.log_odds(margin), _smoothed(label, weight), weight, free_slope=False)[1])


def _checked(margin: npt.ArrayLike, y: npt.ArrayLike, weight: npt.ArrayLike | None) -> tuple[Floats, Floats, Floats]:
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
        return self.total / self.rows

    @property
    def level(self) -> float:
        return math.log((self.won + 1) / (self.rows - self.won + 1))

    def rises_to(self, following: _Block) -> bool:
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


def _held_out(
    method: Method, margin: Floats, label: Floats, weight: Floats, fold: npt.NDArray[np.int64], current: Calibration = AS_IS
) -> Floats:
    log_odds = np.empty_like(margin)
    for held in np.unique(fold):
        out = fold == held
        log_odds[out] = fit_calibration(method, margin[~out], label[~out], weight[~out], current).log_odds(margin[out])
    return log_odds


def _row_loss(log_odds: Floats, label: Floats) -> Floats:
    return np.logaddexp(0.0, log_odds) - label * log_odds


def _mean(values: Floats, weight: Floats) -> float:
    return float((weight * values).sum() / weight.sum())
