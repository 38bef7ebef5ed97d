"""What is there twice under two names, or without any."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.audit.case import Case, Found
from features.columns import Attributes
from features.contract import DAY, UNKNOWN_TIME, Severity

CHANCE = 0.001
"""So small a share of equal interactions may be chance where times are whole seconds."""
_MIX = np.uint64(0x9E3779B97F4A7C15)


def find_duplicate_interactions(case: Case) -> Iterator[Found]:
    """``duplicate_interaction``: equal in all that was read, though neither an id nor an order tells that they are two."""
    table = case.settings.data.interactions
    if table is None or table.order is not None:
        return
    history = case.history
    same = history.lead_of_row[1:] == history.lead_of_row[:-1]
    for column in (history.occurred_at, history.known_at, history.type.codes, history.direction, *_columns(history.attributes)):
        same &= column[1:] == column[:-1]
    count = int(np.count_nonzero(same))
    if count:
        by_day = _of_day_grain(history.occurred_at)
        severity: Severity = "info" if by_day or count < CHANCE * len(same) else "warning"
        words = f"of {len(same) + 1:,} interactions, these equal another one of their lead in everything" + (
            "; times are whole days here, so these may be different ones" if by_day else ", to the moment"
        )
        remedy = 'Drop what is there twice, or name what tells them apart under [data] interactions: columns = { interaction_id = "..." }'
        yield Found(severity, "duplicate_interaction", "interactions", "interaction_id", count, words, remedy)


def find_twin_leads(case: Case) -> Iterator[Found]:
    """``twin_leads``: different ids, but the same attributes, the same creation and the same history, to the moment."""
    history = case.history
    key = _lead_keys(case)
    moments = np.zeros(len(history), np.int64)
    changes = np.flatnonzero((np.diff(history.occurred_at) != 0) & (np.diff(history.lead_of_row) == 0))
    np.add.at(moments, history.lead_of_row[changes], 1)
    exact = not _of_day_grain(history.created_at)
    leads = np.flatnonzero((moments >= 1) | (exact & (history.created_at != UNKNOWN_TIME)))
    _, first, count = np.unique(key[leads], return_index=True, return_counts=True)
    twins = int((count - 1).sum())
    if twins:
        one = leads[first[np.argmax(count)]]
        two = leads[np.flatnonzero(key[leads] == key[one])[1]]
        words = "leads equal another one in creation, attributes and history, to the moment, under another id"
        example = f"{history.lead_ids[one]} and {history.lead_ids[two]}"
        remedy = "Merge them: a lead that is there twice is learnt twice, and may stand in training and test at once."
        yield Found("warning", "twin_leads", "leads", "lead_id", twins, words, remedy, example)


def _lead_keys(case: Case) -> np.ndarray:
    """uint64[L]: equal for leads that are equal, and as good as never for others."""
    history = case.history
    rows = _mixed([history.occurred_at, history.type.codes, history.direction, *_columns(history.attributes)], len(history.occurred_at))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(rows, dtype=np.uint64)])
    of_history = sums[history.start[1:]] - sums[history.start[:-1]]
    return _mixed([of_history, np.diff(history.start), history.created_at, *_columns(history.lead_attributes)], len(history))


def _columns(attributes: Attributes) -> list[np.ndarray]:
    """The bits of each attribute, by name; all missing numbers are the same."""
    numbers = [np.where(np.isnan(values), np.nan, values).view(np.int64) for _, values in sorted(attributes.numeric.items())]
    return numbers + [column.codes for _, column in sorted(attributes.categorical.items())]


def _mixed(columns: list[np.ndarray], rows: int) -> np.ndarray:
    """uint64[rows]: one number for the values of a row (the finaliser of SplitMix64, Steele et al. 2014, after each column)."""
    key = np.zeros(rows, np.uint64)
    for column in columns:
        key = (key ^ column.astype(np.int64).view(np.uint64)) * _MIX
        key ^= key >> np.uint64(30)
        key *= np.uint64(0xBF58476D1CE4E5B9)
        key ^= key >> np.uint64(27)
    return key


def _of_day_grain(moments: np.ndarray) -> bool:
    """Whether the known moments are whole days, in whatever time zone (with summer time, of up to four different hours)."""
    known = moments[moments != UNKNOWN_TIME]
    return len(np.unique(known % DAY)) <= 4
