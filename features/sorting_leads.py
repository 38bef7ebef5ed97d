"""The part of ``features.sorting`` that is compiled."""

from __future__ import annotations

import numba
import numpy as np

from features.contract import NEVER
from features.native.block import at
from features.native.nearing import bring_near

_DIGIT = 11
"""A pass sorts by so many bits of a moment at most: the places of 2,048 digits stay in a processor's nearest memory."""


_LINE = at(4)
"""Rows that come from memory at once."""


@numba.njit(cache=True, nogil=True)
def count(lead: np.ndarray, rows: np.ndarray) -> None:
    """Add to ``rows`` int64[L] how many rows each lead has."""
    for one in lead:
        rows[one] += 1


@numba.njit(cache=True, nogil=True)
def pour(lead: np.ndarray, occurred_at: np.ndarray, row: int, bucket: np.ndarray, end: np.ndarray, poured: np.ndarray) -> None:
    """Append rows, numbered from ``row`` on, to the buckets of their leads, which end at ``end``.

    Of a row ``poured`` int64[n, 2] gets its lead and number, 32 bits each, and its moment: side by side they take one place in memory.
    """
    for i in range(len(lead)):
        here = bucket[lead[i]]
        place = at(end[here])
        poured[place, 0], poured[place, 1] = np.int64(lead[i]) << 32 | (row + i), occurred_at[i]
        if place % _LINE == 0:  # the bucket's next line, before it is written
            bring_near(poured[place + _LINE], 0)
        end[here] += 1


@numba.njit(cache=True, nogil=True)
def sort_buckets(edges: np.ndarray, start: np.ndarray, poured: np.ndarray, rank: np.ndarray, times: np.ndarray) -> None:
    """Order the buckets of leads that ``edges`` bound, each by moment and then, stably, by lead."""
    largest = 0
    for i in range(len(edges) - 1):
        largest = max(largest, start[edges[i + 1]] - start[edges[i]])
    spare, places = np.empty((largest, 2), np.int64), np.empty(1 << _DIGIT, np.int64)
    for i in range(len(edges) - 1):
        rows = poured[start[edges[i]] : start[edges[i + 1]]]
        rows = _by_moment(rows, spare[: len(rows)], places)
        _by_lead(rows, edges[i], start[edges[i] : edges[i + 1]].copy(), rank, times)


@numba.njit(cache=True, nogil=True)
def _by_lead(rows: np.ndarray, first: int, end: np.ndarray, rank: np.ndarray, times: np.ndarray) -> None:
    for k in range(len(rows)):
        one = np.uint64((rows[k, 0] >> 32) - first)
        place = np.uint64(end[one])
        rank[place], times[place] = rows[k, 0] & 0xFFFFFFFF, rows[k, 1]
        end[one] += 1


@numba.njit(cache=True, nogil=True)
def _by_moment(rows: np.ndarray, spare: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Order by moment, stably: digit by digit, the last one in which moments differ first (LSD radix sort); in one of the two places."""
    low, high, before, ordered, differ = NEVER, -NEVER, -NEVER, True, 0
    for k in range(len(rows)):
        moment = rows[k, 1]
        ordered &= moment >= before
        low, high, differ, before = min(low, moment), max(high, moment), differ | (moment ^ rows[0, 1]), moment
    if ordered:
        return rows
    first, last = 0, 0
    while differ >> first & 1 == 0:  # seconds or days have many bits in common
        first += 1
    while last < 64 and np.uint64(high - low) >> np.uint64(last) > 0:
        last += 1
    passes = (last - first + _DIGIT - 1) // _DIGIT
    bits = (last - first + passes - 1) // passes
    for i in range(passes):
        _by_digit(rows, spare, low, np.uint64(first + i * bits), places[: 1 << bits])
        rows, spare = spare, rows
    return rows


@numba.njit(cache=True, nogil=True)
def _by_digit(rows: np.ndarray, ordered: np.ndarray, low: int, shift: np.uint64, places: np.ndarray) -> None:
    mask = np.uint64(len(places) - 1)
    places[:] = 0
    for k in range(len(rows)):
        places[np.uint64(rows[k, 1] - low) >> shift & mask] += 1
    before = 0
    for i in range(len(places)):
        places[i], before = before, before + places[i]
    for k in range(len(rows)):
        digit = np.uint64(rows[k, 1] - low) >> shift & mask
        place = np.uint64(places[digit])
        ordered[place, 0], ordered[place, 1] = rows[k, 0], rows[k, 1]
        places[digit] += 1
