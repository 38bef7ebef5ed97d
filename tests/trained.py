"""Trainings on real data sets, each done once for all tests."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from features.dataset import Dataset
from models.scorer import LeadScorer
from models.settings import Settings, read_settings
from tests.conftest import DATASETS, shared_data
from training.learn import learn
from training.split import Split, split


class Trained(NamedTuple):
    """A data set after training."""

    settings: Settings
    dataset: Dataset
    parts: Split
    scorer: LeadScorer


@cache
def trained(name: str) -> Trained:
    """A scorer learnt from a real data set by its settings in ``tests/datasets``."""
    shared_data(name)
    settings, root, _ = read_settings(DATASETS / f"{name}.toml")
    dataset = Dataset.read(settings.data, root)
    parts = split(dataset, settings.snapshots, settings.model.calibration_share)
    return Trained(settings, dataset, parts, learn(dataset, parts, settings))
