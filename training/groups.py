"""Ways to part snapshots: by an attribute of their leads, by month, by the age of the lead, by the length of its history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.columns import Categorical
from features.contract import DAY, UNKNOWN_TIME
from features.dataset import Dataset
from features.history import History
from features.snapshots import Snapshots, born
from features.sorting import first_at_or_after

LEVELS = 8
"""The levels of an attribute that are shown by name, the most frequent first; the others are ``other``."""
OTHER, NOT_STATED = "other", "not stated"
AGES = ("under a day", "1 to 7 days", "8 to 30 days", "31 to 90 days", "over 90 days", "unknown")
LENGTHS = ("none", "1 to 2", "3 to 5", "6 to 20", "over 20")
OWN = ("month", "age", "history")

_FEW_VALUES = 6


@dataclass(frozen=True, eq=False)
class Grouping:
    """One way to part m snapshots: ``names[codes[i]]`` is the group of the i-th, codes int64[m]; every group has a snapshot."""

    codes: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def of(cls, codes: np.ndarray, names: tuple[str, ...]) -> Grouping:
        """Groups in the order of ``names``, without those that are empty; ``codes`` int[m], positions in ``names``."""
        used, packed = np.unique(codes, return_inverse=True)
        return cls(packed.astype(np.int64), tuple(names[code] for code in used))

    @property
    def rows(self) -> list[np.ndarray]:
        """The positions of each group's snapshots, int64[...], in the order of the names."""
        return [np.flatnonzero(self.codes == code) for code in range(len(self.names))]


def groupings(dataset: Dataset, snapshots: Snapshots) -> dict[str, Grouping]:
    """All ways to part these snapshots, by name.

    ==========  ==============================================================================================================
    month       of the moment of the snapshot, UTC
    age         since the lead was created, or else since its first interaction became known: [0, 1), [1, 8), [8, 31), [31, 91) days, ...
    history     how many interactions of the lead were known by then
    attributes  of the leads: levels by their number of snapshots, at most ``LEVELS`` and ``other``; numbers by quartiles of the
                snapshots, or value by value where there are six at most; an attribute that is called as one of the above is
                named ``lead.age``
    ==========  ==============================================================================================================
    """
    own = {"month": _months(snapshots), "age": _ages(dataset, snapshots), "history": _lengths(dataset.history, snapshots)}
    attributes = dataset.history.lead_attributes
    levels = {name: _levels(column.take(snapshots.lead)) for name, column in attributes.categorical.items()}
    numbers = {name: _quartiles(values[snapshots.lead]) for name, values in attributes.numeric.items()}
    named = {f"lead.{name}" if name in OWN else name: grouping for name, grouping in (levels | numbers).items()}
    return own | {name: named[name] for name in sorted(named)}


def _months(snapshots: Snapshots) -> Grouping:
    months, codes = np.unique(snapshots.as_of.astype("datetime64[us]").astype("datetime64[M]"), return_inverse=True)
    return Grouping(codes.astype(np.int64), tuple(str(month) for month in months))


def _ages(dataset: Dataset, snapshots: Snapshots) -> Grouping:
    begin = born(dataset)[snapshots.lead]
    band = np.searchsorted(np.array([1, 8, 31, 91]) * DAY, snapshots.as_of - begin, side="right")
    return Grouping.of(np.where(begin == UNKNOWN_TIME, len(AGES) - 1, band), AGES)


def _lengths(history: History, snapshots: Snapshots) -> Grouping:
    return Grouping.of(np.searchsorted([1, 3, 6, 21], known_by(history, snapshots), side="right"), LENGTHS)


def known_by(history: History, snapshots: Snapshots) -> np.ndarray:
    """int64[m]: how many interactions of its lead each snapshot can see."""
    known_at = history.known_at
    if known_at is not history.occurred_at:
        known_at = known_at[np.lexsort((known_at, history.lead_of_row))]
    count: np.ndarray = first_at_or_after(history.start, known_at, snapshots.lead, snapshots.as_of) - history.start[snapshots.lead]
    return count


def _levels(column: Categorical) -> Grouping:
    """The most frequent levels first, equals in alphabetical order; then ``other`` and ``not stated``."""
    count = np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels))
    order = np.argsort(-count, kind="stable")
    most = order if (count > 0).sum() <= LEVELS + 1 else order[:LEVELS]
    rank = np.full(len(count) + 1, len(most))
    rank[most] = np.arange(len(most))
    rank[-1] = len(most) + 1
    return Grouping.of(rank[column.codes], (*(column.levels[code] for code in most), OTHER, NOT_STATED))


def _quartiles(values: np.ndarray) -> Grouping:
    missing = np.isnan(values)
    different = np.unique(values[~missing]) + 0.0  # no minus zero
    if len(different) <= _FEW_VALUES:
        return Grouping.of(
            np.where(missing, len(different), np.searchsorted(different, values)), (*(f"{x:g}" for x in different), NOT_STATED)
        )
    edges = np.unique(np.quantile(values[~missing], (0.25, 0.5, 0.75), method="lower"))
    parts = np.split(different, np.searchsorted(different, edges, side="right"))
    names = [f"{part[0]:.4g}" if len(part) == 1 else f"{part[0]:.4g} to {part[-1]:.4g}" for part in parts if len(part)]
    if len(parts[0]) > 1:
        names[0] = f"up to {edges[0]:.4g}"
    if len(parts[-1]) > 1:
        names[-1] = f"above {edges[-1]:.4g}"
    return Grouping.of(np.where(missing, len(names), np.searchsorted(edges, values)), (*names, NOT_STATED))
