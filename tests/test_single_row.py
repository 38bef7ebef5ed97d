"""Few rows go another way through LightGBM than many do, and have the same bits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from features.compute import compute
from models.margin import BoosterMargin
from models.single_row import FEW
from tests.small_world import SmallWorld


@pytest.fixture(scope="module")
def margin(world: SmallWorld) -> BoosterMargin:
    assert isinstance(world.scorer.margin, BoosterMargin)
    return BoosterMargin(world.scorer.margin.text)


@pytest.fixture(scope="module")
def X(world: SmallWorld) -> np.ndarray:
    """Rows of the test part, and two that no lead has."""
    test = world.parts.test
    rows = compute(world.scorer.features, world.dataset.history, test.lead[:500], test.as_of[:500])
    return np.vstack([rows, np.full_like(rows[:1], np.nan), np.full_like(rows[:1], 1e30)])


def test_each_row_has_the_bits_it_has_among_all(margin: BoosterMargin, X: np.ndarray) -> None:
    together = margin.margin(X)
    assert len(np.unique(together)) > 100
    for few in (1, 2, FEW):
        alone = [margin.margin(X[i : i + few]) for i in range(0, len(X), few)]
        np.testing.assert_array_equal(np.concatenate(alone), together)


def test_threads_do_not_get_each_others_rows(margin: BoosterMargin, X: np.ndarray) -> None:
    together, many = margin.margin(X), 20 * [*range(len(X))]
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda i: margin.margin(X[i : i + 1])[0], many))
    np.testing.assert_array_equal(alone, together[many])


def test_a_row_that_lies_otherwise_in_memory_is_not_misread(margin: BoosterMargin, X: np.ndarray) -> None:
    expected = margin.margin(X[:2])[0]
    others: list[Any] = [X[:1].astype(np.float64), np.asfortranarray(np.vstack([X[:1], X[:1]]))[:1]]
    for other in others:
        assert margin.margin(other)[0] == expected
