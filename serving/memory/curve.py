"""A lead's temperature over time, as the model in service sees it, and the interactions that moved it most."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from features.contract import DAY, iso
from features.history import History
from models.scorer import LeadScorer, Scored
from models.temperature import NAMES
from serving.memory.views import CurvePoint, Moved

MOST_INTERACTIONS = 150
"""Interactions, the latest, at which the curve looks."""
MOST_DAYS = 150
"""Looks between them, evenly over the time that it covers."""
MOVERS = 10
"""Interactions that are told to have moved it."""


class Curve(NamedTuple):
    """The looks, the earliest first, and the movers, the greatest first."""

    points: list[CurvePoint]
    moved: list[Moved]


def curve(scorer: LeadScorer, history: History, as_of: int) -> Curve:
    """The curve of the first lead of a history until ``as_of``, with hysteresis along it, in one call of the kernel.

    It looks right before and right after each moment at which interactions became known, and at days between.
    """
    known = np.unique(history.known_at[history.known_at < as_of])[-MOST_INTERACTIONS:]
    begin = int(known[0]) if len(known) else as_of
    step = max(DAY, -(-(as_of - begin) // MOST_DAYS))
    days = np.arange(begin + step, as_of, step)
    moments = np.unique(np.concatenate([known, known + 1, days, [as_of]])).astype(np.int64)
    scored = scorer.numbers(history, np.zeros(len(moments), np.int64), moments)
    modelled = scorer.bands is not None
    bands = scored.temperature if scorer.bands is None else scorer.bands.along(scored.probability, np.zeros(len(moments)))
    before = np.isin(moments, known)
    points = [
        CurvePoint(iso(int(moments[i])), float(scored.probability[i]) if modelled else None, NAMES[int(bands[i])])
        for i in np.flatnonzero(~before)
    ]
    return Curve(points, _movers(history, scored, moments, known, modelled=modelled))


def _movers(history: History, scored: Scored, moments: np.ndarray, known: np.ndarray, *, modelled: bool) -> list[Moved]:
    level = scored.log_odds if modelled else scored.points
    change = level[np.searchsorted(moments, known + 1)] - level[np.searchsorted(moments, known)]
    most = np.argsort(-np.abs(change), kind="stable")[:MOVERS]
    return [_mover(history, int(known[i]), float(change[i])) for i in most if change[i] != 0]


def _mover(history: History, moment: int, change: float) -> Moved:
    rows = np.flatnonzero(history.known_at == moment)
    types = dict.fromkeys(history.type.levels[code] for code in history.type.codes[rows])
    return Moved(iso(moment), list(types), change)
