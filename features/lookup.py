"""Texts looked up among texts, by hashes; compiled."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numba
import numpy as np
import pyarrow as pa

from features.mixing import mix
from features.native.nearing import bring_near

_PART = 1 << 16
"""So many rows a thread takes at a time."""
_BLOCK = 512
"""So many rows ask for their slots before the first of them is looked up: a processor then waits for many places in memory at once."""
_FEWEST = 10
"""Bits of the number of slots at least, so that a few texts hardly ever ask for the same one."""
_SHORT = 15
"""Texts of up to so many bytes are told apart by their keys alone."""
_LONG, _NONE = np.uint64(0xFF << 56), np.uint64(0xFE << 56)
_SHORTER = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)
"""What keeps so many bytes of a word."""
_STEP = np.uint64(0x9E3779B97F4A7C15)

_inlined = numba.njit(nogil=True, inline="always")


class _Texts(NamedTuple):
    """Text ``i`` lies from ``ends[i]`` to ``ends[i + 1]``, int32[n + 1]; ``words`` uint64[...] begin at every byte but the last seven."""

    ends: np.ndarray
    words: np.ndarray


class _Known(NamedTuple):
    """What is looked for: text ``row`` has the key ``keys[row + 1]``, uint64[K + 1, 2]; no text has ``keys[0]``.

    ``slots`` uint32[...], a power of two, are ``row + 1`` in the first free slot from the one on that the key asks for; 0 is a free one.
    """

    texts: _Texts
    keys: np.ndarray
    slots: np.ndarray


def places(texts: pa.ChunkedArray, known: pa.ChunkedArray, threads: int = 1) -> np.ndarray:
    """int32[n]: where each text comes first among the known ones; -1 where it is missing or not among them.

    Args:
        texts: strings in any of Arrow's forms, like ``known``.
        known: of which null is none.
        threads: how many threads share the work.
    """
    among, found = _known(known.cast(pa.string()).combine_chunks()), np.empty(len(texts), np.int32)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda part: _place(part, among, found), _parts(texts)))
    return found


def _known(table: pa.StringArray) -> _Known:
    slots = np.zeros(1 << max(_FEWEST, (4 * len(table)).bit_length()), np.uint32)
    known = _Known(_texts(table), np.full((len(table) + 1, 2), _NONE), slots)
    _fill(known, np.asarray(table.is_valid()))
    return known


def _parts(column: pa.ChunkedArray) -> Iterator[tuple[int, pa.Array]]:
    """Stretches of a column, each with the row that it begins with."""
    row = 0
    for chunk in column.chunks:
        for low in range(0, len(chunk), _PART):
            part = chunk.slice(low, _PART)
            yield row, part
            row += len(part)


def _place(given: tuple[int, pa.Array], known: _Known, found: np.ndarray) -> None:
    row, part = given
    own = found[row : row + len(part)]
    _find(_texts(part.cast(pa.string())), known, own)
    if part.null_count:
        own[np.asarray(part.is_null())] = -1


def _texts(array: pa.StringArray) -> _Texts:
    _, ends, data = array.buffers()
    letters = np.frombuffer(data or b"", np.uint8)
    if len(letters) < 9:
        letters = np.append(letters, np.zeros(9, np.uint8))
    words = np.ndarray(len(letters) - 7, np.uint64, letters, strides=(1,))
    own = np.frombuffer(ends, np.int32)[array.offset : array.offset + len(array) + 1] if len(array) else np.zeros(1, np.int32)
    words.flags.writeable = own.flags.writeable = False
    return _Texts(own, words)


@_inlined
def _word(texts: _Texts, begin: int, size: int) -> np.uint64:  # pragma: no cover - compiled
    """The first 8 bytes, or ``size`` if that is less, from ``begin`` on, as a number."""
    last = min(begin, len(texts.words) - 1)
    word = texts.words[last] >> np.uint64(8 * (begin - last) & 63)
    kept: np.uint64 = word & _SHORTER[max(0, min(size, 8))]
    return kept


@_inlined
def _key(texts: _Texts, i: int) -> tuple[np.uint64, np.uint64]:  # pragma: no cover - compiled
    """A text of up to ``_SHORT`` bytes and its length, or the hash of a longer one."""
    begin, size = texts.ends[i], texts.ends[i + 1] - texts.ends[i]
    if begin + 8 < len(texts.words):  # as most do, and sooner
        first = texts.words[np.uint64(begin)] & _SHORTER[np.uint64(min(size, 8))]
        second = texts.words[np.uint64(begin + 8)] & _SHORTER[np.uint64(max(0, min(size - 8, 8)))]
    else:
        first, second = _word(texts, begin, size), _word(texts, begin + 8, size - 8)
    if size <= _SHORT:
        return first, second | np.uint64(size) << np.uint64(56)
    for at in range(8, size, 8):
        first = mix((first ^ _word(texts, begin + at, size - at)) * _STEP)
    return first, second | _LONG


@_inlined
def _slot(first: np.uint64, second: np.uint64, slots: int) -> np.uint64:  # pragma: no cover - compiled
    return mix(first ^ second * _STEP) & np.uint64(slots - 1)


@_inlined
def _same(texts: _Texts, i: int, others: _Texts, j: int) -> bool:  # pragma: no cover - compiled
    """Whether two long texts with the same key are the same."""
    begin, size, other, at = texts.ends[i], texts.ends[i + 1] - texts.ends[i], others.ends[j], 0
    if others.ends[j + 1] - other != size:
        return False
    while at < size and _word(texts, begin + at, size - at) == _word(others, other + at, size - at):
        at += 8
    return bool(at >= size)


@numba.njit(nogil=True, cache=True)
def _fill(known: _Known, valid: np.ndarray) -> None:  # pragma: no cover - compiled
    for row in range(len(valid)):
        if valid[row]:
            known.keys[row + 1, 0], known.keys[row + 1, 1] = _key(known.texts, row)
            at = _slot(known.keys[row + 1, 0], known.keys[row + 1, 1], len(known.slots))
            while known.slots[at] != 0:
                at = at + np.uint64(1) & np.uint64(len(known.slots) - 1)
            known.slots[at] = row + 1


@numba.njit(nogil=True, cache=True)
def _find(texts: _Texts, known: _Known, found: np.ndarray) -> None:  # pragma: no cover - compiled
    first, second, asked = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint64)
    for low in range(0, len(found), _BLOCK):
        rows = found[low : low + _BLOCK]
        for i in range(len(rows)):
            first[i], second[i] = _key(texts, low + i)
            asked[i] = _slot(first[i], second[i], len(known.slots))
            bring_near(known.slots, asked[i])
        for i in range(len(rows)):
            at = asked[i]
            row = known.slots[at]
            while row != 0 and not (
                first[i] == known.keys[row, 0]
                and second[i] == known.keys[row, 1]
                and (second[i] < _LONG or _same(texts, low + i, known.texts, row - 1))
            ):
                at = at + np.uint64(1) & np.uint64(len(known.slots) - 1)
                row = known.slots[at]
            rows[i] = row - 1
