"""Choosing few lines and their weights: a logistic model with signs, by forward selection and exchange.

A line enters by Rao's score test, adjusted for those that are there (Rao 1948): the gain in log-likelihood that its best weight would
bring, to second order. All weights are then fitted anew under their signs. When the lines are used up, or no further one adds anything to
speak of, each is tried against all that could stand in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.calibration import to_probability
from training.scorecard.lines import Line

Floats = npt.NDArray[np.float64]

WORTH = 0.0002
"""A line must add this share of the whole gain."""
RIDGE = 1e-4
"""Penalty on squared weights of standardised columns, per row, so that they stay finite."""
STEPS = 50
HALVINGS = 20


@dataclass(frozen=True, eq=False)
class Problem:
    """What is fitted: ``columns`` float64[m, lines] to ``target`` float64[m], in [0, 1], with rows that count by ``weight`` float64[m]."""

    lines: Sequence[Line]
    columns: Floats
    target: Floats
    weight: Floats


@dataclass(frozen=True, eq=False)
class Fit:
    """The chosen lines by their place among all, their weights in log-odds, the intercept, and the loss: minus log-likelihood."""

    chosen: tuple[int, ...]
    weights: Floats
    intercept: float
    loss: float


def select(problem: Problem, most: int) -> Fit:
    """At most so many lines."""
    fit = _fit(problem, ())
    nothing = fit.loss
    while len(fit.chosen) < most:
        entering = _best(problem, fit)
        if entering is None:
            break
        larger = _fit(problem, (*fit.chosen, entering), fit)
        if fit.loss - larger.loss < WORTH * (nothing - larger.loss):
            break
        fit = larger
    return _without_idle(problem, fit)


def exchange(problem: Problem, fit: Fit) -> Fit:
    """Put a better line into each place in turn, until no place can be filled better or every place was tried twice."""
    for place in [*range(len(fit.chosen))] * 2:
        if place >= len(fit.chosen):
            continue
        rest = _fit(problem, fit.chosen[:place] + fit.chosen[place + 1 :], fit)
        entering = _best(problem, rest)
        if entering is None or entering == fit.chosen[place]:
            continue
        other = _fit(problem, (*rest.chosen[:place], entering, *rest.chosen[place:]), rest)
        if other.loss < fit.loss:
            fit = other
    return _without_idle(problem, fit)


def _best(problem: Problem, fit: Fit) -> int | None:
    """The line that promises the greatest gain beside those that are there; None where none does."""
    x, chosen = problem.columns, list(fit.chosen)
    p = to_probability(x[:, chosen] @ fit.weights + fit.intercept)
    residual, curvature = problem.weight * (problem.target - p), problem.weight * p * (1 - p)
    there = np.column_stack((np.ones(len(x)), x[:, chosen]))
    slope = x.T @ residual
    shared = x.T @ (curvature[:, None] * there)
    inner = np.linalg.pinv(there.T @ (curvature[:, None] * there))
    total = (x**2).T @ curvature
    own = total - np.einsum("ij,jk,ik->i", shared, inner, shared)
    allowed = np.array(
        [_may_enter(line, gain, problem.lines, chosen) for line, gain in zip(problem.lines, slope.tolist(), strict=True)], bool
    )
    allowed &= own > 1e-6 * total
    if not allowed.any():
        return None
    gain = np.where(allowed, slope**2 / np.where(allowed, own, 1.0), -1.0)
    return int(np.argmax(gain))


def _may_enter(line: Line, slope: float, lines: Sequence[Line], chosen: Sequence[int]) -> bool:
    return slope * line.sign >= 0 and slope != 0 and not any(line.clashes(lines[place]) for place in chosen)


def _fit(problem: Problem, chosen: tuple[int, ...], near: Fit | None = None) -> Fit:
    """Weights of these lines under their signs, by projected Newton steps (Bertsekas 1982) from the weights of a fit ``near`` by."""
    x = np.column_stack((np.ones(len(problem.target)), problem.columns[:, list(chosen)]))
    sign = np.array([0, *(problem.lines[place].sign for place in chosen)])
    penalty = RIDGE * problem.weight.sum() * np.append(0.0, np.average(x[:, 1:] ** 2, axis=0, weights=problem.weight))
    known = dict(zip(near.chosen, near.weights.tolist(), strict=True)) if near else {}
    weights = np.array([near.intercept if near else 0.0, *(known.get(place, 0.0) for place in chosen)])
    loss = _loss(problem, x, weights, penalty)
    for _ in range(STEPS):
        p = to_probability(x @ weights)
        slope = x.T @ (problem.weight * (p - problem.target)) + penalty * weights
        free = ~((weights == 0) & (slope * sign > 0))
        curvature = x[:, free].T @ ((problem.weight * p * (1 - p))[:, None] * x[:, free]) + np.diag(penalty[free] + 1e-9)
        step = np.zeros(len(weights))
        step[free] = np.linalg.solve(curvature, -slope[free])
        moved, lower = weights, loss
        for halving in range(HALVINGS):
            tried = weights + step / 2**halving
            tried[tried * sign < 0] = 0.0
            reached = _loss(problem, x, tried, penalty)
            if reached < loss:
                moved, lower = tried, reached
                break
        done = loss - lower < 1e-9 * abs(loss)
        weights, loss = moved, lower
        if done:
            break
    return Fit(chosen, weights[1:], float(weights[0]), loss)


def _loss(problem: Problem, x: Floats, weights: Floats, penalty: Floats) -> float:
    return log_loss(x @ weights, problem.target, problem.weight) + float(penalty @ weights**2) / 2


def _without_idle(problem: Problem, fit: Fit) -> Fit:
    """Without lines whose sign leaves them no weight."""
    busy = tuple(place for place, weight in zip(fit.chosen, fit.weights.tolist(), strict=True) if weight != 0.0)
    return fit if busy == fit.chosen else _fit(problem, busy, fit)


def log_loss(margin: Floats, target: Floats, weight: Floats) -> float:
    """The weighted sum of minus log-likelihood, in nats; the target may be a probability."""
    return float(weight @ (np.logaddexp(0.0, margin) - target * margin))
