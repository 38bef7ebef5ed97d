"""The part of ``features.sorting`` that is compiled."""

from __future__ import annotations

import numba
import numpy as np

_FEW = 64
"""So many rows an insertion sort orders sooner than a quicksort."""


@numba.njit(cache=True, nogil=True)
def sort_leads(lead: np.ndarray, occurred_at: np.ndarray, start: np.ndarray, first: int, rank: np.ndarray, times: np.ndarray) -> None:
    """For the leads from ``first`` on that ``start`` bounds: a counting sort by lead, then a sort of each lead's few rows by time."""
    end, leads = start[:-1].copy(), len(start) - 1
    for row in range(len(lead)):
        one = lead[row] - first
        if 0 <= one < leads:
            rank[end[one]], times[end[one]] = row, occurred_at[row]
            end[one] += 1
    for one in range(leads):
        rows, moments = rank[start[one] : start[one + 1]], times[start[one] : start[one + 1]]
        if len(rows) > _FEW:
            order = np.argsort(moments)
            rows[:], moments[:] = rows[order], moments[order]
        else:
            _insertion_sort(rows, moments)


@numba.njit(cache=True, nogil=True)
def _insertion_sort(rows: np.ndarray, moments: np.ndarray) -> None:
    """Order both by ``moments``, in place."""
    for i in range(1, len(rows)):
        row, moment, place = rows[i], moments[i], i
        while place > 0 and moments[place - 1] > moment:
            rows[place], moments[place] = rows[place - 1], moments[place - 1]
            place -= 1
        rows[place], moments[place] = row, moment
