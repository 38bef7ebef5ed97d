"""Flicker: how often leads change their band when they are looked at every day, with and without hysteresis."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from features.contract import DAY, WEEK
from features.dataset import Dataset
from features.snapshots import Snapshots, grid, on_dates
from models.scorer import LeadScorer
from models.temperature import Bands

MOST_LOOKS = 100_000
"""With more daily looks than this, every second, third, ... lead is followed."""


@dataclass(frozen=True, eq=False)
class Daily:
    """Leads as they are seen every day, lead by lead: probability float64[m], lead, as_of int64[m], by_rules int8[m] their temperature."""

    probability: np.ndarray
    lead: np.ndarray
    as_of: np.ndarray
    by_rules: np.ndarray

    @property
    def weeks(self) -> float:
        """For how many weeks leads were followed, all together."""
        return float(np.diff(self.as_of)[np.diff(self.lead) == 0].sum()) / WEEK


@dataclass(frozen=True, slots=True)
class Flicker:
    """Changes of band per lead and week, and how many of them take back the one before within a week; None where nobody was followed."""

    changes: float | None
    taken_back: float | None


def follow(scorer: LeadScorer, dataset: Dataset, test: Snapshots) -> Daily:
    """The leads that are open in the time of the test part, every day of it."""
    looks = on_dates(dataset, grid(int(test.as_of.min()), int(test.as_of.max()), DAY), scorer.horizon)
    some = looks.take(looks.lead % (len(looks) // MOST_LOOKS + 1) == 0)
    history = dataset.history.with_schema(scorer.schema)
    scored = scorer.numbers(history, some.lead, some.as_of, os.cpu_count() or 1)
    return Daily(scored.probability, some.lead, some.as_of, scored.rules_temperature)


def flicker(bands: Bands, daily: Daily) -> tuple[Flicker, Flicker]:
    """Without and with the bands' hysteresis."""
    return _flicker(bands.of(daily.probability), daily), _flicker(bands.along(daily.probability, daily.lead), daily)


def _flicker(temperature: np.ndarray, daily: Daily) -> Flicker:
    if not daily.weeks:
        return Flicker(None, None)
    changed = np.flatnonzero((np.diff(temperature) != 0) & (np.diff(daily.lead) == 0)) + 1
    earlier, later = changed[:-1], changed[1:]
    back = (daily.lead[earlier] == daily.lead[later]) & (daily.as_of[later] - daily.as_of[earlier] <= WEEK)
    back &= temperature[later] == temperature[earlier - 1]
    return Flicker(len(changed) / daily.weeks, float(back.sum()) / daily.weeks)
