"""How calm a score is: what one more interaction of a lead changes, and how often its temperature changes.

A score that jumps is hard to work with, and one that never moves says nothing: the figures are there to be compared between model
and rules of about the same AUC, and between versions.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.contract import WEEK
from features.dataset import Dataset
from features.snapshots import Snapshots, after_interactions
from models.intervals import TWO_SIDED_95
from models.scorer import LeadScorer
from models.temperature import Bands
from training.evaluate import ids

MOST_LOOKS = 200_000
"""Beyond so many looks after interactions a fixed part of the leads stands for all."""


@dataclass(frozen=True)
class Stability:
    """How calm one score is; None where there is nothing to tell it from.

    Attributes:
        leads: that were looked at.
        steps: pairs of successive interactions of one lead.
        mean_change: the mean absolute change of the score, 0 to 100, from right after an interaction to right after the lead's next.
        mean_change_low, mean_change_high: its 95 % interval.
        lead_weeks: from each lead's first to its last look, in all.
        band_changes: how often a temperature was another than at the look before.
        per_lead_week: band changes per lead and week.
        per_lead_week_low, per_lead_week_high: its 95 % interval.
    """

    leads: int
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


@dataclass(frozen=True, eq=False)
class _Looks:
    """k looks, sorted by lead and moment: lead, as_of int64[k]; whether it is a snapshot, and right after an interaction, bool[k] each."""

    lead: np.ndarray
    as_of: np.ndarray
    snapshot: np.ndarray
    interaction: np.ndarray


def stability(scorer: LeadScorer, dataset: Dataset, snapshots: Snapshots, threads: int = 1) -> dict[str, Stability]:
    """How calm ``model`` and ``rules`` are on the leads of the period of some snapshots.

    Leads are looked at right after each interaction that became known in the period, and at the snapshots. The score changes are those
    between the former; the temperatures, the model's with its hysteresis, are followed through all looks, so that cooling down shows too.
    For both, a score is the share of the snapshots with a lower value, so that model and rules are measured in one population.
    """
    looks = _looks(dataset, snapshots, scorer.horizon)
    scored = scorer.numbers(dataset.history.with_schema(scorer.schema), looks.lead, looks.as_of, threads)
    warmth = {
        "model": scored.temperature if scorer.bands is None else followed(scorer.bands, scored.probability, looks.lead),
        "rules": scored.rules_temperature,
    }
    values = {"model": scored.probability, "rules": scored.points}
    return {name: _stability(looks, _rank(values[name], looks.snapshot), warmth[name]) for name in values}


def followed(bands: Bands, probability: np.ndarray, lead: np.ndarray) -> np.ndarray:
    """The temperatures, int8[k], of leads that are looked at again and again, each with the lead's temperature before it.

    Args:
        bands: with their hysteresis.
        probability: float64[k], sorted by lead and moment.
        lead: int64[k].
    """
    first = np.flatnonzero(np.diff(lead, prepend=-1))
    place = np.arange(len(lead)) - np.repeat(first, np.diff(np.append(first, len(lead))))
    order = np.argsort(place, kind="stable")
    temperature = np.full(len(lead) + 1, -1, np.int8)
    for rows in np.split(order, np.cumsum(np.bincount(place))[:-1]):  # everyone's first look, everyone's second, ...
        previous = np.where(place[rows] > 0, temperature[rows - 1], np.int8(-1))
        temperature[rows] = bands.of(probability[rows], previous)
    return temperature[:-1]


def _looks(dataset: Dataset, snapshots: Snapshots, horizon: int) -> _Looks:
    after = after_interactions(dataset, horizon, int(snapshots.as_of.min()), int(snapshots.as_of.max()))
    kept = _some_leads(ids(dataset, after), ids(dataset, snapshots))
    after, snapshots = after.take(kept[0]), snapshots.take(kept[1])
    both = np.concatenate((np.stack((after.lead, after.as_of)), np.stack((snapshots.lead, snapshots.as_of))), axis=1)
    once, place = np.unique(both, axis=1, return_inverse=True)
    seen = np.zeros((2, once.shape[1]), bool)
    seen[0, place[: len(after)]] = True
    seen[1, place[len(after) :]] = True
    return _Looks(once[0], once[1], snapshot=seen[1], interaction=seen[0])


def _some_leads(after: np.ndarray, snapshots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which looks to take, bool each: those of all leads, or of as many as fit, in a fixed shuffle."""
    names, codes = np.unique(np.concatenate((after, snapshots)), return_inverse=True)
    count = np.bincount(codes[: len(after)], minlength=len(names))
    order = np.random.default_rng(0).permutation(len(names))
    beyond = names[order][np.cumsum(count[order]) > MOST_LOOKS]
    return ~np.isin(after, beyond), ~np.isin(snapshots, beyond)


def _rank(value: np.ndarray, population: np.ndarray) -> np.ndarray:
    """0 to 100, float64[k]: the share of the population (bool[k]) with a lower value."""
    sorted_values = np.sort(value[population])
    rank: np.ndarray = np.searchsorted(sorted_values, value) * (100 / max(len(sorted_values), 1))
    return rank


def _stability(looks: _Looks, score: np.ndarray, temperature: np.ndarray) -> Stability:
    codes = np.unique(looks.lead, return_inverse=True)[1]
    same = codes[1:] == codes[:-1]
    again = codes[1:][same]
    changed = (temperature[1:] != temperature[:-1])[same]
    weeks = np.bincount(again, np.diff(looks.as_of)[same] / WEEK, minlength=codes.max() + 1)
    changes = np.bincount(again, changed, minlength=len(weeks))
    rows = np.flatnonzero(looks.interaction)
    step = codes[rows][1:] == codes[rows][:-1]
    moved = np.bincount(codes[rows][1:][step], np.abs(np.diff(score[rows]))[step], minlength=len(weeks))
    steps = np.bincount(codes[rows][1:][step], minlength=len(weeks))
    return Stability(
        len(weeks),
        int(steps.sum()),
        *_ratio(moved, steps.astype(np.float64)),
        float(weeks.sum()),
        int(changes.sum()),
        *_ratio(changes, weeks),
    )


def _ratio(top: np.ndarray, bottom: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Σ top / Σ bottom over leads, and its 95 % interval from the spread between leads (linearised ratio, Cochran 1977, section 6.4)."""
    total, leads = float(bottom.sum()), len(top)
    if total <= 0:
        return None, None, None
    ratio = float(top.sum()) / total
    if leads < 2:
        return ratio, None, None
    error = TWO_SIDED_95 * math.sqrt(leads / (leads - 1) * float(((top - ratio * bottom) ** 2).sum())) / total
    return ratio, max(ratio - error, 0.0), ratio + error
