"""The function that is compiled: it takes what it is lent by its address, and has the kernel write the features."""

from __future__ import annotations

import numpy as np
from numba.core import types

from features.kernel import STRIDE, sweep
from features.kernel_columns import finite_windows
from features.native.arrays import is_array, item, kind_of, matrix, take, vector
from features.native.block import block
from features.native.calling import GIVEN
from features.plan import Events, Plan, Room

ARGUMENTS, RETURNS = (types.int64,) * 7, types.int64
_KINDS, _DIMENSIONS = tuple(kind_of(one.dtype) for one in GIVEN), tuple(one.dimensions for one in GIVEN)


def fill(plan: int, group_count: int, type_count: int, session_gap: int, last_types: int, given: int, memory: int) -> int:
    """Write the features of snapshots, as of ``features.native.calling.fill``.

    Args:
        plan: the address of a ``Plan``, of which only the arrays are read.
        group_count: as of ``Plan``, like the next three.
        type_count: T.
        session_gap: microseconds.
        last_types: how many.
        given: the address of a tuple of the arrays of ``GIVEN``.
        memory: the address of an int64[...], to work in.

    Returns:
        0 when all is written; how many words of memory it takes, when it is given fewer; -1 - i when array i is not what ``GIVEN`` says.
    """
    for i in range(len(_KINDS)):
        if not is_array(item(given, i), _KINDS[i], _DIMENSIONS[i]):
            return -1 - i
    catalogue = _plan(plan, group_count, type_count, session_gap, last_types)
    events, words = _events(given), vector(memory, np.int64)
    lead, as_of, order = vector(item(given, 10), np.int64), vector(item(given, 11), np.int64), vector(item(given, 12), np.int64)
    longest = 0
    for number in order:
        longest = max(longest, events.start[lead[number] + 1] - events.start[lead[number]])
    room, taken = _room(catalogue, longest, events.numeric.shape[1], words)
    if taken > len(words):
        return taken
    room.before[0, :], room.day[:, 0], room.session[:, 0], room.type_stamp[:], room.level_stamp[:] = 0, 0, 0, 0, 0
    sweep(catalogue, events, lead, as_of, order, room, matrix(item(given, 13), np.float32))
    return 0


@block
def _plan(plan: int, group_count: int, type_count: int, session_gap: int, last_types: int) -> Plan:
    return Plan(
        vector(item(plan, 0), np.int64),
        vector(item(plan, 1), np.float64),
        vector(item(plan, 2), np.int64),
        vector(item(plan, 3), np.uintp),
        vector(item(plan, 4), np.int64),
        group_count,
        type_count,
        session_gap,
        last_types,
    )


@block
def _events(given: int) -> Events:
    return Events(
        vector(item(given, 0), np.int64),
        vector(item(given, 1), np.int64),
        vector(item(given, 2), np.int64),
        vector(item(given, 3), np.int32),
        vector(item(given, 4), np.int8),
        matrix(item(given, 5), np.float64),
        matrix(item(given, 6), np.int32),
        vector(item(given, 7), np.int64),
        matrix(item(given, 8), np.float64),
        matrix(item(given, 9), np.int32),
    )


@block
def _room(plan: Plan, longest: int, numeric: int, words: np.ndarray) -> tuple[Room, int]:
    """Room for histories of up to ``longest`` interactions with so many ``numeric`` attributes, and how many words it takes."""
    groups, half_lives, attributes = plan.group_count, len(plan.half_lives), len(plan.level_counts)
    windows, widest = finite_windows(plan) + 1, 1
    for count in plan.level_counts:
        widest = max(widest, count)
    row, at = take(words, 0, (longest,), np.int64)
    moment, at = take(words, at, (longest + STRIDE,), np.int64)
    before, at = take(words, at, (longest + 1, groups), np.int32)
    day, at = take(words, at, (3, longest + 1), np.int32)
    session, at = take(words, at, (3, longest + 1), np.int32)
    today, at = take(words, at, (3,), np.int64)
    first_gap, at = take(words, at, (3,), np.float64)
    last_gap, at = take(words, at, (3,), np.float64)
    squares, at = take(words, at, (3,), np.float64)
    edge, at = take(words, at, (len(plan.bounds),), np.int64)
    earliest, at = take(words, at, (groups,), np.float64)
    latest, at = take(words, at, (groups,), np.float64)
    decayed, at = take(words, at, (half_lives, groups), np.float64)
    origin, at = take(words, at, (half_lives,), np.int64)
    touched, at = take(words, at, (3,), np.int64)
    waited, at = take(words, at, (1,), np.float64)
    sums, at = take(words, at, (numeric, windows), np.float64)
    known, at = take(words, at, (numeric, windows), np.int64)
    highest, at = take(words, at, (numeric, windows), np.float64)
    last, at = take(words, at, (numeric,), np.float64)
    types_, at = take(words, at, (1,), np.int64)
    type_stamp, at = take(words, at, (plan.type_count + 1,), np.int64)
    levels, at = take(words, at, (attributes, 3), np.int64)
    level_stamp, at = take(words, at, (attributes, widest), np.int64)
    room = Room(
        row, moment, before, day, session, today, first_gap, last_gap, squares, edge, earliest, latest, decayed, origin, touched,
        waited, sums, known, highest, last, types_, type_stamp, levels, level_stamp,
    )  # fmt: skip
    return room, at
