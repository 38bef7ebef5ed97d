"""The rules written for the real data sets rank their later snapshots well: the model is compared with a fair baseline."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from features.compute import compute
from features.contract import DAY, parse_moment
from features.dataset import Dataset
from features.snapshots import Snapshots, after_interactions, at_creation, grid, on_dates
from features.sources import read_tables
from features.vocabulary import fit_features
from models.rules import Rules
from models.settings import read_settings
from tests.conftest import DATASETS, shared_data


def bpic2012(dataset: Dataset) -> Snapshots:
    return on_dates(dataset, grid(parse_moment("2012-01-13"), parse_moment("2012-02-24"), 7 * DAY), 14 * DAY)


def olist(dataset: Dataset) -> Snapshots:
    every = after_interactions(dataset, 30 * DAY)
    return every.take(np.argsort(every.as_of, kind="stable")[-2000:])


def uci_bank(dataset: Dataset) -> Snapshots:
    every = at_creation(dataset, DAY).matured
    return every.take(np.argsort(every.as_of, kind="stable")[-len(every) * 3 // 10 :])


@pytest.mark.parametrize(("later", "auc"), [(bpic2012, 0.78), (olist, 0.69), (uci_bank, 0.70)])
def test_rules_rank_well(later: Callable[[Dataset], Snapshots], auc: float) -> None:
    shared_data(later.__name__)
    settings, root, _ = read_settings(DATASETS / f"{later.__name__}.toml")
    dataset = Dataset.from_tables(settings.data.name, read_tables(settings.data, root))
    looks = later(dataset)
    rules = settings.rules
    features = fit_features(
        dataset.history, settings.features, settings.signals, int(looks.as_of.min()), [rules.half_life], rules.levels_needed()
    )
    points = Rules(rules, features).points(compute(features, dataset.history, looks.lead, looks.as_of))
    assert np.isfinite(points).all()
    assert roc_auc_score(looks.label, points) >= auc
