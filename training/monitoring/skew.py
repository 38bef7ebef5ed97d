"""Skew: does the batch compute from the data set what was computed when the lead was scored? It must, to the last bit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from features.compute import compute
from features.dataset import Dataset
from models.digests import checksums_of, hashes_of, read_checksums
from models.scorer import LeadScorer
from training.monitoring.joined import Joined, Parts
from training.monitoring.report import Skew


@dataclass(frozen=True, eq=False)
class Replay:
    """Some rows of the log with their features, float32[k, F], computed from the data set."""

    rows: Joined
    X: np.ndarray
    names: list[str]


def replay(scorer: LeadScorer, dataset: Dataset, rows: Joined, most: int, threads: int) -> Replay:
    """Compute the features of at most so many rows, the latest, as the batch would.

    Raises:
        DataError: an attribute is of another kind than the model has learnt.
    """
    latest = rows.take(np.sort(np.argsort(rows.as_of, kind="stable")[-most:]))
    history = dataset.history.with_schema(scorer.schema)
    return Replay(latest, compute(scorer.features, history, latest.lead, latest.as_of, threads), scorer.features.names)


def skew_of(parts: Parts, replayed: Replay | None) -> Skew:
    """Compare what was logged with what was computed again; without a replay, only say which rows have no place in the data."""
    if replayed is None:
        return Skew(0, 0, parts.missing, parts.extra, parts.ahead, {})
    logged, checksums = (replayed.rows.table[name].to_pylist() for name in ("features", "checksums"))
    wrong = [row for row, digest in enumerate(hashes_of(replayed.X)) if digest != logged[row]]
    differing: Counter[str] = Counter()
    for row in wrong:
        if checksums[row] is not None:
            different = read_checksums(checksums[row]) != checksums_of(replayed.X[row])
            differing.update(replayed.names[column] for column in np.flatnonzero(different))
    return Skew(len(logged), len(wrong), parts.missing, parts.extra, parts.ahead, dict(differing.most_common()))
