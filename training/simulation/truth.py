"""The true probabilities of the simulated world, by formula.

The states X are an affine process: rates and hazards are linear in X, and X fades linearly. For such processes expectations are
exponentials of linear functions of X (Duffie, Pan and Singleton 2000; Errais, Giesecke and Goldberg 2010 for Hawkes processes). With
k(X) the total hazard of winning, losing and opting out, and p(s, X) the rate at which wins begin (the hazard of winning, plus that of
opting out times the chance of winning all the same afterwards),

    P(win in [t, T) | history) = integral over s in [t, T) of E[p(s, X_s) exp(-integral over [t, s) of k(X))]
                               = integral over s in [t, T) of exp(A + B.X_t) (C + D.X_t)

where A, B, C, D depend on s alone and solve ordinary differential equations backwards from s (fourth-order Runge-Kutta). The outer
integral is Gauss-Legendre's, in the square root of the time ahead. Nothing is drawn at random: the error is the quadrature's, below
1e-4 of a probability's size (tests/test_truth.py compares with finer steps and with the world run forward).

Where intent is hidden, the probability is its mean over what the history leaves open: a lead that stayed open through the hazard h
has intent q with a weight in proportion to exp(-q h).
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from training.simulation.dynamics import HAZARDS, LOST, OPTED_OUT, SILENT, WON, Dynamics
from training.simulation.process import Lives, Starts

Floats = npt.NDArray[np.float64]

NODES = 8
STEP = 1.0


class Horizons(NamedTuple):
    """The reference times and, for each, the end of its horizon: float64[t], world days since the start."""

    begin: Floats
    end: Floats


class TruthTables(NamedTuple):
    """``weight``: float64[t, N]. ``lines``: float64[S, F, Q, t, N, 2 d + 2], B then D then A then C. ``silent``: float64[F, Q, t]."""

    weight: Floats
    lines: Floats
    silent: Floats


def truth_tables(world: Dynamics, horizons: Horizons, nodes: int = NODES, step: float = STEP) -> TruthTables:
    """The functions of the state for each segment, fit, intent and reference time.

    Args:
        world: the arrays of the world.
        horizons: the reference times.
        nodes: of the outer integral.
        step: world days, the longest step of the differential equations.
    """
    points, weights = np.polynomial.legendre.leggauss(nodes)
    points = (points + 1) / 2
    length = horizons.end - horizons.begin
    winning = world.fit[:, None] * world.intent
    silent = _silent_chance(world, winning[:, :, None], length)
    lines = _solve(world, winning, horizons, points**2, step)
    return TruthTables(length[:, None] * points * weights, lines, silent)


def _silent_chance(world: Dynamics, winning: Floats, length: Floats) -> Floats:
    """The chance of a win within the length by leads that have opted out."""
    win = world.base[SILENT, WON] * winning
    every = win + world.base[SILENT, LOST]
    return np.asarray(win / every * -np.expm1(-every * length))


@numba.njit(cache=True, nogil=True)
def _solve(world: Dynamics, winning: Floats, horizons: Horizons, parts: Floats, longest: float) -> Floats:
    """The lines of ``TruthTables``; parts: float64[N], where in the horizon the nodes lie."""
    times, size = horizons.begin.size, 2 * world.fade.size + 2
    lines = np.empty((SILENT, *winning.shape, times, parts.size, size))
    for segment in range(SILENT):
        for fit in range(winning.shape[0]):
            for intent in range(winning.shape[1]):
                for time in range(times):
                    for node in range(parts.size):
                        ahead = horizons.end[time] - horizons.begin[time]
                        lines[segment, fit, intent, time, node] = _line(
                            world, segment, winning[fit, intent], horizons.begin[time], ahead, ahead * parts[node], longest
                        )
    return lines


@numba.njit(cache=True, nogil=True)
def _line(world, segment, winning, begin, ahead, until, longest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  Numba types it
    """B, D, A and C for wins that begin ``until`` world days after ``begin``, integrated back to it."""
    states = world.fade.size
    y = np.zeros(2 * states + 2)
    hazard = winning * np.exp(world.trend[segment] * (begin + until))
    every = winning * world.base[SILENT, WON] + world.base[SILENT, LOST]
    later = winning * world.base[SILENT, WON] / every * (1.0 - np.exp(-every * (ahead - until)))
    y[states : 2 * states] = hazard * world.drive[segment, WON] + later * world.drive[segment, OPTED_OUT]
    y[-1] = hazard * world.base[segment, WON] + later * world.base[segment, OPTED_OUT]
    steps = int(np.ceil(until / longest))
    step, at = until / steps, begin + until
    slopes = np.empty((4, y.size))
    for _ in range(steps):
        _slope(world, segment, winning * np.exp(world.trend[segment] * at), y, slopes[0])
        middle = winning * np.exp(world.trend[segment] * (at - step / 2))
        _slope(world, segment, middle, y + step / 2 * slopes[0], slopes[1])
        _slope(world, segment, middle, y + step / 2 * slopes[1], slopes[2])
        at -= step
        _slope(world, segment, winning * np.exp(world.trend[segment] * at), y + step * slopes[2], slopes[3])
        y += step / 6 * (slopes[0] + 2 * slopes[1] + 2 * slopes[2] + slopes[3])
    return y


@numba.njit(cache=True, nogil=True)
def _slope(world: Dynamics, segment: int, winning: float, y: Floats, slope: Floats) -> None:
    """How B, D, A and C grow with the time ahead."""
    states = world.fade.size
    b, d = y[:states], y[states : 2 * states]
    slope[:] = 0.0
    for state in range(states):
        slope[state] = -world.fade[state] * b[state]
        slope[states + state] = -world.fade[state] * d[state]
    for thing in range(world.base.shape[1]):
        if thing < HAZARDS:
            growth, tilt = -winning if thing == WON else -1.0, 0.0
        else:
            rise, turn = 0.0, 0.0
            for state in range(states):
                rise += world.push[segment, thing, state] * b[state]
                turn += world.push[segment, thing, state] * d[state]
            growth = np.exp(rise) - 1.0
            tilt = (growth + 1.0) * turn
        slope[-2] += world.base[segment, thing] * growth
        slope[-1] += world.base[segment, thing] * tilt
        for state in range(states):
            slope[state] += world.drive[segment, thing, state] * growth
            slope[states + state] += world.drive[segment, thing, state] * tilt


@numba.njit(cache=True, nogil=True)
def true_probability(world: Dynamics, tables: TruthTables, starts: Starts, lives: Lives) -> Floats:
    """float64[s]: for each sight the chance of winning within its horizon, given the history before it."""
    chance = np.zeros(lives.sights.shape[0])
    weight = np.empty(world.intent.size)
    for row in range(chance.size):
        lead, time, segment = lives.sights[row]
        fit = starts.fit[lead]
        for intent in range(weight.size):
            weight[intent] = np.exp(-(world.intent[intent] - world.intent[0]) * lives.exposure[row])
        for intent in range(weight.size):
            if segment == SILENT:
                one = tables.silent[fit, intent, time]
            else:
                one = _integral(tables.lines[segment, fit, intent, time], tables.weight[time], lives.states[row])
            chance[row] += weight[intent] / weight.sum() * one
    return chance


@numba.njit(cache=True, nogil=True)
def _integral(lines: Floats, weight: Floats, states: Floats) -> float:
    """The outer integral at these states."""
    total = 0.0
    for node in range(weight.size):
        line = lines[node]
        exponent, factor = line[-2], line[-1]
        for state in range(states.size):
            exponent += line[state] * states[state]
            factor += line[states.size + state] * states[state]
        total += weight[node] * np.exp(exponent) * factor
    return total
