"""How sure a rate is, when a lead that was looked at several times is still one lead."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

TWO_SIDED_95 = 1.959963984540054
"""The normal quantile of a 95 % interval."""
ONE_SIDED_95 = 1.6448536269514722
"""The normal quantile of a 95 % lower bound."""


def wilson(rate: npt.ArrayLike, rows: npt.ArrayLike, z: float = TWO_SIDED_95) -> tuple[Floats, Floats]:
    """The lower and upper bounds, float64[m] each, of rates that were seen in so many (effective) rows.

    Wilson (1927): (r + z²/2n ± z √(r(1 - r)/n + z²/4n²)) / (1 + z²/n). It stays inside [0, 1] and says something sensible of
    a rate of 0 or 1. Without any row it is [0, 1].
    """
    r, n = np.broadcast_arrays(np.asarray(rate, dtype=np.float64), np.asarray(rows, dtype=np.float64))
    known = n > 0
    n = np.where(known, n, 1.0)
    centre = r + z * z / (2 * n)
    spread = z * np.sqrt(r * (1 - r) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return np.where(known, np.maximum((centre - spread) / scale, 0.0), 0.0), np.where(
        known, np.minimum((centre + spread) / scale, 1.0), 1.0
    )


def effective_rows(y: npt.ArrayLike, lead: npt.ArrayLike) -> Floats:
    """How many independent rows the first 1, 2, ... m rows are worth for an estimate of their rate, float64[m].

    The rows of one lead resemble each other. For a rate r over n rows of L leads, the design effect (Kish 1965; for Wilson intervals
    Dean & Pagano 2015) is the variance that counts whole leads over that of n independent rows,

        deff = L / (L - 1) · (n - 1) / n · Σ_leads (won_l - r · rows_l)² / (n r (1 - r)),

    and at least 1 (it is 1 where each lead has one row); the effective number is n / deff. Where all rows have one outcome, or belong
    to one lead, the rows of a lead are taken to say all the same: deff = Σ_leads rows_l² / n.

    Args:
        y: 1 won, 0 not, [m].
        lead: the lead of each row, [m].
    """
    won = np.asarray(y, dtype=np.float64)
    rows_before, won_before = _before(won, np.asarray(lead))
    n = np.arange(1, len(won) + 1, dtype=np.float64)
    rate = np.cumsum(won) / n
    squares = np.cumsum(2 * rows_before + 1)
    products = np.cumsum(won_before + won * rows_before + won)
    won_squares = np.cumsum(won * (2 * won_before + 1))
    leads = np.cumsum(rows_before == 0)
    between = (won_squares - 2 * rate * products + rate * rate * squares) * leads / np.maximum(leads - 1, 1)
    within = n * rate * (1 - rate) * n / np.maximum(n - 1, 1)
    mixed = (within > 0) & (leads > 1)
    effect = np.where(mixed, between / np.where(mixed, within, 1.0), squares / n)
    return n / np.maximum(effect, 1.0)


def _before(won: Floats, lead: npt.NDArray[np.generic]) -> tuple[Floats, Floats]:
    """For each row, how many rows, and how many won ones, its lead had before it."""
    code = np.unique(lead, return_inverse=True)[1]
    order = np.argsort(code, kind="stable")
    first = np.flatnonzero(np.diff(code[order], prepend=-1))
    start = np.repeat(first, np.diff(np.append(first, len(won))))
    total = np.cumsum(won[order]) - won[order]
    rows_before, won_before = np.empty(len(won)), np.empty(len(won))
    rows_before[order] = np.arange(len(won)) - start
    won_before[order] = total - total[start]
    return rows_before, won_before
