"""Rows that a model of trees cannot tell apart: between two of its thresholds every number is the same to it.

A column's thresholds divide its numbers into cells, and each tree only asks in which cell a number lies. Rows whose numbers lie in the
same cells get the same margin and the same contributions, to the last bit, so what was computed for one holds for the other::

    thresholds of days_since_last:   2.5      9      30
    cells:                        0   |   1   |  2   |   3      missing is a cell of its own, and so is each level of a category

A row's cells are told by 128 bits, which differ for other cells, other trees and other columns.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict

import numba
import numpy as np
import numpy.typing as npt

from features.mixing import mix

Matrix = npt.NDArray[np.float32]
Hashes = npt.NDArray[np.uint64]

_CATEGORICAL = 1
_BITS = np.uint64(16)
_IN_A_WORD = 4
_MISSING = np.uint64(2**16 - 1)
"""No column has so many cells, for LightGBM learns from fewer bins than that."""
_ZERO = np.float32(1e-35)
"""LightGBM takes what is no larger as 0."""
_STEP = np.uint64(0x9E3779B97F4A7C15)


class Cells:
    """The cells of a model.

    Args:
        text: the trees, as LightGBM writes them.
        columns: what tells the columns of the matrix, and what they are summed to, from those of other models.
    """

    def __init__(self, text: str, columns: str) -> None:
        thresholds: dict[int, set[float]] = defaultdict(set)
        for tree in text.split("\nTree=")[1:]:
            lines = dict(line.split("=", 1) for line in tree.splitlines() if "=" in line)
            numbers = (lines.get(name, "").split() for name in ("split_feature", "threshold", "decision_type"))
            for column, threshold, kind in zip(*numbers, strict=True):
                thresholds[int(column)] |= set() if int(kind) & _CATEGORICAL else {float(threshold)}
        self._columns = np.array(sorted(thresholds), np.int64)
        ascending = [sorted(thresholds[column]) for column in self._columns.tolist()]
        self._start = np.cumsum([0, *map(len, ascending)]).astype(np.int64)
        self._thresholds = np.array([one for some in ascending for one in some], np.float64)
        self._seed = np.frombuffer(hashlib.blake2b(f"{columns}\0{text}".encode(), digest_size=16).digest(), np.uint64)

    def of(self, X: Matrix) -> Hashes:
        """What tells each row's cells, uint64[m, 2], of rows float32[m, F]."""
        hashes = np.empty((len(X), 2), np.uint64)
        _hash(np.asarray(X, np.float32), self._columns, self._start, self._thresholds, self._seed, hashes)
        return hashes


@numba.njit(nogil=True, cache=True)
def _hash(
    X: Matrix,
    columns: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    thresholds: npt.NDArray[np.float64],
    seed: Hashes,
    hashes: Hashes,
) -> None:  # pragma: no cover - compiled
    for row in range(len(X)):
        one, other, packed = seed[0], seed[1], np.uint64(0)
        for i in range(len(columns)):
            x = X[row, columns[i]]
            low, high = start[i], start[i + 1]
            cell = _MISSING
            if low == high and not np.isnan(x):  # a category's levels are its cells
                cell = np.uint64(np.int64(x))
            elif not np.isnan(x):
                number = np.float64(0.0) if abs(x) <= _ZERO else np.float64(x)
                while low < high and thresholds[low] < number:
                    low += 1
                cell = np.uint64(low - start[i])
            packed = (packed << _BITS) | (cell & _MISSING)
            if i % _IN_A_WORD == _IN_A_WORD - 1 or i == len(columns) - 1:
                one = mix(one + packed + _STEP)
                other = mix((other ^ (packed * _STEP)) + _STEP)
                packed = np.uint64(0)
        hashes[row, 0], hashes[row, 1] = one, other
