"""Sorting interactions into histories: by lead, then by time, then by what they hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, repeat

import numpy as np

_BUCKET = 1 << 14
"""Rows of a bucket, if they are not all of one lead."""


def sort_rows(lead: np.ndarray, occurred_at: np.ndarray, leads: int, threads: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order rows by lead and time; the order within one moment of a lead is left to ``settle_ties``.

    Rows are poured into buckets of neighbouring leads first, so small that processors sort them in their own memory.

    Args:
        lead: int32[n] or int64[n], each row's lead.
        occurred_at: int64[n].
        leads: L.
        threads: how many threads share the rows, and then the buckets.

    Returns:
        The boundaries of the leads (int64[L + 1]), the rows (int64[n]) and their times (int64[n]) in order.
    """
    from features.sorting_leads import count, pour, sort_buckets  # with Numba, which a service's worker does without

    own_leads, own_moments = np.array_split(lead, threads), np.array_split(occurred_at, threads)
    first_rows = np.cumsum([0, *map(len, own_leads[:-1])])
    before = np.zeros((threads + 1, leads + 1), np.int64)  # of each thread's rows, those of earlier leads; with a thread of none in front
    poured, rank, times = np.empty((len(lead), 2), np.int64), np.empty(len(lead), np.int64), np.empty(len(lead), np.int64)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(count, own_leads, before[1:, 1:]))
        np.cumsum(before, axis=1, out=before)
        start = before.sum(axis=0)
        edges = np.unique([0, *np.searchsorted(start, np.arange(0, len(lead), _BUCKET)), leads])
        bucket = np.repeat(np.arange(len(edges) - 1, dtype=np.int32), np.diff(edges))
        ends = start[edges[:-1]] + np.cumsum(np.diff(before[:, edges], axis=1), axis=0)
        list(pool.map(pour, own_leads, own_moments, first_rows, repeat(bucket), ends, repeat(poured)))
        cuts = np.unique(np.linspace(0, len(edges) - 1, 8 * threads + 1).astype(int)).tolist()
        list(pool.map(lambda cut: sort_buckets(edges[cut[0] : cut[1] + 1], start, poured, rank, times), pairwise(cuts)))
    return start, rank, times


def in_order(column: np.ndarray, rank: np.ndarray, threads: int) -> np.ndarray:
    """The values [n] of a column in the order of ``rank``, as of ``sort_rows``."""
    ordered = np.empty(len(rank), column.dtype)
    with ThreadPoolExecutor(threads) as pool:  # "clip" spares the checks
        parts = np.array_split(rank, threads), np.array_split(ordered, threads)
        list(pool.map(lambda rows, out: np.take(column, rows, out=out, mode="clip"), *parts))
    return ordered


def settle_ties(rank: np.ndarray, times: np.ndarray, start: np.ndarray, content: list[np.ndarray]) -> None:
    """Order the rows that share lead and moment by their content, in place.

    Args:
        rank: int64[n], the rows in order of lead and time.
        times: int64[n], their times.
        start: int64[L + 1], the leads' boundaries.
        content: columns [n] by which to order, the most important first.
    """
    same = times[1:] == times[:-1]
    edges = start[(start > 0) & (start < len(times))]
    same[edges - 1] = False
    later = np.flatnonzero(same) + 1
    if not len(later):
        return
    shares = np.zeros(len(times), bool)
    shares[later - 1] = shares[later] = True
    tied = np.flatnonzero(shares)
    run = np.cumsum(~same[tied - 1])
    rows = rank[tied]
    rank[tied] = rows[np.lexsort([*(column[rows] for column in reversed(content)), run])]


def first_at_or_after(start: np.ndarray, moments: np.ndarray, lead: np.ndarray, as_of: np.ndarray) -> np.ndarray:
    """int64[m]: for each lead, the place of the first of its moments that is not before ``as_of``, by bisection of all at once.

    Args:
        start: int64[L + 1], the boundaries of each lead's moments.
        moments: int64[n], microseconds UTC, ascending within a lead.
        lead: int64[m].
        as_of: int64[m], microseconds UTC.
    """
    low, high = start[lead].copy(), start[lead + 1].copy()
    while (open_ := low < high).any():
        middle = (low + high) // 2
        later = moments[np.minimum(middle, len(moments) - 1)] >= as_of
        high = np.where(open_ & later, middle, high)
        low = np.where(open_ & ~later, middle + 1, low)
    return np.asarray(low)
