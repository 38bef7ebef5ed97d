"""The arithmetic of the figures: one walk down the ranking for each resample of leads.

It knows no names; ``training.metrics`` says what each figure means. A resample is a number of times per lead, so nothing is sorted or
copied for it. Every resample is computed alone and in one order: the result depends neither on threads nor on how they share the work.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

SHARES = (0.05, 0.1, 0.2)
"""The shares from the top at which lift and gain are taken."""
WORK_FOR = 0.8
"""The share of the won rows that ``work_for_80`` looks for."""
BINS = 10

jit = numba.njit(cache=True, nogil=True)


class Ranking(NamedTuple):
    """m rows of L leads, the highest probability first.

    ``code`` int32[m]: the lead of each row; ``won`` int32[m]: 1 or 0; ``probability`` float64[m]; ``last`` bool[m]: the last row of those
    of equal probability; ``rows``, ``wins`` int64[L], ``loss``, ``brier`` float64[L]: sums of each lead's rows.
    """

    code: np.ndarray
    won: np.ndarray
    probability: np.ndarray
    last: np.ndarray
    rows: np.ndarray
    wins: np.ndarray
    loss: np.ndarray
    brier: np.ndarray


@jit
def sweep(ranking: Ranking, times: np.ndarray, out: np.ndarray) -> None:
    """Write the figures of resamples (times int32[k, L]) into ``out`` float64[k, 15], in the order of ``metrics.FIGURES``.

    NaN stands where a figure is not defined.
    """
    for number in range(len(times)):
        _one(ranking, times[number], out[number])


@jit
def sweep_auc(ranking: Ranking, times: np.ndarray, out: np.ndarray) -> None:
    """Write the AUC alone of resamples (times int32[k, L]) into ``out`` float64[k, 1]; NaN where all rows have one outcome."""
    code, won, last = ranking.code, ranking.won, ranking.last
    for number in range(len(times)):
        each, area, rows, wins, rows_before, wins_before = times[number], 0, 0, 0, 0, 0
        for i in range(len(code)):
            weight = each[code[i]]
            rows += weight
            wins += weight * won[i]
            if last[i]:
                area += (rows - wins - rows_before + wins_before) * (wins + wins_before)
                rows_before, wins_before = rows, wins
        pairs = wins * (rows - wins)
        out[number, 0] = area / (2 * pairs) if pairs else math.nan


@jit
def _one(ranking: Ranking, times: np.ndarray, out: np.ndarray) -> None:
    out[:] = math.nan
    total, wins, loss, brier = 0, 0, 0.0, 0.0
    for lead in range(len(times)):
        total += times[lead] * ranking.rows[lead]
        wins += times[lead] * ranking.wins[lead]
        loss += times[lead] * ranking.loss[lead]
        brier += times[lead] * ranking.brier[lead]
    if total == 0:
        return
    pairs, area, precision, distance, square = _by_probability(ranking, times, total)
    rate = wins / total
    out[2], out[3] = loss / total, brier / total
    out[4] = BINS * square / (total * total)
    out[6] = rate * (1 - rate)
    out[5] = out[4] + out[6] - out[3]
    out[7] = distance / total
    if pairs > 0:
        out[0] = area / (2 * pairs)
    if wins > 0:
        out[1] = precision / wins
        _by_row(ranking, times, total, wins, out)


@jit
def _by_probability(ranking: Ranking, times: np.ndarray, total: int) -> tuple[int, int, float, float, float]:
    """What only depends on the distinct probabilities: (won and lost pairs, twice those in order, precision at every win, Σ|d|, Σd²).

    d is, for each of the bins of equal count, won rows less the sum of probabilities, read off the running difference at the bins' edges.
    """
    code, won, probability, last = ranking.code, ranking.won, ranking.probability, ranking.last
    rows, wins, surplus = 0, 0, 0.0
    rows_before, wins_before, surplus_before = 0, 0, 0.0
    area, precision, distance, square = 0, 0.0, 0.0, 0.0
    edge, at_edge = 1, 0.0
    for i in range(len(code)):
        weight = times[code[i]]
        rows += weight
        wins += weight * won[i]
        surplus += weight * (won[i] - probability[i])
        if not last[i] or rows == rows_before:
            continue
        area += (rows - wins - rows_before + wins_before) * (wins + wins_before)
        precision += (wins - wins_before) * (wins / rows)
        while edge <= BINS and edge * total <= rows * BINS:
            part = (edge * total / BINS - rows_before) / (rows - rows_before)
            here = surplus_before + part * (surplus - surplus_before)
            distance += abs(here - at_edge)
            square += (here - at_edge) ** 2
            edge, at_edge = edge + 1, here
        rows_before, wins_before, surplus_before = rows, wins, surplus
    return wins * (rows - wins), area, precision, distance, square


@jit
def _by_row(ranking: Ranking, times: np.ndarray, total: int, wins: int, out: np.ndarray) -> None:
    """Lift and gain at each of ``SHARES``, and the share of rows down to ``WORK_FOR`` of the wins; equals in their order."""
    code, won = ranking.code, ranking.won
    share, rows, found, target = 0, 0, 0, _at_least(WORK_FOR, wins)
    for i in range(len(code)):
        rows += times[code[i]]
        found += times[code[i]] * won[i]
        while share < len(SHARES) and rows >= _at_least(SHARES[share], total):
            top = _at_least(SHARES[share], total)
            inside = found - won[i] * (rows - top)
            out[8 + share] = inside / top * total / wins
            out[11 + share] = inside / wins
            share += 1
        if found >= target:
            if math.isnan(out[14]):
                out[14] = (rows - (found - target)) / total
            if share == len(SHARES):
                return


@jit
def _at_least(share: float, count: int) -> int:
    """A share of so many, rounded up where it is broken."""
    return math.ceil(round(share * count, 9))
