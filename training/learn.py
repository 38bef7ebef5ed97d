"""From a split to a LeadScorer: features, model, calibration, bands, and the rules' points as a probability for comparison."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from features.catalogue import FeatureSet
from features.compute import compute
from features.contract import from_micros
from features.dataset import Dataset
from features.snapshots import Snapshots
from models.calibrate import choose_calibration
from models.calibration import Calibration, to_probability
from models.learning import FEWEST_WON, LearningSettings
from models.margin import Margin, Matrix
from models.population import Population
from models.rules import Rules
from models.scorer import LeadScorer
from models.settings import Settings
from training.learner import Learner, Rows, shuffled
from training.linear import compare_with_linear
from training.naming import features_of
from training.split import Split, learnable, weights
from training.unseen import Unseen

logger = logging.getLogger("leadheat.training")

POINTS_PER_LOG_ODDS = 10.0
"""The rules' points are divided by it before they are calibrated, so that they are of a margin's size."""
FOLDS = 3
"""Parts of the leads for cross-fitting."""
LINEAR_ROWS = 30_000
"""The linear model beside the trees learns from about so many snapshots at most: for its few parameters more would tell little."""
CONTRIBUTING = 1_000
"""At most so many rows tell how much each feature contributes."""


@dataclass(frozen=True, eq=False)
class Learnt:
    """A scorer, and the calibration part as its bands were chosen on it."""

    scorer: LeadScorer
    unseen: Unseen

    def with_facts(self, **facts: Any) -> Learnt:
        """The same with a scorer that knows more about itself."""
        return Learnt(with_facts(self.scorer, **facts), self.unseen)


def learn(dataset: Dataset, parts: Split, settings: Settings) -> LeadScorer:
    """The scorer of ``learn_with_unseen``, which is not compared with a linear one."""
    return learn_with_unseen(dataset, parts, settings, beside_linear=False).scorer


def learn_with_unseen(dataset: Dataset, parts: Split, settings: Settings, *, beside_linear: bool = True) -> Learnt:
    """Learn a scorer, and with ``beside_linear`` tell how logistic regression does on the same features.

    The number of trees is found on held-out leads of the learning part. The model that stays is learnt from all training snapshots, for the
    latest tell most about what comes. Calibration and bands are chosen on the calibration part, each lead of which is scored by a
    model like it that has never seen that lead (cross-fitting); a model of the learning part alone would be off by what has changed since.

    Raises:
        ModelError: as of ``learnable``.
        SettingsError: as of ``features_of``.
    """
    learning = learnable(settings.model, parts)
    logger.info("naming the features")
    features = features_of(dataset, parts, settings)
    threads = os.cpu_count() or 1
    logger.info("computing %d features of %d snapshots", len(features.names), len(parts.train))
    X = compute(features, dataset.history, parts.train.lead, parts.train.as_of, threads)
    train = Rows(X, parts.train, weights(parts.train, settings.snapshots.weight))
    early = train.take(train.snapshots.as_of <= parts.learn.as_of.max())
    late = train.take(train.snapshots.as_of >= parts.calibrate.as_of.min())
    learner = Learner(features.categorical_columns, learning, threads)
    logger.info("finding the number of trees")
    rounds = learner.find_rounds(early)
    logger.info("learning the %s model", learning.kind)
    model = learner.fit(train, rounds)
    logger.info("calibrating on the %d latest snapshots", len(late.snapshots))
    margin = unseen_margin(train, late, lambda some: learner.fit(some, rounds))
    choice = choose_calibration(margin, late.snapshots.label, late.snapshots.lead, late.weight, learning.seed)
    linear = _beside(learner, train, late, margin, learning.seed) if beside_linear and learner.boosts else None
    unseen = Unseen.of(late.snapshots, choice.calibration.probability(margin))
    scorer = LeadScorer(
        features=features,
        margin=model,
        calibration=choice.calibration,
        bands=unseen.bands(settings.temperature),
        reference=np.sort(unseen.probability),
        horizon=settings.snapshots.horizon,
        settings=settings.scoring,
        population=_population(features, model, late, threads),
        facts=_facts(dataset, parts, learning, rounds)
        | {
            "linear": linear,
            "calibration": choice.to_dict(),
            "rules_calibration": calibrate_rules(Rules(settings.rules, features), late.X, late.snapshots, late.weight, learning.seed),
        },
    )
    return Learnt(scorer, unseen)


def _population(features: FeatureSet, model: Margin, late: Rows, threads: int) -> Population:
    """What the calibration part looks like, so that drift can be measured from it."""
    contributions = model.contributions(late.X[:: len(late.X) // CONTRIBUTING + 1], threads)[:, :-1]
    return Population.of(features, late.X, late.snapshots.lead, contributions)


def unseen_margin(train: Rows, late: Rows, fit: Callable[[Rows], Margin]) -> np.ndarray:
    """float64[m]: the margin of each late row by a model of all training rows but for a part of the leads, its own among them."""
    margin = np.empty(len(late.snapshots))
    for fold in range(FOLDS):
        without = fit(train.take(shuffled(train.snapshots.lead) % FOLDS != fold))
        mine = shuffled(late.snapshots.lead) % FOLDS == fold
        margin[mine] = without.margin(late.X[mine], os.cpu_count() or 1)
    return margin


def _beside(learner: Learner, train: Rows, late: Rows, trees: np.ndarray, seed: int) -> dict[str, Any] | None:
    """How logistic regression does on the late rows, beside the trees' margin; None where its sample holds too few wins to learn from."""
    logger.info("comparing it with logistic regression on the same features")
    parts = -(-len(train.snapshots) // LINEAR_ROWS)
    some = train.take(shuffled(train.snapshots.lead) // FOLDS % parts == 0)
    if some.snapshots.won_leads < FEWEST_WON:
        return None
    linear = unseen_margin(some, late, learner.fit_linear)
    compared = compare_with_linear(trees, linear, late.snapshots, late.weight, seed)
    return compared | {"learnt_from": len(some.snapshots)}


def rules_probability(rules: Rules, calibration: Calibration, X: Matrix) -> np.ndarray:
    """The rules' points as a probability, float64[m], so that they can be judged by the same figures."""
    return to_probability(calibration.log_odds(rules.points(X) / POINTS_PER_LOG_ODDS))


def calibrate_rules(rules: Rules, X: Matrix, snapshots: Snapshots, weight: np.ndarray | None, seed: int) -> dict[str, Any]:
    """The calibration of the rules' points, JSON-ready.

    Args:
        rules: with their points.
        X: float32[m, F], the features of the snapshots.
        snapshots: m, all matured.
        weight: float64[m], or None where all count alike.
        seed: of the folds by which the way of calibrating is chosen.

    Raises:
        ModelError: as of ``models.calibrate.choose_calibration``.
    """
    choice = choose_calibration(rules.points(X) / POINTS_PER_LOG_ODDS, snapshots.label, snapshots.lead, weight, seed)
    return choice.calibration.to_dict()


def _facts(dataset: Dataset, parts: Split, learning: LearningSettings, rounds: int) -> dict[str, Any]:
    return {
        "data": {"name": dataset.name, "fingerprint": dataset.fingerprint, "leads": len(dataset.history), "share": dataset.share},
        "kind": learning.kind,
        "trees": rounds,
        "train": {
            "rows": len(parts.train),
            "positives": int(parts.train.label.sum()),
            "won_leads": parts.train.won_leads,
            "from": from_micros(parts.train.as_of.min()).date().isoformat(),
            "to": from_micros(parts.train.as_of.max()).date().isoformat(),
        },
        "purged": parts.purged,
    }


def with_facts(scorer: LeadScorer, **facts: Any) -> LeadScorer:
    """The same scorer that knows more about itself."""
    return replace(scorer, facts=scorer.facts | facts)
