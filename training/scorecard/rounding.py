"""From weights to whole points: the smallest numbers that keep what the lines know.

Points that double the odds are the scale of credit scorecards (Siddiqi 2006). For each scale the weights are rounded, and then every number
is moved up and down by one as long as that lowers the loss, the others staying (as RiskSLIM polishes its roundings, Ustun & Rudin 2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.calibration import to_probability
from training.scorecard.fitting import Fit, Problem, log_loss

Floats = npt.NDArray[np.float64]

DOUBLING = range(2, 31)
"""So many points double the odds; the least that serves is taken."""
KEPT = 0.998
"""The share of the gain over knowing nothing that rounding must keep."""
FARTHEST = 2.0
"""No number moves farther than this from its weight: that of a line whose leads are never won would go on for ever."""
NEWTON_STEPS = 2
LARGEST = 100
"""No line has more points than this, where a smaller scale serves at all."""


@dataclass(frozen=True, eq=False)
class Points:
    """Whole points of the chosen lines, and the log-odds of a lead: ``intercept + points * slope``."""

    chosen: tuple[int, ...]
    points: tuple[int, ...]
    doubling: int
    intercept: float

    @property
    def slope(self) -> float:
        """Log-odds of one point."""
        return math.log(2) / self.doubling


def whole_points(problem: Problem, fit: Fit) -> Points:
    """The points on the smallest scale that keeps enough of the gain; else on the one that keeps most."""
    nothing = _nothing_known(problem)
    enough = nothing - KEPT * (nothing - fit.loss)
    best: tuple[float, Points] | None = None
    for doubling in DOUBLING:
        loss, points = _rounded(problem, fit, doubling)
        if best is None or (loss < best[0] and max(map(abs, points.points), default=0) <= LARGEST):
            best = loss, points
        if loss <= enough:
            return points
    return best[1] if best else _rounded(problem, fit, DOUBLING[-1])[1]


def _nothing_known(problem: Problem) -> float:
    mean = float(np.average(problem.target, weights=problem.weight))
    return log_loss(np.full(len(problem.target), math.log(mean / (1 - mean))), problem.target, problem.weight)


def _rounded(problem: Problem, fit: Fit, doubling: int) -> tuple[float, Points]:
    slope = math.log(2) / doubling
    x = problem.columns[:, list(fit.chosen)] * slope
    points = np.rint(fit.weights / slope)
    intercept, loss = _intercept(problem, x @ points, fit.intercept)
    improved = True
    while improved:
        improved = False
        for place, step in ((place, step) for place in range(len(points)) for step in (1.0, -1.0)):
            moved = points.copy()
            moved[place] += step
            if moved[place] * problem.lines[fit.chosen[place]].sign < 0 or abs(moved[place] - fit.weights[place] / slope) > FARTHEST:
                continue
            there, lower = _intercept(problem, x @ moved, intercept)
            if lower < loss - 1e-9 * abs(loss):
                points, intercept, loss, improved = moved, there, lower, True
    said = [(place, int(number)) for place, number in zip(fit.chosen, points.tolist(), strict=True) if number]
    return loss, Points(tuple(place for place, _ in said), tuple(number for _, number in said), doubling, intercept)


def _intercept(problem: Problem, margin: Floats, near: float) -> tuple[float, float]:
    """The best intercept beside fixed points, by Newton's method, and the loss."""
    for _ in range(NEWTON_STEPS):
        p = to_probability(margin + near)
        near -= float(problem.weight @ (p - problem.target)) / max(float(problem.weight @ (p * (1 - p))), 1e-12)
    return near, log_loss(margin + near, problem.target, problem.weight)
