"""The simple model beside the trees: the verdict is right on data of either make, and every training has one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from features.contract import DAY
from features.snapshots import Snapshots
from models.calibration import Floats, to_probability
from models.conversion import BoostingClassifier, LogisticClassifier
from models.learning import LearningSettings
from tests.small_world import SmallWorld
from training.learn import LINEAR_ROWS
from training.linear import compare_with_linear

ROWS = 4_000
TREES = LearningSettings(rounds=60, learning_rate=0.1, rows_per_leaf=20, column_share=1)


def compared(truth: Floats, X: np.ndarray) -> dict[str, object]:
    """Both models learnt from one half of rows whose true log-odds are these, and compared on the other half."""
    label = (np.random.default_rng(1).random(len(X)) < to_probability(truth)).astype(np.int8)
    learnt, judged = slice(0, ROWS), slice(ROWS, None)
    models = BoostingClassifier(TREES), LogisticClassifier(penalty=1.0)
    trees, linear = (model.fit(X[learnt], label[learnt]).decision_function(X[judged]) for model in models)
    rows = Snapshots(np.arange(ROWS) // 2, np.arange(ROWS) * DAY, label[judged])
    return compare_with_linear(trees, linear, rows, None, seed=0)


def columns() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2 * ROWS, 4)).astype(np.float32)


def test_on_data_made_linear_the_simple_model_is_not_beaten() -> None:
    X = columns()
    found = compared(np.sign(X[:, 0]) * np.log1p(np.abs(X[:, 0])) - X[:, 1] / 4, X)
    assert found["verdict"] in {"tie", "worse"}
    assert 'kind = "logistic"' in str(found["words"])


def test_where_the_middle_differs_from_both_ends_the_trees_win() -> None:
    X = columns()
    found = compared(3 * np.abs(X[:, 0]) - 2.5, X)
    assert found["verdict"] == "better"
    assert "beat" in str(found["words"])


def test_equal_margins_tie() -> None:
    rng = np.random.default_rng(2)
    margin = rng.normal(size=ROWS)
    rows = Snapshots(np.arange(ROWS), np.arange(ROWS) * DAY, (rng.random(ROWS) < to_probability(margin)).astype(np.int8))
    found = compare_with_linear(margin, margin, rows, None, seed=0)
    assert found["verdict"] == "tie"
    assert found["difference"]["log_loss"]["difference"] == 0
    assert found["log_loss"] == found["trees"]["log_loss"]


def test_every_training_of_trees_knows_how_the_simple_model_does(world: SmallWorld) -> None:
    found = json.loads(json.dumps(world.scorer.facts["linear"], allow_nan=False))
    loss = found["difference"]["log_loss"]
    assert loss["low"] < loss["difference"] < loss["high"]
    assert found["trees"]["log_loss"] - found["log_loss"] == pytest.approx(loss["difference"])
    assert found["auc"] > 0.65
    assert found["learnt_from"] <= LINEAR_ROWS * 1.1
    assert found["verdict"] in {"better", "tie", "worse"}


def test_a_linear_model_has_none_beside_it(world: SmallWorld) -> None:
    assert world.logistic.facts["linear"] is None
