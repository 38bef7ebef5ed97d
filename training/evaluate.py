"""Evaluation: what a version and the rules achieve on the same snapshots, with intervals by lead and paired differences."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from features.dataset import Dataset
from features.snapshots import Snapshots
from models.calibration import Calibration
from models.scorer import LeadScorer, Scored
from training.bootstrap import Difference, Resampled, paired, resample
from training.learn import rules_probability
from training.metrics import FIGURES, Predictions


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Model and rules on m test snapshots.

    ``probability`` and ``rules_probability`` float64[m]; ``model`` and ``rules`` are JSON-ready figures with ``intervals``;
    ``against_rules`` is the model minus the rules, figure by figure; ``seed`` is that of the resamples.
    """

    snapshots: Snapshots
    scored: Scored
    rules_probability: np.ndarray
    model: dict[str, Any]
    rules: dict[str, Any]
    against_rules: Mapping[str, Difference]
    seed: int = 0

    @property
    def probability(self) -> np.ndarray:
        """The model's, float64[m]."""
        return self.scored.probability

    @cached_property
    def predictions(self) -> dict[str, Predictions]:
        """The ranked rows of ``model`` and ``rules``."""
        return _predictions(self.snapshots, model=self.probability, rules=self.rules_probability)

    def against(self, probability: np.ndarray) -> dict[str, Difference]:
        """The model minus another version, figure by figure; ``probability`` float64[m] is the other's of the same snapshots."""
        return paired(self.snapshots.label, self.probability, probability, self.snapshots.lead, seed=self.seed)


def evaluate(scorer: LeadScorer, dataset: Dataset, snapshots: Snapshots, threads: int | None = None, seed: int = 0) -> Evaluation:
    """Judge a scorer and its rules on matured snapshots, with as many threads as there are processors by default."""
    history = dataset.history.with_schema(scorer.schema)
    scored = scorer.numbers(history, snapshots.lead, snapshots.as_of, threads or os.cpu_count() or 1)
    points = rules_probability(scorer.rules, Calibration.from_dict(scorer.facts["rules_calibration"]), scored.X)
    predictions = _predictions(snapshots, model=scored.probability, rules=points)
    resampled = resample(predictions, seed=seed)
    return Evaluation(
        snapshots=snapshots,
        scored=scored,
        rules_probability=points,
        model=told(predictions, resampled, "model"),
        rules=told(predictions, resampled, "rules"),
        against_rules=resampled.differences("model", "rules"),
        seed=seed,
    )


def figures(y: np.ndarray, probability: np.ndarray, lead: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """All figures with their 95 % intervals, JSON-ready.

    Args:
        y: labels, 0 or 1, [m].
        probability: float64[m].
        lead: int64[m], which snapshots are of one lead: leads are drawn anew, and not snapshots.
        seed: of the resamples.
    """
    predictions = {"": Predictions(y, probability, lead)}
    return told(predictions, resample(predictions, seed=seed), "")


def told(predictions: Mapping[str, Predictions], resampled: Resampled, name: str) -> dict[str, Any]:
    """The figures of one of some predictions with their intervals, JSON-ready."""
    ends = resampled.intervals(name)
    intervals = {figure: [None if math.isnan(end) else end for end in ends[figure]] for figure in FIGURES}
    return predictions[name].figures().to_dict() | {"intervals": intervals}


def _predictions(snapshots: Snapshots, **probabilities: np.ndarray) -> dict[str, Predictions]:
    return {name: Predictions(snapshots.label, probability, snapshots.lead) for name, probability in probabilities.items()}
