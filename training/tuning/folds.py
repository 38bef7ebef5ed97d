"""Rolling-origin folds of the training part: learn from what came first, judge on what came next (Tashman 2000).

With a horizon h, the fold that is judged from K on::

    train ........|<-- h -->| validate ...|
                            K             the next fold's K, or the end of the training part

No label of a fold's train reaches into what it is judged on, and nothing of a fold is later than the training part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.contract import DataError
from features.snapshots import Snapshots

VALIDATED = 0.5
"""The share of the snapshots, the latest, that the folds are judged on."""
FEWEST_WON = 10
"""A fold with fewer won leads on either side tells nothing and is left out."""


@dataclass(frozen=True, eq=False)
class Fold:
    """Matured snapshots to learn from, and later ones to judge on."""

    train: Snapshots
    validate: Snapshots

    @property
    def tells(self) -> bool:
        """Whether there is enough on both sides."""
        return min(self.train.won_leads, self.validate.won_leads) >= FEWEST_WON


def rolling_origin(snapshots: Snapshots, horizon: int, count: int) -> tuple[Fold, ...]:
    """At most ``count`` folds, earliest first, whose validated parts hold about equally many snapshots.

    Args:
        snapshots: the training part.
        horizon: microseconds; the purge between what is learnt from and what is judged on.
        count: how many folds are wished for.

    Raises:
        DataError: no fold has won leads enough.
    """
    ordered = np.sort(snapshots.as_of)
    places = (len(ordered) * (1 - VALIDATED + VALIDATED * np.arange(count) / count)).astype(int)
    begins = np.unique(ordered[places]).tolist() if len(ordered) else []
    folds = [_fold(snapshots, begin, end, horizon) for begin, end in zip(begins, [*begins[1:], None], strict=True)]
    telling = tuple(fold for fold in folds if fold.tells)
    if not telling:
        raise DataError(
            f"The training part cannot be folded for tuning: no part of it has {FEWEST_WON} won leads with as many a horizon before it.",
            "Train without --tune, or bring more history.",
        )
    return telling


def _fold(snapshots: Snapshots, begin: int, end: int | None, horizon: int) -> Fold:
    before = snapshots.as_of + horizon <= begin
    judged = (snapshots.as_of >= begin) & (True if end is None else snapshots.as_of < end)
    return Fold(snapshots.take(before), snapshots.take(judged))
