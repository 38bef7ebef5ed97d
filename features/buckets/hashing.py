"""Which bucket a lead is in: a hash of its id as text, the same for all tables and whatever type the column has."""

from __future__ import annotations

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.layout import as_text, can_be_text

_STEP = np.uint64(0x9E3779B97F4A7C15)


def deal(rows: pa.RecordBatch, lead_id: str, buckets: int) -> tuple[pa.RecordBatch, np.ndarray]:
    """The rows in the order of their buckets, those of one bucket in the order in which they came.

    Args:
        rows: n rows.
        lead_id: the column of the lead's id; rows without one, and all where there is no such column, go into the first bucket.
        buckets: how many.

    Returns:
        The rows and, int64[buckets + 1], the boundaries of the buckets.
    """
    if lead_id not in rows.schema.names or not can_be_text(rows.schema.field(lead_id).type):
        return rows, np.append(0, np.full(buckets, len(rows)))
    ids = pc.fill_null(as_text(pa.chunked_array([rows[lead_id]])), "").combine_chunks()
    _, offsets, data = ids.buffers()
    ends = np.frombuffer(offsets, np.int32)[ids.offset : ids.offset + len(ids) + 1]
    order, start = _deal(ends, np.frombuffer(data or b"", np.uint8), buckets)
    return rows.take(pa.array(order)), start


@numba.njit(nogil=True, cache=True)
def _deal(ends: np.ndarray, data: np.ndarray, buckets: int) -> tuple[np.ndarray, np.ndarray]:  # pragma: no cover - compiled
    """A counting sort of the rows by the hash of their text."""
    n = len(ends) - 1
    bucket, start = np.empty(n, np.int32), np.zeros(buckets + 1, np.int64)
    for i in range(n):
        value = np.uint64(ends[i + 1] - ends[i])
        for j in range(ends[i], ends[i + 1]):
            value = (value ^ np.uint64(data[j])) * _STEP
            value ^= value >> np.uint64(29)
        bucket[i] = (value >> np.uint64(20)) % np.uint64(buckets) if ends[i + 1] > ends[i] else 0
        start[bucket[i] + 1] += 1
    for one in range(buckets):
        start[one + 1] += start[one]
    at, order = start[:-1].copy(), np.empty(n, np.int64)
    for i in range(n):
        order[at[bucket[i]]] = i
        at[bucket[i]] += 1
    return order, start
