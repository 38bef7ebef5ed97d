"""Intervals of rates: inside [0, 1], right as often as they say, and not fooled by copies of a lead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from models.intervals import ONE_SIDED_95, TWO_SIDED_95, effective_rows, wilson


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(counts: tuple[int, int]) -> None:
    won, rows = counts
    reference = binomtest(won, rows).proportion_ci(method="wilson")
    low, high = wilson(won / rows, rows)
    assert [float(low), float(high)] == pytest.approx([reference.low, reference.high], abs=1e-12)


def test_nothing_is_known_of_no_rows() -> None:
    low, high = wilson([0.0, 0.5], [0, 0])
    assert (low.tolist(), high.tolist()) == ([0, 0], [1, 1])


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), min_size=1, max_size=30))
def test_effective_rows_follow_the_formula(rows: list[tuple[int, int]]) -> None:
    y, lead = (np.array(column) for column in zip(*rows, strict=True))
    running = effective_rows(y, lead)
    for n in range(1, len(rows) + 1):
        rate = y[:n].mean()
        per_lead = [(y[:n][lead[:n] == one].sum(), (lead[:n] == one).sum()) for one in np.unique(lead[:n])]
        if 0 < rate < 1 and len(per_lead) > 1:
            between = sum((won - rate * count) ** 2 for won, count in per_lead)
            effect = len(per_lead) / (len(per_lead) - 1) * between / (n * rate * (1 - rate) * n / (n - 1))
        else:
            effect = sum(count**2 for _, count in per_lead) / n
        assert running[n - 1] == pytest.approx(n / max(effect, 1))


def test_copies_of_a_lead_add_nothing() -> None:
    y = np.random.default_rng(0).integers(0, 2, 500)
    copies = np.repeat(np.arange(500), 7)
    once, often = effective_rows(y, np.arange(500))[-1], effective_rows(y[copies], copies)[-1]
    assert often == pytest.approx(once, rel=0.01)


@pytest.mark.parametrize("z", [TWO_SIDED_95, ONE_SIDED_95])
def test_the_interval_by_lead_covers_what_it_says(z: float) -> None:
    """1,000 worlds of 150 leads with 1 to 8 snapshots each; a lead's own chance varies around 20 %."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(1_000):
        lead = np.repeat(np.arange(150), rng.integers(1, 9, 150))
        chance = rng.beta(0.4, 1.6, 150)
        y = (rng.random(len(lead)) < chance[lead]).astype(int)
        low, high = wilson(y.mean(), effective_rows(y, lead)[-1], z)
        covered += bool(low <= 0.2 <= high) if z == TWO_SIDED_95 else bool(low <= 0.2)
    assert 930 <= covered <= 970
