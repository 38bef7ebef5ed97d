"""How sure a rate is."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv

DOUBT = 0.001
"""The chance, for one rate, that the bound lies on the wrong side of the truth. Small, because an audit looks at hundreds of rates."""


def at_least(count: np.ndarray, of: np.ndarray) -> np.ndarray:
    """float64[k]: the one-sided lower bound of each rate ``count / of`` (Clopper & Pearson 1934); 0 where nothing was counted."""
    count, of = np.broadcast_arrays(np.asarray(count, np.float64), np.asarray(of, np.float64))
    some = count > 0
    bound = betaincinv(np.where(some, count, 1.0), np.where(some, of - count + 1.0, 1.0), DOUBT)
    return np.where(some, bound, 0.0)


def at_most(count: np.ndarray, of: np.ndarray) -> np.ndarray:
    """float64[k]: the one-sided upper bound of each rate ``count / of``; 1 where there was nothing to count."""
    return 1.0 - at_least(np.asarray(of) - np.asarray(count), of)
