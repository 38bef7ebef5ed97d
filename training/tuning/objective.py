"""What settings are judged by: the log loss on later snapshots, fold by fold."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from features.catalogue import FeatureSet, FeatureSettings
from features.compute import compute
from features.dataset import Dataset
from features.snapshots import Snapshots
from models.calibrate import mean_and_error, unseen_log_odds
from models.calibration import Floats
from models.feature_set import fit_feature_set
from models.learning import regularised
from models.settings import Settings
from training.learner import Learner, Rows
from training.split import weights
from training.tuning.folds import Fold

CACHED = 2**30
"""So many bytes of feature matrices are kept; beyond, the oldest are computed anew when they are asked for."""


class _Prepared(NamedTuple):
    """A fold with its features, of a vocabulary that was learnt from the fold's own train."""

    features: FeatureSet
    train: Rows
    validate: Rows

    @property
    def size(self) -> int:
        """Bytes of its matrices."""
        return self.train.X.nbytes + self.validate.X.nbytes


class Objective:
    """Judges settings on folds.

    In each fold a model is learnt the way of every training (``training.learn``): the number of trees is found on held-out leads of the
    fold's train, then all of it is learnt from. It is judged on the later snapshots by the log loss of its calibrated probability: every
    model is calibrated before it serves, so settings shall not win by guessing a base rate that moves. The calibration (a sigmoid) of each
    row is fitted on the fold's other leads.

    Args:
        dataset: all of it.
        folds: of its training part, in time.
        settings: what stays as it is where trials say nothing.
        won: how many leads are won in the training part, on which the kind of model depends.
    """

    def __init__(self, dataset: Dataset, folds: Sequence[Fold], settings: Settings, won: int) -> None:
        self.folds = folds
        self._dataset = dataset
        self._settings = settings
        self._won = won
        self._prepared: dict[tuple[FeatureSettings, int], _Prepared] = {}

    def loss(self, settings: Settings, fold: int) -> Floats:
        """Log loss of each validated row of a fold, float64[m], in nats."""
        return self.loss_of(self.margin(settings, fold), fold)

    def margin(self, settings: Settings, fold: int, left_out: Collection[str] = ()) -> Floats:
        """Raw log-odds of each validated row of a fold, float64[m], by a model without the columns of measures that are left out."""
        prepared = self._prepare(settings, fold)
        columns = prepared.features.features
        kept = [i for i, feature in enumerate(columns) if feature.measure not in left_out]
        categorical = [place for place, i in enumerate(kept) if columns[i].levels is not None]
        train, X = prepared.train, prepared.validate.X
        if len(kept) < len(columns):
            train, X = replace(train, X=train.X[:, kept]), X[:, kept]
        threads = os.cpu_count() or 1
        learner = Learner(categorical, regularised(settings.model, self._won), threads)
        return learner.fit(train, learner.find_rounds(train)).margin(X, threads)

    def loss_of(self, margin: Floats, fold: int) -> Floats:
        """Log loss of the margin of each validated row of a fold, calibrated."""
        rows = self.folds[fold].validate
        log_odds = unseen_log_odds("sigmoid", margin, rows.label, rows.lead, seed=self._settings.model.seed)
        loss: Floats = np.logaddexp(0.0, log_odds) - rows.label * log_odds
        return loss

    def gain(self, standing: Sequence[Floats], losses: Sequence[Floats]) -> tuple[float, float]:
        """By how much losses are lower than the standing ones, mean over folds, and the standard error over leads."""
        differences = np.concatenate([before - now for before, now in zip(standing, losses, strict=True)])
        lead = np.concatenate([fold.validate.lead for fold in self.folds])
        weight = np.concatenate([np.full(len(fold.validate), 1 / len(fold.validate)) for fold in self.folds])
        return mean_and_error(differences, lead, weight)

    def _prepare(self, settings: Settings, fold: int) -> _Prepared:
        key = (settings.features, fold)
        if key not in self._prepared:
            fresh = _prepare(self._dataset, self.folds[fold], settings)
            while self._prepared and fresh.size + sum(old.size for old in self._prepared.values()) > CACHED:
                del self._prepared[next(iter(self._prepared))]
            self._prepared[key] = fresh
        return self._prepared[key]


def _prepare(dataset: Dataset, fold: Fold, settings: Settings) -> _Prepared:
    until = int(fold.train.as_of.max())
    features = fit_feature_set(dataset.history, settings.scoring, until, settings.data.exclude_types, settings.data.consent)

    def rows(snapshots: Snapshots) -> Rows:
        X = compute(features, dataset.history, snapshots.lead, snapshots.as_of, os.cpu_count() or 1)
        return Rows(X, snapshots, weights(snapshots, settings.snapshots.weight))

    return _Prepared(features, rows(fold.train), rows(fold.validate))
