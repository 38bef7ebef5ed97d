"""The 24 windowed counts by definition, in plain loops: what every contender is checked against before it is timed."""

from __future__ import annotations

import numpy as np

from features.contract import DAY
from features.history import micros
from tests.benchmarks.world import KINDS, WINDOW_DAYS, World


def naive_counts(world: World, rows: np.ndarray) -> np.ndarray:
    """Counts of some of the snapshots, int64[rows, 24] in the order of ``contenders.windows.COUNTS``."""
    wanted = set(world.snapshots["lead_id"].take(rows).to_pylist())
    history: dict[str, list[tuple[int, str]]] = {lead: [] for lead in wanted}
    columns = (
        world.interactions["lead_id"].to_pylist(),
        micros(world.interactions["occurred_at"]).tolist(),
        world.interactions["type"].to_pylist(),
    )
    for lead, moment, kind in zip(*columns, strict=True):
        if lead in wanted:
            history[lead].append((moment, kind))
    leads, as_of = world.snapshots["lead_id"].to_pylist(), micros(world.snapshots["as_of"]).tolist()
    return np.array([[_count(history[leads[row]], as_of[row], kind, days) for kind in KINDS for days in WINDOW_DAYS] for row in rows])


def _count(events: list[tuple[int, str]], as_of: int, kind: str, days: int) -> int:
    return sum(name == kind and as_of - days * DAY <= moment < as_of for moment, name in events)
