"""A lead's chance over time: the present scorer looks at what was known at each moment, and at what follows if nothing happens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.contract import DAY
from features.history import History
from models.scorer import LeadScorer

Floats = npt.NDArray[np.float64]
Moments = npt.NDArray[np.int64]

SHOWN = 120 * DAY
"""How far back the path goes."""
STEPS = 90
"""Moments at even distances; those at which something became known come beside them."""
MOST_KNOWN = 200
"""Of these the latest so many."""
AHEAD = 30
"""Days that are looked ahead."""


@dataclass(frozen=True, eq=False)
class Path:
    """One lead's way up to now.

    Attributes:
        moments: microseconds UTC, ascending, int64[m]; the last is now.
        value: the chance at each, or the rules' points where they score alone, float64[m].
        temperature: int8[m], with hysteresis along the way.
        ahead: days from now on, int64[d], and ``value_ahead``, if nothing happens.
        moves: by the moment at which something became known: what the value was just before and just after.
    """

    moments: Moments
    value: Floats
    temperature: npt.NDArray[np.int8]
    ahead: Moments
    value_ahead: Floats
    moves: dict[int, tuple[float, float]]

    def temperature_after(self, known_at: int) -> tuple[int, int]:
        """The temperatures just before and just after a moment at which something became known."""
        after = int(np.searchsorted(self.moments, known_at + 1))
        return int(self.temperature[max(after - 1, 0)]), int(self.temperature[after])


def path_of(scorer: LeadScorer, history: History, now: int) -> Path:
    """The way of a history's first lead.

    Args:
        scorer: with a model, or with the rules alone.
        history: of one lead, with the scorer's schema.
        now: microseconds UTC; what becomes known at or after it is not seen.
    """
    known = np.unique(history.known_at[history.known_at < now])
    begin = max(int(known[0]) if len(known) else now - DAY, now - SHOWN)
    known = known[known >= begin][-MOST_KNOWN:]
    even = np.linspace(begin, now, STEPS).astype(np.int64)
    moments = np.unique(np.concatenate((even, known, known + 1, [now])))
    moments = moments[moments <= now]
    ahead = now + DAY * np.arange(AHEAD + 1)
    asked = np.concatenate((moments, ahead))
    seen = history.known_before(now)
    scored = scorer.numbers(seen, np.zeros(len(asked), np.int64), asked)
    value = scored.points if scorer.bands is None else scored.probability
    past = value[: len(moments)]
    temperature = scored.temperature[: len(moments)] if scorer.bands is None else scorer.bands.along(past, np.zeros(len(moments)))
    after = np.minimum(np.searchsorted(moments, known) + 1, len(past) - 1)
    moves = dict(zip(known.tolist(), zip(past[after - 1].tolist(), past[after].tolist(), strict=True), strict=True))
    return Path(moments, past, temperature, ahead, value[len(moments) :], moves)
