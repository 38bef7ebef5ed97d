"""All there is to say of a version on the test part of a data set, beside its rules and beside another version."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from features.contract import ModelError
from features.dataset import Dataset
from models.scorer import LeadScorer
from models.settings import Settings
from training.bootstrap import Difference
from training.breakdown import Slice, breakdown
from training.decision import PER_DAY, Capacity, decision_value
from training.evaluate import Evaluation
from training.metrics import Reliability
from training.stability import Stability, stability

logger = logging.getLogger("leadheat.training")


@dataclass(frozen=True, eq=False)
class Examination:
    """An evaluation and what follows from it; ``reliability`` and ``stability`` are of ``model`` and ``rules``."""

    evaluation: Evaluation
    reliability: Mapping[str, Reliability]
    slices: list[Slice]
    stability: Mapping[str, Stability]
    decision: list[Capacity]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "test": self.evaluation.model,
            "rules": self.evaluation.rules,
            "against_rules": {name: one.to_dict() for name, one in self.evaluation.against_rules.items()},
            "reliability": {name: one.to_dict() for name, one in self.reliability.items()},
            "slices": [one.to_dict() for one in self.slices],
            "stability": {name: one.to_dict() for name, one in self.stability.items()},
            "decision": [one.to_dict() for one in self.decision],
        }


def examine(
    evaluation: Evaluation, scorer: LeadScorer, dataset: Dataset, settings: Settings, by: Iterable[str] | None = None
) -> Examination:
    """Look into an evaluation of a scorer.

    Args:
        evaluation: of ``scorer`` on snapshots of ``dataset``.
        scorer: with its bands.
        dataset: the whole.
        settings: of the data set; how many leads sales can call a day is taken from ``[temperature] hot_per_day``, if it is there.
        by: what to break the figures down by; see ``training.breakdown``.

    Raises:
        SettingsError: there is nothing to break them down by under such a name.
    """
    logger.info("breaking the figures down")
    slices = breakdown(evaluation, dataset, by)
    logger.info("following the scores through time")
    calm = stability(scorer, dataset, evaluation.snapshots)
    logger.info("counting what sales would meet")
    own = settings.temperature.hot_per_day
    decision = decision_value(evaluation, scorer.horizon, (*PER_DAY, *([own] if own else [])))
    reliability = {name: predictions.reliability() for name, predictions in evaluation.predictions.items()}
    return Examination(evaluation, reliability, slices, calm, decision)


def against(evaluation: Evaluation, other: LeadScorer, dataset: Dataset, horizon: int) -> dict[str, Difference]:
    """The evaluated version minus another on the same snapshots, figure by figure.

    Args:
        evaluation: of the one.
        other: the other version.
        dataset: with the attributes that the other knows.
        horizon: of the one, microseconds.

    Raises:
        ModelError: the other answers another question.
    """
    if other.horizon != horizon:
        raise ModelError(
            f"Version {other.version} looks another time ahead, so its probabilities are of another question.",
            "Compare versions with the same [snapshots] horizon.",
        )
    test = evaluation.snapshots
    scored = other.numbers(dataset.history.with_schema(other.schema), test.lead, test.as_of, os.cpu_count() or 1)
    return evaluation.against(scored.probability)
