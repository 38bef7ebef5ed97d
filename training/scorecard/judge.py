"""What a scorecard costs: the model, the scorecard and the rules on the same test snapshots."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.dataset import Dataset
from models.calibration import Calibration
from models.rules import Rules
from models.temperature import NAMES
from training.bootstrap import Difference, Resampled, paired, resample
from training.learn import rules_probability
from training.metrics import FIGURES, Predictions
from training.scorecard.distil import Distiller, Scorecard, to_table

logger = logging.getLogger("leadheat.training")


@dataclass(frozen=True, eq=False)
class Judged:
    """A scorecard with what it achieves; JSON-ready by ``to_dict``.

    Attributes:
        card: the scorecard.
        figures: of ``champion``, ``scorecard`` and ``rules``, with intervals.
        against_champion, against_rules: the scorecard minus the other.
        from_labels: the scorecard that is learnt from labels minus this one, by the AUC of their points: what distillation is worth.
        table: what points stand for.
        bands: of the test snapshots: each side's share in each band, and the share with the same temperature as the model's.
    """

    version: str | None
    card: Scorecard
    figures: dict[str, dict[str, Any]]
    against_champion: dict[str, Difference]
    against_rules: dict[str, Difference]
    from_labels: Difference
    table: list[dict[str, Any]]
    bands: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """What ``leadheat scorecard --json`` prints."""
        lines = zip(self.card.lines, self.card.points, strict=True)
        return {
            "version": self.version,
            "lines": [
                {
                    "kind": line.kind,
                    "name": line.name,
                    "words": line.words,
                    "points": points * line.each,
                    "at_most": points * line.most,
                }
                for line, points in lines
            ],
            "doubling": self.card.doubling,
            "thresholds": {"warm": self.card.settings.warm, "hot": self.card.settings.hot},
            "test": self.figures,
            "against_champion": {name: one.to_dict() for name, one in self.against_champion.items()},
            "against_rules": {name: one.to_dict() for name, one in self.against_rules.items()},
            "from_labels": self.from_labels.to_dict(),
            "bands": self.bands,
            "notes": list(self.card.bands.notes),
            "table": self.table,
            "rules": self.card.settings.model_dump(mode="json", exclude_none=True),
            "toml": self.card.toml(),
        }


def judged_scorecard(distiller: Distiller, dataset: Dataset, most: int, seed: int = 0) -> Judged:
    """Distil a scorecard and judge it on the test part, beside the model and the version's rules."""
    logger.info("learning at most %d lines from what the model says", most)
    card = distiller.distil(distiller.model_says(), most)
    logger.info("learning the same from labels, for comparison")
    plain = distiller.distil(distiller.learnt_from.label.astype(np.float64), most)
    test, scorer = distiller.parts.test, distiller.scorer
    lead, y = test.lead, test.label
    X = distiller.matrix(test)
    rules, other = Rules(card.settings, distiller.features), Rules(plain.settings, distiller.features)
    points = rules.points(X)
    scored = scorer.numbers(dataset.history.with_schema(scorer.schema), test.lead, test.as_of)
    by_rules = rules_probability(scorer.rules, Calibration.from_dict(scorer.facts["rules_calibration"]), scored.X)
    probabilities = {"champion": scored.probability, "scorecard": card.probability(points), "rules": by_rules}
    predictions = {name: Predictions(y, p, lead) for name, p in probabilities.items()}
    resampled = resample(predictions, seed=seed)
    temperatures = {"champion": scored.temperature, "scorecard": rules.temperature(X, points), "rules": scored.rules_temperature}
    return Judged(
        version=scorer.version,
        card=card,
        figures={name: _figures(predictions[name], resampled, name) for name in predictions},
        against_champion=resampled.differences("scorecard", "champion"),
        against_rules=resampled.differences("scorecard", "rules"),
        from_labels=paired(y, plain.probability(other.points(X)), probabilities["scorecard"], lead, seed=seed)["auc"],
        table=to_table(card, points),
        bands={name: _shares(temperature, scored.temperature, y) for name, temperature in temperatures.items()},
    )


def _figures(predictions: Predictions, resampled: Resampled, name: str) -> dict[str, Any]:
    ends = resampled.intervals(name)
    intervals = {figure: [None if math.isnan(end) else end for end in ends[figure]] for figure in FIGURES}
    return predictions.figures().to_dict() | {"intervals": intervals}


def _shares(temperature: np.ndarray, models: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """The share of each band, its rate, and how often the temperature is the model's."""
    bands = {
        name: {"share": float((temperature == level).mean()), "rate": _rate(y[temperature == level])} for level, name in enumerate(NAMES)
    }
    return bands | {"as_the_model": float((temperature == models).mean())}


def _rate(y: np.ndarray) -> float | None:
    return float(y.mean()) if len(y) else None
