"""Places in order of size. SciPy's statistics know them too, but take a second to load, of every check of a data set."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def average_ranks(values: np.ndarray) -> np.ndarray:
    """float64[N]: the place of each value in order of size, from 1 on; equal ones share the mean of theirs. None may be missing."""
    column = pa.array(values)
    first, last = (pc.rank(column, tiebreaker=end).to_numpy() for end in ("min", "max"))
    return np.asarray((first + last) / 2)


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's, of two columns of numbers [n] without NaN; NaN where all values of one are the same."""
    return float(np.corrcoef(average_ranks(a), average_ranks(b))[0, 1])
