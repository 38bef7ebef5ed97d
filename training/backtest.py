"""Rolling-origin backtest: how right model and rules would have been, had they been trained then (Tashman 2000).

The later half of the matured snapshots is cut into windows of about equal count. At the origin of each, a model is learnt as in every
training from the snapshots whose outcome was known by then, and judged on the window::

    fold 1   train ........|<-- h -->| test ....|
    fold 2   train ..............|<-- h -->| test ....|
    fold 3   train ....................|<-- h -->| test ....|

Nothing of it is a proof of settings that were chosen after looking at the same data.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from features.contract import DataError, LeadheatError, ModelError, from_micros
from features.dataset import Dataset
from features.progress import progress
from features.snapshots import Snapshots
from models.settings import Settings
from training.bootstrap import Difference, resample
from training.evaluate import Evaluation, evaluate, told
from training.learn import learn
from training.metrics import Predictions
from training.split import all_looks, parted

logger = logging.getLogger("leadheat.training")

BACKTESTED = 0.5
"""The share of the snapshots, the latest, that the folds are judged on."""


@dataclass(frozen=True, eq=False)
class Fold:
    """One origin, and what a model that was trained then would have achieved until the next.

    Attributes:
        origin: microseconds UTC: the first moment that was judged.
        until: the last one.
        rows, positives: snapshots that were judged on, and how many of them were won.
        train_until: the last moment that was learnt from, microseconds UTC; None where nothing was.
        train_rows, train_won_leads: what was learnt from.
        refused: why nothing could be learnt or judged; then there are no figures.
        model, rules: JSON-ready figures with intervals, as those of ``training.evaluate.Evaluation``.
        against_rules: the model minus the rules, paired.
    """

    origin: int
    until: int
    rows: int
    positives: int
    train_until: int | None = None
    train_rows: int = 0
    train_won_leads: int = 0
    refused: str | None = None
    model: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    against_rules: Mapping[str, Difference] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return vars(self) | {
            "origin": from_micros(self.origin).isoformat(),
            "until": from_micros(self.until).isoformat(),
            "train_until": None if self.train_until is None else from_micros(self.train_until).isoformat(),
            "against_rules": {name: one.to_dict() for name, one in self.against_rules.items()},
        }


@dataclass(frozen=True, eq=False)
class Backtest:
    """The folds, the earliest first, and the figures of all their snapshots together, each judged by its own fold's model."""

    folds: tuple[Fold, ...]
    model: Mapping[str, Any]
    rules: Mapping[str, Any]
    against_rules: Mapping[str, Difference]

    @property
    def verdict(self) -> str:
        """In how many folds the model beats the rules, in words."""
        judged = [fold for fold in self.folds if fold.refused is None]
        found = Counter[str](fold.against_rules["auc"].verdict for fold in judged)
        words = f"By AUC the model is better than the rules in {found['better']} of {len(judged)} folds"
        rest = [f"{name} in {found[key]}" for key, name in (("tie", "tied"), ("worse", "worse")) if found[key]]
        refused = len(self.folds) - len(judged)
        return ", ".join([words, *rest]) + (f"; {refused} could not be judged." if refused else ".")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "folds": [fold.to_dict() for fold in self.folds],
            "together": {
                "model": self.model,
                "rules": self.rules,
                "against_rules": {name: one.to_dict() for name, one in self.against_rules.items()},
            },
            "verdict": self.verdict,
        }


def backtest(dataset: Dataset, settings: Settings, folds: int) -> Backtest:
    """Learn and judge at so many origins.

    Args:
        dataset: what was observed.
        settings: as for a training; the snapshots are those from the first of training to the last of the test, on the grid of training.
        folds: how many.

    Raises:
        DataError: there are too few moments for so many folds.
        ModelError: no fold can be learnt from.
    """
    everything = all_looks(dataset, settings.snapshots).matured
    done: list[tuple[Fold, Evaluation | None]] = []
    with progress("learning and judging fold by fold", folds) as advance:
        for number, (origin, end) in enumerate(_windows(everything, folds), 1):
            logger.info("fold %d of %d, from %s on", number, folds, from_micros(origin).date())
            done.append(_fold(dataset, settings, everything, origin, end))
            advance(1)
    judged = [evaluation for _, evaluation in done if evaluation is not None]
    if not judged:
        raise ModelError(f"No fold can be learnt from: {done[-1][0].refused}", "Ask for fewer folds, or bring more history.")
    return Backtest(tuple(fold for fold, _ in done), *_together(judged))


def _windows(snapshots: Snapshots, count: int) -> list[tuple[int, int]]:
    """The first moments of the windows, and those after them, of about equally many snapshots."""
    ordered = np.sort(snapshots.as_of)
    places = (len(ordered) * (1 - BACKTESTED + BACKTESTED * np.arange(count) / count)).astype(int)
    origins = np.unique(ordered[places]) if len(ordered) else np.zeros(0, np.int64)
    if len(origins) < count:
        raise DataError(
            f"There are moments for {len(origins)} folds only, not for {count}, in the later half of what has matured.",
            "Ask for fewer folds, look at the leads more often ([snapshots] every), or bring more history.",
        )
    ends = np.append(origins[1:], ordered[-1] + 1)
    return list(zip(origins.tolist(), ends.tolist(), strict=True))


def _fold(dataset: Dataset, settings: Settings, snapshots: Snapshots, origin: int, end: int) -> tuple[Fold, Evaluation | None]:
    test = snapshots.take((snapshots.as_of >= origin) & (snapshots.as_of < end))
    fold = Fold(origin, int(test.as_of.max()), len(test), int(test.label.sum()))
    try:
        parts = parted(snapshots.take(snapshots.as_of < origin), test, settings.snapshots.horizon, settings.model.calibration_share)
        scorer = learn(dataset, parts, settings)
    except LeadheatError as refused:
        logger.info("this fold is left out: %s", refused.message)
        return replace(fold, refused=refused.message), None
    judged = evaluate(scorer, dataset, test, seed=settings.model.seed)
    learnt = replace(fold, train_until=int(parts.train.as_of.max()), train_rows=len(parts.train), train_won_leads=parts.train.won_leads)
    return replace(learnt, model=judged.model, rules=judged.rules, against_rules=judged.against_rules), judged


def _together(judged: list[Evaluation]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Difference]]:
    """Figures and differences of all folds' snapshots; a lead that is in several folds is drawn with all its snapshots."""
    label, lead = (np.concatenate(parts) for parts in zip(*((one.snapshots.label, one.snapshots.lead) for one in judged), strict=True))
    model, rules = (np.concatenate(parts) for parts in zip(*((one.probability, one.rules_probability) for one in judged), strict=True))
    predictions = {"model": Predictions(label, model, lead), "rules": Predictions(label, rules, lead)}
    resampled = resample(predictions, seed=judged[0].seed)
    return told(predictions, resampled, "model"), told(predictions, resampled, "rules"), resampled.differences("model", "rules")
