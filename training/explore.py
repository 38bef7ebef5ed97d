"""Before anything is learnt: what goes before a win, told as of each moment, so that nothing of the future is taken for a sign."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from features.compute import compute
from features.contract import DAY, format_duration
from features.dataset import Dataset
from features.snapshots import Snapshots
from models.feature_set import fit_feature_set
from models.settings import ScoringSettings
from training.breakdown import Slice, sliced
from training.groups import Grouping

SEEN, NOT_SEEN = "seen", "not seen"


def signals_seen(dataset: Dataset, snapshots: Snapshots, settings: ScoringSettings, window: int = 30 * DAY) -> dict[str, Grouping]:
    """Each signal's way to part snapshots: those that saw it in the window before their moment, and those that did not.

    Args:
        dataset: with the histories.
        snapshots: the moments.
        settings: with the signals.
        window: microseconds.

    Returns:
        By the words of the signal, in the order of the settings; without signals that are never, or always, seen.
    """
    alone = settings.model_copy(update={"features": settings.features.model_copy(update={"windows": (window,)})})
    features = fit_feature_set(dataset.history, alone)
    X = compute(features, dataset.history, snapshots.lead, snapshots.as_of, os.cpu_count() or 1)
    columns = {one.words: features.column(f"count({one.name}, {format_duration(window)})") for one in features.signals}
    parted = {words: Grouping.of((X[:, column] == 0).astype(np.int64), (SEEN, NOT_SEEN)) for words, column in columns.items()}
    return {words: one for words, one in parted.items() if len(one.names) > 1}


def rates(snapshots: Snapshots, groupings: Mapping[str, Grouping]) -> list[Slice]:
    """The rate of every group of matured snapshots beside the rate of all, which is what each group is expected to have.

    A verdict allows for chance over all groups of the call, as ``training.breakdown`` explains.
    """
    base = np.full(len(snapshots), snapshots.label.mean())
    return sliced(snapshots.label, snapshots.lead, base, groupings)
