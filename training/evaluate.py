"""Evaluation: what a version and the rules achieve on the same snapshots, with intervals by lead and paired differences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.dataset import Dataset
from features.snapshots import Snapshots
from models.calibration import Calibration
from models.scorer import LeadScorer, Scored
from training.bootstrap import Difference, bootstrap, paired
from training.learn import rules_probability
from training.metrics import Predictions


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Model and rules on m test snapshots.

    ``lead`` int64[m] tells the leads apart, in the order of their ids; ``probability`` and ``rules_probability`` float64[m]; ``model`` and
    ``rules`` are JSON-ready figures with ``intervals``; ``against_rules`` is the model minus the rules, figure by figure.
    """

    snapshots: Snapshots
    lead: np.ndarray
    scored: Scored
    rules_probability: np.ndarray
    model: dict[str, Any]
    rules: dict[str, Any]
    against_rules: Mapping[str, Difference]

    @property
    def probability(self) -> np.ndarray:
        """The model's, float64[m]."""
        return self.scored.probability


def evaluate(scorer: LeadScorer, dataset: Dataset, snapshots: Snapshots, threads: int = 1, seed: int = 0) -> Evaluation:
    """Judge a scorer and its rules on matured snapshots."""
    scored = scorer.numbers(dataset.history.with_schema(scorer.schema), snapshots.lead, snapshots.as_of, threads)
    points = rules_probability(scorer.rules, Calibration.from_dict(scorer.facts["rules_calibration"]), scored.X)
    y, lead = snapshots.label, ids(dataset, snapshots)
    return Evaluation(
        snapshots=snapshots,
        lead=lead,
        scored=scored,
        rules_probability=points,
        model=figures(y, scored.probability, lead, seed),
        rules=figures(y, points, lead, seed),
        against_rules=paired(y, scored.probability, points, lead, seed=seed),
    )


def figures(y: np.ndarray, probability: np.ndarray, lead: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """All figures with their 95 % intervals, JSON-ready."""
    whole = Predictions(y, probability, lead).figures().to_dict()
    ends = bootstrap(y, probability, lead, seed=seed)
    return whole | {"intervals": {name: [None if math.isnan(end) else end for end in interval] for name, interval in ends.items()}}


def ids(dataset: Dataset, snapshots: Snapshots) -> np.ndarray:
    """int64[m]: the rank of each snapshot's lead among the lead ids, which settles ties the same way for any order of the leads table."""
    names = dataset.history.lead_ids.to_numpy(zero_copy_only=False)
    rank = np.empty(len(names), np.int64)
    rank[np.argsort(names, kind="stable")] = np.arange(len(names))
    place: np.ndarray = rank[snapshots.lead]
    return place
