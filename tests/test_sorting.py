"""Rows are sorted by lead and moment, whatever they hold, in whatever order they come and on however many threads."""

from __future__ import annotations

import numpy as np
import pytest

from features import sorting
from features.contract import DAY, NEVER
from features.sorting import in_order, sort_rows

YEAR, SECOND = 365 * DAY, 1_000_000


def moments(dice: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    return {
        "of a year": dice.integers(0, YEAR, rows),
        "in seconds": dice.integers(0, YEAR // SECOND, rows) * SECOND,
        "on days, some before 1970": dice.integers(-200, 200, rows) * DAY,
        "in order": np.sort(dice.integers(0, YEAR, rows)),
        "in reverse": np.sort(dice.integers(0, YEAR, rows))[::-1].copy(),
        "all at once": np.full(rows, 7 * DAY),
        "of all times": np.append(dice.integers(-NEVER, NEVER, rows - 2), [-NEVER, NEVER]),
        "together but for one": np.append(dice.integers(0, SECOND, rows - 1), [230 * YEAR]),
    }


@pytest.mark.parametrize("bucket", [1, 100, 1 << 14])
@pytest.mark.parametrize("kind", moments(np.random.default_rng(0), 2))
def test_rows_come_by_lead_then_moment_then_as_they_came(kind: str, bucket: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "_BUCKET", bucket)
    dice = np.random.default_rng(bucket)
    occurred_at = moments(dice, 3000)[kind]
    lead = np.minimum(dice.geometric(0.05, 3000), 60) + 2
    for dtype, threads in ((np.int64, 1), (np.int32, 2), (np.int32, 5)):
        start, rank, times = sort_rows(lead.astype(dtype), occurred_at, 80, threads)
        expected = np.lexsort((occurred_at, lead))
        np.testing.assert_array_equal(start, np.searchsorted(lead[expected], np.arange(81)))
        np.testing.assert_array_equal(rank, expected)
        np.testing.assert_array_equal(times, occurred_at[expected])
        np.testing.assert_array_equal(in_order(lead, rank, threads), lead[expected])


@pytest.mark.parametrize("rows", [0, 1, 2])
@pytest.mark.parametrize("leads", [1, 3])
def test_hardly_anything_is_sorted_too(rows: int, leads: int) -> None:
    start, rank, times = sort_rows(np.full(rows, leads - 1), np.arange(rows)[::-1].copy(), leads, 3)
    assert start.tolist() == [0] * leads + [rows]
    assert rank.tolist() == [*range(rows)][::-1]
    assert times.tolist() == [*range(rows)]


def test_nobody_has_nothing() -> None:
    start, rank, _ = sort_rows(np.zeros(0, np.int64), np.zeros(0, np.int64), 0, 2)
    assert (start.tolist(), rank.tolist()) == ([0], [])
