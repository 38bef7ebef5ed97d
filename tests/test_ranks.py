"""Ranks are those of SciPy, which is too heavy to be loaded for them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from features.audit.ranks import average_ranks, rank_correlation

columns = st.lists(st.sampled_from([-np.inf, -2.5, 0.0, 1e-9, 3.0, 3.5, 1e300]), max_size=40)


@given(columns)
def test_equal_values_share_the_mean_of_their_places(values: list[float]) -> None:
    column = np.array(values, np.float64)
    assert average_ranks(column).tolist() == rankdata(column).tolist()


def test_whole_numbers_are_ranked_as_such() -> None:
    assert average_ranks(np.array([2**53 + 1, 2**53, 7, 7])).tolist() == [4.0, 3.0, 1.5, 1.5]


def test_a_rank_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 20, 300)
    b = a + rng.normal(0, 5, 300)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)
    assert rank_correlation(a, -a) == pytest.approx(-1.0)
