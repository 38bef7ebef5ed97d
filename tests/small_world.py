"""A simulated world of 1,500 leads and a scorer that was learnt from it, the way every training goes, in a few seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from features.dataset import Dataset
from features.history import History
from models.scorer import LeadScorer
from models.settings import Settings, read_settings
from training.learn import learn, learn_with_unseen
from training.simulation.simulate import simulate
from training.split import Split, split
from training.unseen import Unseen

LEADS = 1_500


@dataclass(frozen=True, eq=False)
class SmallWorld:
    """What a training goes through."""

    folder: Path
    settings: Settings
    dataset: Dataset
    parts: Split
    scorer: LeadScorer
    unseen: Unseen

    @cached_property
    def logistic(self) -> LeadScorer:
        """A scorer with the linear model, from a part of the leads."""
        return learn(self.dataset, with_won(self.parts, 99), self.settings)

    @property
    def now(self) -> int:
        """The end of what was observed: nothing follows."""
        return self.dataset.observed_until

    def alone(self, number: int) -> History:
        """One lead's history."""
        return self.dataset.history.slice(number, number + 1)


def small_world(folder: Path) -> SmallWorld:
    """Simulate into ``folder / "data"``, learn, and save the scorer into ``folder / "model"``."""
    simulate(folder / "data", LEADS, seed=3)
    settings, dataset, parts = prepared(folder / "data")
    learnt = learn_with_unseen(dataset, parts, settings)
    return SmallWorld(folder, settings, dataset, parts, learnt.scorer.save(folder / "model"), learnt.unseen)


def prepared(data: Path) -> tuple[Settings, Dataset, Split]:
    """Everything before learning; few trees are enough for tests."""
    source = read_settings(data)
    settings = with_model(source.settings, rounds=60, patience=10)
    dataset = Dataset.read(settings.data, source.root)
    return settings, dataset, split(dataset, settings.snapshots, settings.model.calibration_share)


def with_model(settings: Settings, **values: object) -> Settings:
    """The same settings with another ``[model]`` table."""
    return settings.model_copy(update={"model": settings.model.model_copy(update=values)})


def with_won(parts: Split, count: int) -> Split:
    """The same parts with so many won leads to learn from, and a third of all others, so that learning takes less time."""
    won = np.unique(parts.learn.lead[parts.learn.label == 1])
    others = np.setdiff1d(parts.train.lead, won)
    leads = np.union1d(won[:count], others[::3])
    learn, train, calibrate = (part.take(np.isin(part.lead, leads)) for part in (parts.learn, parts.train, parts.calibrate))
    return replace(parts, learn=learn, train=train, calibrate=calibrate)
