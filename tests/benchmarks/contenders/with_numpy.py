"""NumPy by a strong hand: prefix sums of sorted interactions, looked up at both ends of every window, on two threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import DAY
from tests.benchmarks.contenders.windows import COUNTS, STRIDE
from tests.benchmarks.limits import THREADS
from tests.benchmarks.world import KINDS, WINDOW_DAYS, World


class Sorted(NamedTuple):
    """Places (a lead's number and a moment in one) and types of interactions in order; lead and moment of each snapshot."""

    place: np.ndarray
    type: np.ndarray
    lead: np.ndarray
    as_of: np.ndarray


def ready(world: World) -> Sorted:
    """Sort and number everything."""
    leads = world.leads["lead_id"].combine_chunks()
    with ThreadPoolExecutor(THREADS) as pool:
        kind = pool.submit(_numbers, world.interactions["type"], pa.array(KINDS))
        looks = pool.submit(_numbers, world.snapshots["lead_id"], leads)
        place = _numbers(world.interactions["lead_id"], leads) * STRIDE + _micros(world.interactions["occurred_at"])
        order = np.argsort(place)
        return Sorted(place[order], kind.result().astype(np.int8)[order], looks.result(), _micros(world.snapshots["as_of"]))


def prefix_sums(given: Sorted) -> np.ndarray:
    """int32[snapshots, 24] from what is sorted."""
    running = np.zeros((len(given.place) + 1, len(KINDS)), np.int32)
    for code in range(len(KINDS)):
        np.cumsum(given.type == code, out=running[1:, code])
    order = np.argsort(given.lead * STRIDE + given.as_of)  # neighbours in the order of places are looked up from cache
    lead, as_of = given.lead[order], given.as_of[order]
    counts = np.empty((len(order), len(KINDS), len(WINDOW_DAYS)), np.int32)
    now = _before(running, given.place, lead, as_of)
    with ThreadPoolExecutor(THREADS) as pool:
        ends = pool.map(partial(_before, running, given.place, lead), [as_of - days * DAY for days in WINDOW_DAYS])
        for window, end in enumerate(ends):
            counts[order, :, window] = now - end
    return counts.reshape(-1, len(COUNTS))


def from_unsorted(world: World) -> np.ndarray:
    """The same from the unsorted tables."""
    return prefix_sums(ready(world))


def counts(result: np.ndarray) -> np.ndarray:
    """Its counts, int64[snapshots, 24]."""
    return np.asarray(result, np.int64)


def columns(result: np.ndarray) -> int:
    """How many there are."""
    return int(result.shape[1])


def _before(running: np.ndarray, place: np.ndarray, lead: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """Running counts before a moment of each lead, int32[snapshots, 6]."""
    return np.asarray(running[np.searchsorted(place, lead * STRIDE + moment.clip(min=0))])


def _numbers(values: pa.ChunkedArray, known: pa.Array) -> np.ndarray:
    return np.asarray(pc.index_in(values, known), np.int64)


def _micros(moments: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(moments.cast(pa.int64()))
