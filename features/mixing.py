"""Rows of tables mixed to 64 bits, by what they hold; the part of ``features.fingerprint`` that is compiled."""

from __future__ import annotations

import numba
import numpy as np
import pyarrow as pa

_STEP = np.uint64(0x9E3779B97F4A7C15)
_NULL = np.uint64(0xD1B54A32D192ED03)


def hashes(table: pa.Table) -> np.ndarray:
    """uint64[n]: each row mixed to 64 bits; columns are string, floating, or of whole numbers, moments or truths."""
    rows = np.zeros(table.num_rows, dtype=np.uint64)
    for name in sorted(table.column_names):
        low = 0
        for chunk in table[name].chunks:
            _mix_chunk(rows[low : low + len(chunk)], chunk)
            low += len(chunk)
    return rows


def _mix_chunk(rows: np.ndarray, chunk: pa.Array) -> None:
    if len(chunk) == 0:
        return
    if pa.types.is_string(chunk.type):
        _, offsets, data = (chunk.fill_null("") if chunk.null_count else chunk).buffers()
        ends = np.frombuffer(offsets, dtype=np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        _mix_texts(rows, ends, np.frombuffer(data or b"", dtype=np.uint8))
    elif pa.types.is_floating(chunk.type):
        _mix_numbers(rows, (chunk.fill_null(0.0).to_numpy() + 0.0).view(np.uint64))
    else:
        _mix_numbers(rows, chunk.cast(pa.int64()).fill_null(0).to_numpy().view(np.uint64))
    if chunk.null_count:
        rows[np.asarray(chunk.is_null())] ^= _NULL


@numba.njit(nogil=True, cache=True)
def mix(value: np.uint64) -> np.uint64:  # pragma: no cover - compiled
    """The finalizer of splitmix64 (Steele, Lea and Flood 2014), which spreads every bit over all 64."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@numba.njit(nogil=True, cache=True)
def _mix_numbers(rows: np.ndarray, bits: np.ndarray) -> None:  # pragma: no cover - compiled
    for i in range(len(rows)):
        rows[i] = mix(rows[i] * _STEP + bits[i])


@numba.njit(nogil=True, cache=True)
def _mix_texts(rows: np.ndarray, ends: np.ndarray, data: np.ndarray) -> None:  # pragma: no cover - compiled
    for i in range(len(rows)):
        value = np.uint64(ends[i + 1] - ends[i])
        for j in range(ends[i], ends[i + 1]):
            value = (value ^ np.uint64(data[j])) * _STEP
            value ^= value >> np.uint64(29)
        rows[i] = mix(rows[i] * _STEP + value)


@numba.njit(nogil=True, cache=True)
def sums(rows: np.ndarray) -> tuple[np.uint64, np.uint64]:  # pragma: no cover - compiled
    """What the rows' values, uint64[n], add up to after two further mixings, modulo 2^64: the same in any order of the rows."""
    first, second = np.uint64(0), np.uint64(0)
    for i in range(len(rows)):
        first += mix(rows[i] ^ np.uint64(1))
        second += mix(rows[i] ^ np.uint64(2))
    return first, second
