"""A fingerprint of tables that tells their content, and neither the order of rows and columns nor how files are laid out."""

from __future__ import annotations

import hashlib
import json

import numba
import numpy as np
import pyarrow as pa

_PRIME = np.uint64(0x9E3779B97F4A7C15)


def fingerprint(tables: dict[str, pa.Table]) -> str:
    """The sha256 of the tables' names, columns, types and rows, each table taken as a set of rows that may repeat.

    A row's columns, in the order of their names, are mixed to 64 bits; the rows' values are added up after two further mixings, so that
    the sums do not depend on the order of the rows (a multiset hash of 128 bits).
    """
    content = {name: _describe(table) for name, table in sorted(tables.items())}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _describe(table: pa.Table) -> dict[str, object]:
    rows = np.zeros(table.num_rows, dtype=np.uint64)
    for name in sorted(table.column_names):
        _mix_column(rows, table[name])
    sums = [f"{int(np.sum(_mixed(rows ^ salt), dtype=np.uint64)):016x}" for salt in (np.uint64(1), np.uint64(2))]
    return {"columns": sorted((name, str(table[name].type)) for name in table.column_names), "rows": table.num_rows, "sums": sums}


def _mix_column(rows: np.ndarray, column: pa.ChunkedArray) -> None:
    low = 0
    for chunk in column.chunks:
        if not len(chunk):
            continue
        part = rows[low : low + len(chunk)]
        if pa.types.is_string(chunk.type):
            _mix_texts(part, *_buffers(chunk))
        else:
            part[:] = _mixed(part * _PRIME + _bits(chunk))
        part[chunk.is_null().to_numpy(zero_copy_only=False)] ^= _PRIME
        low += len(chunk)


def _bits(chunk: pa.Array) -> np.ndarray:
    if pa.types.is_floating(chunk.type):
        return (chunk.fill_null(0.0).to_numpy() + 0.0).view(np.uint64)
    return chunk.cast(pa.int64()).fill_null(0).to_numpy().view(np.uint64)


def _buffers(chunk: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    _, offsets, data = chunk.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    return ends, np.frombuffer(data or b"", dtype=np.uint8)


def _mixed(values: np.ndarray) -> np.ndarray:
    """The finalizer of splitmix64 (Steele, Lea and Flood 2014), which spreads every bit over all 64."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@numba.njit(nogil=True, cache=True)
def _mix_texts(rows: np.ndarray, ends: np.ndarray, data: np.ndarray) -> None:  # pragma: no cover - compiled
    for i in range(len(rows)):
        value = rows[i] * np.uint64(0x9E3779B97F4A7C15) + np.uint64(ends[i + 1] - ends[i])
        for j in range(ends[i], ends[i + 1]):
            value = (value ^ np.uint64(data[j])) * np.uint64(0x9E3779B97F4A7C15)
            value ^= value >> np.uint64(29)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        rows[i] = value ^ (value >> np.uint64(27))
