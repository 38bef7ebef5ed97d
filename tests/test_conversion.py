"""The estimators keep scikit-learn's contract, learn the same bits again, and score each row alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.conversion import BoostingClassifier, LogisticClassifier
from models.learning import LearningSettings
from models.margin import BoosterMargin, LinearMargin, Margin, load_margin

ROWS = 600
CODES = (3,)

# Whole rows and columns for every tree: a row that is drawn by chance cannot count as the same row twice.
GREEDY = LearningSettings(rows_per_leaf=1, row_share=1, column_share=1, l2=0, learning_rate=0.1, rounds=30)


@parametrize_with_checks([LogisticClassifier(), BoostingClassifier(), BoostingClassifier(GREEDY)])  # type: ignore[untyped-decorator]
def test_the_contract_of_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def rows(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, one with gaps and one long-tailed, and a column of codes; the first, the last and the codes matter."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(ROWS, 6)).astype(np.float32)
    X[:, 1] = np.where(rng.random(ROWS) < 0.3, np.nan, X[:, 1])
    X[:, 2] = np.exp(3 * X[:, 2])
    X[:, 3] = np.where(rng.random(ROWS) < 0.1, np.nan, rng.integers(0, 4, ROWS))
    X[:, 4] = 7
    margin = X[:, 0] - X[:, 5] + np.where(X[:, 3] == 2, 2, 0)
    return X, (margin + rng.logistic(size=ROWS) > 1).astype(np.int64)


def boosting(threads: int = 1, seed: int = 0) -> BoosterMargin:
    X, y = rows()
    margin = BoostingClassifier(LearningSettings(seed=seed, rounds=40, rows_per_leaf=10), CODES, threads=threads).fit(X, y).margin_
    assert isinstance(margin, BoosterMargin)
    return margin


def logistic() -> LinearMargin:
    margin = LogisticClassifier(categorical=CODES).fit(*rows()).margin_
    assert isinstance(margin, LinearMargin)
    return margin


MARGINS = [boosting, logistic]


def test_the_same_rows_and_seed_give_the_same_text_on_any_number_of_threads() -> None:
    text = boosting().text
    assert boosting().text == text
    assert boosting(threads=2).text == text
    assert boosting(seed=1).text != text


def test_the_model_says_nothing_about_the_machine() -> None:
    assert "num_threads" not in boosting(threads=2).text


def test_logistic_regression_gives_the_same_numbers_again() -> None:
    assert logistic() == logistic()


@pytest.mark.parametrize("learn", MARGINS)
def test_contributions_and_base_add_up_to_the_margin(learn: Callable[[], Margin]) -> None:
    X, _ = rows(seed=1)
    margin = learn()
    values = margin.contributions(X)
    assert values.shape == (ROWS, 7)
    np.testing.assert_allclose(values.sum(axis=1), margin.margin(X), rtol=0, atol=1e-12)


@pytest.mark.parametrize("learn", MARGINS)
def test_a_row_alone_has_the_bits_it_has_among_others(learn: Callable[[], Margin]) -> None:
    X, _ = rows(seed=1)
    margin = learn()
    alone = np.concatenate([margin.margin(X[i : i + 1]) for i in range(ROWS)])
    assert (alone == margin.margin(X, threads=2)).all()
    contributions = np.concatenate([margin.contributions(X[i : i + 1]) for i in range(ROWS)])
    assert (contributions == margin.contributions(X, threads=2)).all()


@pytest.mark.parametrize("learn", MARGINS)
def test_a_saved_margin_scores_the_same(learn: Callable[[], Margin], tmp_path: Any) -> None:
    X, _ = rows(seed=1)
    margin = learn()
    margin.save(tmp_path)
    assert (load_margin(tmp_path).margin(X) == margin.margin(X)).all()


@pytest.mark.parametrize("learn", MARGINS)
def test_levels_never_seen_and_missing_ones_are_scored(learn: Callable[[], Margin]) -> None:
    X = np.repeat(rows()[0][:1], 4, axis=0)
    X[:, 3] = [4, 5, 400, np.nan]
    margin = learn().margin(X)
    assert np.isfinite(margin).all()
    assert (margin == margin[0]).all()


def test_a_constant_column_and_one_without_values_weigh_nothing() -> None:
    X, y = rows()
    X[:, 5] = np.nan
    margin = LogisticClassifier(categorical=CODES).fit(X, y).margin_
    assert isinstance(margin, LinearMargin)
    assert margin.columns == (0, 1, 2)


def test_equal_columns_share_what_they_weigh_as_if_each_were_fitted() -> None:
    X, y = rows()
    three = X[:, [0, 0, 1, 0, 4]]
    margin = LogisticClassifier().fit(three, y).margin_
    nearly = three + np.array([0, 1e-6, 0, -1e-6, 0], np.float32)  # not equal any more, so each is fitted
    apart = LogisticClassifier().fit(nearly, y).margin_
    assert isinstance(margin, LinearMargin)
    assert isinstance(apart, LinearMargin)
    assert margin.weight[0] == margin.weight[1] == margin.weight[3]
    np.testing.assert_allclose(margin.weight, apart.weight, rtol=0, atol=1e-4)


def test_rows_of_weight_zero_teach_nothing() -> None:
    X, y = rows()
    half = np.arange(ROWS) % 2
    whole, part = (LogisticClassifier(categorical=CODES).fit(*data).margin_ for data in ((X, y, half), (X[half == 1], y[half == 1])))
    np.testing.assert_allclose(whole.margin(X), part.margin(X), rtol=0, atol=1e-9)


def test_learning_stops_when_later_rows_gain_nothing() -> None:
    X, y = rows()
    settings = LearningSettings(rounds=500, patience=10, rows_per_leaf=10, learning_rate=0.3)
    model = BoostingClassifier(settings, CODES).fit(X, y, later=rows(seed=1))
    assert 0 < model.rounds_ < 100
    again = BoostingClassifier(settings, CODES, rounds=model.rounds_).fit(X, y)
    assert (again.decision_function(X) == model.decision_function(X)).all()


def test_both_learn_what_matters() -> None:
    X, y = rows()
    later, won = rows(seed=1)
    for model in (BoostingClassifier(LearningSettings(rounds=100, rows_per_leaf=10), CODES), LogisticClassifier(categorical=CODES)):
        right = model.fit(X, y).predict(later) == won
        assert right.mean() > 0.7
