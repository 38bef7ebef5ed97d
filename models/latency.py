"""How long one lead takes to score, as the service scores it: with reasons, one after another."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.history import History

if TYPE_CHECKING:
    from models.scorer import LeadScorer

WARM_UP = 10
"""Scores that are not counted: code is compiled and loaded in them."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Wall-clock milliseconds of ``LeadScorer.score``: the median, and what 95 of 100 stay within, of so many ``scored`` leads."""

    scored: int
    median_ms: float
    p95_ms: float


def latency(scorer: LeadScorer, leads: Iterable[tuple[History, int]]) -> Latency:
    """Score leads one by one and watch the clock.

    Args:
        scorer: what the service would load.
        leads: histories of one lead each, with the scorer's ``schema``, and the moment to look at them, microseconds UTC; at least one.
    """
    cases = list(leads)
    for history, as_of in cases[:WARM_UP]:
        scorer.score(history, as_of)
    gc.collect()
    seconds = [_seconds(scorer, history, as_of) for history, as_of in cases]
    median, p95 = np.percentile(seconds, (50, 95)).tolist()
    return Latency(len(cases), 1e3 * median, 1e3 * p95)


def _seconds(scorer: LeadScorer, history: History, as_of: int) -> float:
    start = time.perf_counter()
    scorer.score(history, as_of)
    return time.perf_counter() - start
