"""Catalogue x history x snapshots -> matrix: the one way to features, for training, batch, the service and Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise

import numpy as np

from features.catalogue import OTHER, STREAMS, FeatureSet
from features.columns import Attributes
from features.contract import NEVER
from features.history import History
from features.native import calling
from features.plan import DIRECTION_CODES, Events, Plan
from features.progress import progress
from features.sorting import sort_rows


def compute(features: FeatureSet, history: History, lead: np.ndarray, as_of: np.ndarray, threads: int = 1) -> np.ndarray:
    """The features of snapshots.

    Args:
        features: the fitted catalogue, F columns.
        history: L leads.
        lead: int64[m], positions of leads in ``history``.
        as_of: int64[m], microseconds UTC. Nothing at or after it is seen.
        threads: how many threads share the snapshots; the result is the same for any number.

    Returns:
        float32[m, F], C order; NaN where a measure has no value.
    """
    plan, events = _plan(features), encode(features, history)
    lead, as_of = np.ascontiguousarray(lead, np.int64), np.ascontiguousarray(as_of, np.int64)
    out = np.empty((len(lead), len(features.names)), np.float32)
    if threads == 1:  # a lead alone comes here: to sort its few moments, threads would take longer than the kernel
        calling.fill(plan, events, lead, as_of, np.lexsort((as_of, lead)), out)
        return out
    _, order, _ = sort_rows(lead, as_of, len(history), threads)  # so that each lead is swept once
    parts = [order[low:high] for low, high in pairwise(np.linspace(0, len(lead), 4 * threads + 1).astype(int))]
    with progress("computing features", len(parts)) as advance, ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda part: calling.fill(plan, events, lead, as_of, part, out), parts):
            advance(1)
    return out


def encode(features: FeatureSet, history: History) -> Events:
    """The history in the feature set's codes: types and levels beyond its vocabulary become ``other``."""
    if history.coded is not None and history.coded.schema is features.schema:
        return history.coded.events
    attributes, own, rows = history.attributes, history.lead_attributes, len(history.occurred_at)
    return Events(
        start=history.start,
        occurred_at=history.occurred_at,
        known_at=history.known_at,
        type=history.type.recode(features.types),
        direction=history.direction,
        numeric=_stacked([attributes.numeric[name] for name in features.numeric], rows, np.float64),
        categorical=_stacked(_recoded(attributes, features.levels), rows, np.int32),
        created_at=history.created_at,
        lead_numeric=_stacked([own.numeric[name] for name in features.lead_numeric], len(history), np.float64),
        lead_categorical=_stacked(_recoded(own, features.lead_levels), len(history), np.int32),
    )


def _recoded(attributes: Attributes, levels: Mapping[str, tuple[str, ...]]) -> list[np.ndarray]:
    return [attributes.categorical[name].recode(known) for name, known in levels.items()]


def _stacked(columns: Sequence[np.ndarray], rows: int, dtype: type[np.generic]) -> np.ndarray:
    """dtype[rows, columns], C order."""
    matrix = np.empty((rows, len(columns)), dtype)
    for i, column in enumerate(columns):
        matrix[:, i] = column
    return matrix


@lru_cache(maxsize=16)
def _plan(features: FeatureSet) -> Plan:
    """The catalogue as the kernel's arrays."""
    windows = [*features.windows, NEVER]
    doubles = [min(2 * window, NEVER) for window in features.windows]
    members = [_groups_of(features, kind, direction) for kind in (*features.types, None) for direction in range(DIRECTION_CODES)]
    levels = [len(known) + 1 for known in features.levels.values()]
    return Plan(
        bounds=np.array([*windows, *doubles], np.int64),
        half_lives=np.array(features.half_lives, np.float64),
        group_start=np.cumsum([0, *map(len, members)], dtype=np.int64),
        groups=np.array([group for some in members for group in some], np.uintp),
        level_counts=np.array(levels, np.int64),
        group_count=len(features.groups),
        type_count=len(features.types),
        session_gap=features.session_gap,
        last_types=features.last_types,
    )


def _groups_of(features: FeatureSet, kind: str | None, direction: int) -> list[int]:
    """The groups that an interaction belongs to; ``kind`` is None beyond the vocabulary."""
    names = [STREAMS[0], *([STREAMS[direction]] if direction else [])]
    if kind is None:
        names.append(OTHER)
    else:
        names += [signal.name for signal in features.signals if signal.takes(kind, direction)]
        names += [f"type:{kind}"] if kind in features.apart else []
    position = {name: i for i, name in enumerate(features.groups)}
    return [position[name] for name in names]
