"""How calm a score is: what one more interaction of a lead changes, and how often its temperature changes.

A score that jumps is hard to work with, and one that never moves says nothing: the figures are there to be compared between model
and rules, or versions, of about the same AUC.
"""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.contract import WEEK
from features.dataset import Dataset
from features.snapshots import Snapshots, after_interactions
from models.intervals import TWO_SIDED_95
from models.scorer import LeadScorer
from training.flicker import MOST_LOOKS, Daily, follow

Ratio = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class Stability:
    """How calm one score is; None where there is nothing to tell it from. Intervals are 95 %, by lead.

    Attributes:
        steps: pairs of successive interactions of one lead.
        mean_change: the mean absolute change of the score, 0 to 100, from right after an interaction to right after the lead's next.
        mean_change_low, mean_change_high: its interval.
        lead_weeks: for how long leads were looked at every day, in all.
        band_changes: how often a lead had another temperature than the day before.
        per_lead_week: band changes per lead and week.
        per_lead_week_low, per_lead_week_high: its interval.
    """

    steps: int
    mean_change: float | None
    mean_change_low: float | None
    mean_change_high: float | None
    lead_weeks: float
    band_changes: int
    per_lead_week: float | None
    per_lead_week_low: float | None
    per_lead_week_high: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def stability(scorer: LeadScorer, dataset: Dataset, snapshots: Snapshots) -> dict[str, Stability]:
    """How calm ``model`` and ``rules`` are from the first to the last moment of some snapshots.

    Scores are those right after each interaction that became known in that time, as the share of the snapshots with a lower value, so that
    model and rules are measured in one population. Temperatures are those of every day on which a lead is open, the model's with hysteresis
    (``training.flicker``). With very many looks, a fixed part of the leads stands for all.
    """
    after = after_interactions(dataset, scorer.horizon, int(snapshots.as_of.min()), int(snapshots.as_of.max()))
    after = after.take(after.lead % (len(after) // MOST_LOOKS + 1) == 0)
    lead, as_of = np.append(after.lead, snapshots.lead), np.append(after.as_of, snapshots.as_of)
    scored = scorer.numbers(dataset.history.with_schema(scorer.schema), lead, as_of, os.cpu_count() or 1)
    daily = follow(scorer, dataset, snapshots)
    warmth = {
        "model": daily.by_rules if scorer.bands is None else scorer.bands.along(daily.probability, daily.lead),
        "rules": daily.by_rules,
    }
    values = {"model": scored.probability, "rules": scored.points}
    return {name: _stability(after.lead, _rank(values[name], len(after)), warmth[name], daily) for name in values}


def _rank(value: np.ndarray, count: int) -> np.ndarray:
    """0 to 100, float64[count]: the share of the values from ``count`` on that are lower than each of the first."""
    population = np.sort(value[count:])
    rank: np.ndarray = np.searchsorted(population, value[:count]) * (100 / len(population))
    return rank


def _stability(lead: np.ndarray, score: np.ndarray, temperature: np.ndarray, daily: Daily) -> Stability:
    """Of scores, sorted by lead and moment, and of the temperatures of the days."""
    again = np.diff(lead) == 0
    moved, steps = _by_lead(lead[1:][again], np.abs(np.diff(score))[again]), _by_lead(lead[1:][again], np.ones(again.sum()))
    same = np.diff(daily.lead) == 0
    followed = daily.lead[1:][same]
    changes, weeks = _by_lead(followed, (np.diff(temperature) != 0)[same]), _by_lead(followed, np.diff(daily.as_of)[same] / WEEK)
    return Stability(int(steps.sum()), *_ratio(moved, steps), float(weeks.sum()), int(changes.sum()), *_ratio(changes, weeks))


def _by_lead(lead: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The sum of each lead's values, float64[leads]."""
    return np.bincount(np.unique(lead, return_inverse=True)[1], values)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> Ratio:
    """Σ top / Σ bottom over leads, and its 95 % interval from the spread between leads (linearised ratio, Cochran 1977, section 6.4)."""
    leads, total = len(top), float(bottom.sum())
    if not total:
        return None, None, None
    ratio = float(top.sum()) / total
    if leads == 1:
        return ratio, None, None
    error = TWO_SIDED_95 * math.sqrt(leads / (leads - 1) * float(((top - ratio * bottom) ** 2).sum())) / total
    return ratio, max(ratio - error, 0.0), ratio + error
