"""Sorting interactions into histories: by lead, then by time, then by what they hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np


def sort_rows(lead: np.ndarray, occurred_at: np.ndarray, leads: int, threads: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order rows by lead and time; the order within one moment of a lead is left to ``settle_ties``.

    Args:
        lead: int64[n], each row's lead.
        occurred_at: int64[n].
        leads: L.
        threads: how many threads share the leads.

    Returns:
        The boundaries of the leads (int64[L + 1]), the rows (int64[n]) and their times (int64[n]) in order.
    """
    from features.sorting_leads import sort_leads  # with Numba, which a service's worker does without

    start = np.zeros(leads + 1, np.int64)
    np.cumsum(np.bincount(lead, minlength=leads), out=start[1:])
    rank, times = np.empty(len(lead), np.int64), np.empty(len(lead), np.int64)
    edges = np.searchsorted(start, np.linspace(0, len(lead), threads + 1)[1:-1])
    with ThreadPoolExecutor(threads) as pool:
        parts = pairwise([0, *edges.tolist(), leads])
        list(pool.map(lambda part: sort_leads(lead, occurred_at, start[part[0] : part[1] + 1], part[0], rank, times), parts))
    return start, rank, times


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
    if not same.any():
        return
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    run = np.cumsum(~np.append(False, same))[tied]
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
