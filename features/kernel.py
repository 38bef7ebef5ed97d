"""The arithmetic: arrays in, arrays out. It knows no names; ``catalogue.py`` says what each column means.

For each snapshot the kernel lists what could be seen of the lead, newest first (``Seen``), and then each block of the catalogue walks that list
once and writes its columns. Each lead is computed alone and every sum has one order, so the result depends on nothing but the lead and
the moment: not on which other leads, moments, shards or threads are computed with it.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from features.contract import DAY, HOUR, UNKNOWN_TIME

DIRECTION_CODES = 3
_THURSDAY = 3  # the weekday of 1970-01-01, Monday being 0


jit = numba.njit(cache=True, nogil=True, error_model="numpy")


class Plan(NamedTuple):
    """The catalogue as arrays. W windows with ``ever`` last, B finer ages (each window and its double), T types, G groups, H half-lives.

    ``bounds`` int64[B]; ``window_of`` int64[B], the smallest window that holds the age; ``before`` int64[W - 1, 2], the ages between a window
    and its double; ``half_lives`` float64[H]; ``groups`` int64[...] with ``group_start`` int64[(T + 1) * 3 + 1], by type and direction.
    """

    bounds: np.ndarray
    window_of: np.ndarray
    before: np.ndarray
    half_lives: np.ndarray
    group_start: np.ndarray
    groups: np.ndarray
    group_count: int
    type_count: int
    session_gap: int
    last_types: int
    level_counts: np.ndarray


class Events(NamedTuple):
    """Histories in the plan's codes: n interactions with A numeric and C categorical attributes, L leads with theirs."""

    start: np.ndarray
    occurred_at: np.ndarray
    known_at: np.ndarray
    type: np.ndarray
    direction: np.ndarray
    numeric: np.ndarray
    categorical: np.ndarray
    created_at: np.ndarray
    lead_numeric: np.ndarray
    lead_categorical: np.ndarray


class Seen(NamedTuple):
    """What the lead had done and we knew at ``as_of``, newest first: k interactions, and room for the longest history.

    ``row`` int64[k] into the events, ``bin`` int64[k] into ``Plan.bounds``, ``window`` int64[k] the smallest window that holds it.
    """

    row: np.ndarray
    bin: np.ndarray
    window: np.ndarray


class Room(NamedTuple):
    """Scratch arrays, made once for a call; the stamps tell snapshots apart by their number and are never cleared."""

    counts: np.ndarray
    latest: np.ndarray
    earliest: np.ndarray
    decayed: np.ndarray
    weights: np.ndarray
    fine: np.ndarray
    days: np.ndarray
    sessions: np.ndarray
    sums: np.ndarray
    known: np.ndarray
    highest: np.ndarray
    type_stamp: np.ndarray
    level_stamp: np.ndarray


@jit
def fill(plan: Plan, events: Events, lead: np.ndarray, as_of: np.ndarray, out: np.ndarray) -> None:
    """Write the features of each snapshot (lead int64[m], as_of int64[m]) into ``out`` float32[m, F]."""
    longest = 0
    for one in lead:
        longest = max(longest, events.start[one + 1] - events.start[one])
    seen = Seen(np.empty(longest, np.int64), np.empty(longest, np.int64), np.empty(longest, np.int64))
    room = _new_room(plan)
    for number in range(len(lead)):
        moment, row = as_of[number], out[number]
        k = _look(plan, events, lead[number], moment, seen)
        column = _write_groups(plan, events, seen, k, moment, room, row)
        for stream in range(3):
            column = _write_stream(plan, events, seen, k, stream, room, row, column)
        column = _write_shares(plan, room, row, column)
        column = _write_answers(events, seen, k, row, column)
        column = _write_types(plan, events, seen, k, number + 1, room, row, column)
        for i in range(events.numeric.shape[1]):
            column = _write_numeric(events, seen, k, i, room, row, column)
        for i in range(events.categorical.shape[1]):
            column = _write_categorical(events, seen, k, i, number + 1, room, row, column)
        _write_lead(events, seen, k, lead[number], moment, row, column)


@jit
def _new_room(plan: Plan) -> Room:
    windows, groups, half_lives = len(plan.before) + 1, plan.group_count, len(plan.half_lives)
    widest = 1
    for count in plan.level_counts:
        widest = max(widest, count)
    return Room(
        counts=np.zeros((groups, windows), np.int64),
        latest=np.zeros(groups, np.int64),
        earliest=np.zeros(groups, np.int64),
        decayed=np.zeros((groups, half_lives)),
        weights=np.zeros(half_lives),
        fine=np.zeros(len(plan.bounds), np.int64),
        days=np.zeros(windows, np.int64),
        sessions=np.zeros(windows, np.int64),
        sums=np.zeros(windows),
        known=np.zeros(windows, np.int64),
        highest=np.zeros(windows),
        type_stamp=np.zeros(plan.type_count + 1, np.int64),
        level_stamp=np.zeros((len(plan.level_counts), widest), np.int64),
    )


@jit
def _look(plan: Plan, events: Events, lead: int, as_of: int, seen: Seen) -> int:
    """List the interactions before ``as_of`` that were known by then, and return how many they are."""
    first, last = events.start[lead], events.start[lead + 1]
    occurred_at, known_at, bounds, window_of = events.occurred_at, events.known_at, plan.bounds, plan.window_of
    rows, bins, windows = seen.row, seen.bin, seen.window
    k, age_bin = 0, 0
    for row in range(first + np.searchsorted(occurred_at[first:last], as_of) - 1, first - 1, -1):
        if known_at[row] < as_of:
            while as_of - occurred_at[row] > bounds[age_bin]:
                age_bin += 1
            rows[k], bins[k], windows[k] = row, age_bin, window_of[age_bin]
            k += 1
    return k


@jit
def _write_groups(plan: Plan, events: Events, seen: Seen, k: int, as_of: int, room: Room, out: np.ndarray) -> int:
    _gather_groups(plan, events, seen, k, as_of, room)
    counts, latest, earliest, decayed = room.counts, room.latest, room.earliest, room.decayed
    column, windows = 0, counts.shape[1]
    for group in range(plan.group_count):
        for window in range(1, windows):
            counts[group, window] += counts[group, window - 1]
        for window in range(windows):
            out[column + window] = counts[group, window]
        column += windows
        some = counts[group, -1] > 0
        out[column] = (as_of - latest[group]) / DAY if some else np.nan
        out[column + 1] = (as_of - earliest[group]) / DAY if some else np.nan
        column += 2
        for i in range(decayed.shape[1]):
            out[column + i] = decayed[group, i]
        column += decayed.shape[1]
    return column


@jit
def _gather_groups(plan: Plan, events: Events, seen: Seen, k: int, as_of: int, room: Room) -> None:
    """Counts by smallest window, latest, earliest and decayed sums of every group."""
    counts, latest, earliest, decayed, weights = room.counts, room.latest, room.earliest, room.decayed, room.weights
    half_lives, group_start, groups = plan.half_lives, plan.group_start, plan.groups
    occurred_at, kinds, directions = events.occurred_at, events.type, events.direction
    counts[:], latest[:], decayed[:] = 0, UNKNOWN_TIME, 0.0
    for place in range(k):
        row, window = seen.row[place], seen.window[place]
        moment = occurred_at[row]
        for i in range(len(half_lives)):
            weights[i] = np.exp2(-(as_of - moment) / half_lives[i])
        code = kinds[row] * DIRECTION_CODES + directions[row]
        for group in groups[group_start[code] : group_start[code + 1]]:
            counts[group, window] += 1
            latest[group] = max(latest[group], moment)
            earliest[group] = moment
            for i in range(len(weights)):
                decayed[group, i] += weights[i]


@jit
def _write_stream(plan: Plan, events: Events, seen: Seen, k: int, stream: int, room: Room, out: np.ndarray, column: int) -> int:
    """A day or session counts where its latest interaction lies, so a window holds all whose latest interaction it holds."""
    fine, days, sessions = room.fine, room.days, room.sessions
    occurred_at, directions, rows, bins, windows = events.occurred_at, events.direction, seen.row, seen.bin, seen.window
    fine[:], days[:], sessions[:] = 0, 0, 0
    n, latest, previous, last_gap, squares = 0, 0, 0, 0, 0.0
    for place in range(k):
        row = rows[place]
        if stream > 0 and directions[row] != stream:
            continue
        moment = occurred_at[row]
        fine[bins[place]] += 1
        gap = previous - moment
        if n == 0 or moment // DAY != previous // DAY:
            days[windows[place]] += 1
        if n == 0 or gap > plan.session_gap:
            sessions[windows[place]] += 1
        if n == 0:
            latest = moment
        elif n == 1:
            last_gap = gap
        else:
            squares += ((gap - last_gap) / DAY) * ((gap - last_gap) / DAY)
        previous = moment
        n += 1
    column = _write_rhythm(plan, fine, days, sessions, out, column)
    out[column : column + 3] = np.nan
    if n > 1:
        difference = (latest - previous - (n - 1) * last_gap) / DAY / (n - 1)
        out[column], out[column + 1] = last_gap / DAY, (latest - previous) / DAY / (n - 1)
        out[column + 2] = np.sqrt(max(0.0, squares / (n - 1) - difference * difference))
    return column + 3


@jit
def _write_rhythm(plan: Plan, fine: np.ndarray, days: np.ndarray, sessions: np.ndarray, out: np.ndarray, column: int) -> int:
    """Active days, sessions and trends of one stream."""
    windows = len(days)
    day_sum, session_sum = 0, 0
    for window in range(windows):
        day_sum += days[window]
        session_sum += sessions[window]
        out[column + window], out[column + windows + window] = day_sum, session_sum
    column += 2 * windows
    for window in range(windows - 1):
        near, far = plan.before[window]
        recent, before = fine[:near].sum(), fine[near:far].sum()
        out[column + window] = (recent - before) / (recent + before) if recent + before > 0 else np.nan
    return column + windows - 1


@jit
def _write_shares(plan: Plan, room: Room, out: np.ndarray, column: int) -> int:
    counts = room.counts
    for window in range(counts.shape[1]):
        inbound, outbound = counts[1, window], counts[2, window]
        out[column + window] = inbound / (inbound + outbound) if inbound + outbound > 0 else np.nan
    return column + counts.shape[1]


@jit
def _write_answers(events: Events, seen: Seen, k: int, out: np.ndarray, column: int) -> int:
    """Outbound touches since the latest inbound interaction, and how long the first inbound one waited for an answer."""
    occurred_at, directions, rows = events.occurred_at, events.direction, seen.row
    touches, answered_at, waited, inbound = 0, UNKNOWN_TIME, UNKNOWN_TIME, False
    for place in range(k):
        row = rows[place]
        if directions[row] == 1:
            inbound = True
            waited = UNKNOWN_TIME if answered_at == UNKNOWN_TIME else answered_at - occurred_at[row]
        elif directions[row] == 2:
            answered_at = occurred_at[row]
            touches += 0 if inbound else 1
    out[column] = touches
    out[column + 1] = waited / HOUR if waited != UNKNOWN_TIME else np.nan
    return column + 2


@jit
def _write_types(plan: Plan, events: Events, seen: Seen, k: int, stamp: int, room: Room, out: np.ndarray, column: int) -> int:
    kinds, rows, stamps = events.type, seen.row, room.type_stamp
    distinct = 0
    for place in range(k):
        kind = kinds[rows[place]]
        if stamps[kind] != stamp:
            stamps[kind] = stamp
            distinct += 1
    for rank in range(plan.last_types):
        out[column + rank] = kinds[rows[rank]] if rank < k else np.nan
    column += plan.last_types
    out[column] = kinds[rows[k - 1]] if k > 0 else np.nan
    out[column + 1] = distinct
    return column + 2


@jit
def _write_numeric(events: Events, seen: Seen, k: int, i: int, room: Room, out: np.ndarray, column: int) -> int:
    values, sums, known, highest = events.numeric, room.sums, room.known, room.highest
    rows, smallest = seen.row, seen.window
    sums[:], known[:], highest[:] = 0.0, 0, -np.inf
    last, windows = np.nan, len(sums)
    for place in range(k):
        value = values[rows[place], i]
        if np.isnan(value):
            continue
        last = value if np.isnan(last) else last
        for window in range(smallest[place], windows):
            sums[window] += value
            known[window] += 1
            highest[window] = max(highest[window], value)
    for window in range(windows):
        out[column + window] = sums[window]
        out[column + windows + window] = sums[window] / known[window] if known[window] > 0 else np.nan
        out[column + 2 * windows + window] = highest[window] if known[window] > 0 else np.nan
    out[column + 3 * windows] = last
    return column + 3 * windows + 1


@jit
def _write_categorical(events: Events, seen: Seen, k: int, i: int, stamp: int, room: Room, out: np.ndarray, column: int) -> int:
    codes, rows, stamps = events.categorical, seen.row, room.level_stamp
    last, first, distinct = -1, -1, 0
    for place in range(k):
        level = codes[rows[place], i]
        if level < 0:
            continue
        last = level if last < 0 else last
        first = level
        if stamps[i, level] != stamp:
            stamps[i, level] = stamp
            distinct += 1
    out[column] = last if last >= 0 else np.nan
    out[column + 1] = first if first >= 0 else np.nan
    out[column + 2] = distinct
    return column + 3


@jit
def _write_lead(events: Events, seen: Seen, k: int, lead: int, as_of: int, out: np.ndarray, column: int) -> None:
    out[column : column + 5] = np.nan
    created = events.created_at[lead]
    if UNKNOWN_TIME < created < as_of:
        out[column] = (as_of - created) / DAY
        out[column + 1] = (created // HOUR) % 24
        out[column + 2] = (created // DAY + _THURSDAY) % 7
    if k > 0:
        latest = events.occurred_at[seen.row[0]]
        out[column + 3] = (latest // HOUR) % 24
        out[column + 4] = (latest // DAY + _THURSDAY) % 7
    column += 5
    for i in range(events.lead_numeric.shape[1]):
        out[column + i] = events.lead_numeric[lead, i]
    column += events.lead_numeric.shape[1]
    for i in range(events.lead_categorical.shape[1]):
        level = events.lead_categorical[lead, i]
        out[column + i] = level if level >= 0 else np.nan
