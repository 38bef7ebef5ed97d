"""The arithmetic: arrays in, arrays out. It knows no names; ``catalogue.py`` says what each column means.

For each snapshot the kernel lists what could be seen of the lead, newest first (in ``Room``), and then each block of the catalogue walks
that list once and writes its columns. Each lead is computed alone and every sum has one order, so the result depends on nothing but the
lead and the moment: not on which other leads, moments, shards or threads are computed with it.

All compiled arithmetic is in this one file, since Numba compiles a cached function anew only when its own file changes. Blocks are inlined,
since handing the arrays over takes longer than many a block; they take arrays out of their tuples before a loop, where references would be
counted.
"""

from __future__ import annotations

import numba
import numpy as np

from features.contract import DAY, HOUR, UNKNOWN_TIME
from features.plan import Events, Plan, Room, Seen, new_room

DIRECTION_CODES = 3
_THURSDAY = 3  # the weekday of 1970-01-01, Monday being 0
_UNSET = -1.0

jit = numba.njit(cache=True, nogil=True, error_model="numpy")
block = numba.njit(nogil=True, error_model="numpy", inline="always")


@jit
def fill(plan: Plan, events: Events, lead: np.ndarray, as_of: np.ndarray, order: np.ndarray, out: np.ndarray) -> None:
    """Write the features of snapshots (lead int64[m], as_of int64[m]) into ``out`` float32[m, F], in the order int64[k]."""
    longest, previous = 0, -1
    for number in order:
        longest = max(longest, events.start[lead[number] + 1] - events.start[lead[number]])
    room = new_room(plan, longest)
    for number in order:
        one, row = lead[number], out[number]
        if one != previous:
            previous = one
            room.steps[: events.start[one + 1] - events.start[one]] = _UNSET
        length = _look(plan, events, room, one, as_of[number])
        seen = Seen(one, as_of[number], number + 1, length)
        column = _write_groups(plan, events, seen, room, row)
        for stream in range(3):
            column = _write_stream(plan, events, seen, stream, room, row, column)
        column = _write_shares(room, row, column)
        column = _write_answers(events, seen, room, row, column)
        column = _write_types(plan, events, seen, room, row, column)
        for i in range(events.numeric.shape[1]):
            column = _write_numeric(events, seen, i, room, row, column)
        for i in range(events.categorical.shape[1]):
            column = _write_categorical(events, seen, i, room, row, column)
        _write_lead(events, seen, room, row, column)


@block
def _look(plan: Plan, events: Events, room: Room, lead: int, as_of: int) -> int:
    """List the interactions before ``as_of`` that were known by then, and return how many they are."""
    first, last = events.start[lead], events.start[lead + 1]
    occurred_at, known_at, bounds, window_of = events.occurred_at, events.known_at, plan.bounds, plan.window_of
    rows, bins, windows = room.row, room.bin, room.window
    k, age_bin = 0, 0
    for row in range(first + np.searchsorted(occurred_at[first:last], as_of) - 1, first - 1, -1):
        if known_at[row] < as_of:
            while as_of - occurred_at[row] > bounds[age_bin]:
                age_bin += 1
            rows[k], bins[k], windows[k] = row, age_bin, window_of[age_bin]
            k += 1
    return k


@block
def _write_groups(plan: Plan, events: Events, seen: Seen, room: Room, out: np.ndarray) -> int:
    _gather_groups(plan, events, seen, room)
    counts, latest, earliest, decayed = room.counts, room.latest, room.earliest, room.decayed
    column, windows = 0, counts.shape[1]
    for group in range(len(counts)):
        for window in range(1, windows):
            counts[group, window] += counts[group, window - 1]
        for window in range(windows):
            out[column + window] = counts[group, window]
        column += windows
        some = counts[group, -1] > 0
        out[column] = (seen.as_of - latest[group]) / DAY if some else np.nan
        out[column + 1] = (seen.as_of - earliest[group]) / DAY if some else np.nan
        column += 2
        for i in range(decayed.shape[1]):
            out[column + i] = decayed[group, i]
        column += decayed.shape[1]
    return column


@block
def _gather_groups(plan: Plan, events: Events, seen: Seen, room: Room) -> None:
    """Counts by smallest window, latest, earliest and decayed sums of every group."""
    counts, latest, earliest, decayed, weights = room.counts, room.latest, room.earliest, room.decayed, room.weights
    group_start, groups, rows, windows = plan.group_start, plan.groups, room.row, room.window
    occurred_at, kinds, directions = events.occurred_at, events.type, events.direction
    half_lives, steps, first = plan.half_lives, room.steps, events.start[seen.lead]
    counts[:], latest[:], decayed[:], weights[:] = 0, UNKNOWN_TIME, 0.0, 1.0
    newer, previous = -1, seen.as_of
    for place in range(seen.length):
        row, window = rows[place], windows[place]
        moment = occurred_at[row]
        for i in range(len(half_lives)):
            step = steps[row - first, i] if row + 1 == newer else _UNSET
            if step == _UNSET:
                step = np.exp2(-(previous - moment) / half_lives[i])
                if row + 1 == newer:
                    steps[row - first, i] = step
            weights[i] *= step
        newer, previous = row, moment
        code = kinds[row] * DIRECTION_CODES + directions[row]
        for at in range(group_start[code], group_start[code + 1]):
            group = groups[at]
            counts[group, window] += 1
            latest[group] = max(latest[group], moment)
            earliest[group] = moment
            for i in range(len(weights)):
                decayed[group, i] += weights[i]


@block
def _write_stream(plan: Plan, events: Events, seen: Seen, stream: int, room: Room, out: np.ndarray, column: int) -> int:
    """A day or session counts where its latest interaction lies, so a window holds all whose latest interaction it holds."""
    fine, days, sessions, rows, bins, windows = room.fine, room.days, room.sessions, room.row, room.bin, room.window
    occurred_at, directions = events.occurred_at, events.direction
    fine[:], days[:], sessions[:] = 0, 0, 0
    n, latest, previous, previous_day, last_gap, squares = 0, 0, 0, 0, 0, 0.0
    for place in range(seen.length):
        row = rows[place]
        if stream > 0 and directions[row] != stream:
            continue
        moment = occurred_at[row]
        day, gap = moment // DAY, previous - moment
        fine[bins[place]] += 1
        if n == 0 or day != previous_day:
            days[windows[place]] += 1
        if n == 0 or gap > plan.session_gap:
            sessions[windows[place]] += 1
        if n == 0:
            latest = moment
        elif n == 1:
            last_gap = gap
        else:
            squares += ((gap - last_gap) / DAY) * ((gap - last_gap) / DAY)
        previous, previous_day = moment, day
        n += 1
    column = _write_rhythm(plan, room, out, column)
    out[column : column + 3] = np.nan
    if n > 1:
        difference = (latest - previous - (n - 1) * last_gap) / DAY / (n - 1)
        out[column], out[column + 1] = last_gap / DAY, (latest - previous) / DAY / (n - 1)
        out[column + 2] = np.sqrt(max(0.0, squares / (n - 1) - difference * difference))
    return column + 3


@block
def _write_rhythm(plan: Plan, room: Room, out: np.ndarray, column: int) -> int:
    """Active days, sessions and trends of one stream."""
    fine, days, sessions = room.fine, room.days, room.sessions
    windows, day_sum, session_sum = len(days), 0, 0
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


@block
def _write_shares(room: Room, out: np.ndarray, column: int) -> int:
    inbound, outbound = room.counts[1], room.counts[2]
    for window in range(len(inbound)):
        both = inbound[window] + outbound[window]
        out[column + window] = inbound[window] / both if both > 0 else np.nan
    return column + len(inbound)


@block
def _write_answers(events: Events, seen: Seen, room: Room, out: np.ndarray, column: int) -> int:
    """Outbound touches since the latest inbound interaction, and how long the first inbound one waited for an answer."""
    occurred_at, directions, rows = events.occurred_at, events.direction, room.row
    touches, answered_at, waited, inbound = 0, UNKNOWN_TIME, UNKNOWN_TIME, False
    for row in rows[: seen.length]:
        if directions[row] == 1:
            inbound = True
            waited = UNKNOWN_TIME if answered_at == UNKNOWN_TIME else answered_at - occurred_at[row]
        elif directions[row] == 2:
            answered_at = occurred_at[row]
            touches += 0 if inbound else 1
    out[column] = touches
    out[column + 1] = waited / HOUR if waited != UNKNOWN_TIME else np.nan
    return column + 2


@block
def _write_types(plan: Plan, events: Events, seen: Seen, room: Room, out: np.ndarray, column: int) -> int:
    kinds, rows, stamps, distinct = events.type, room.row, room.type_stamp, 0
    for row in rows[: seen.length]:
        if stamps[kinds[row]] != seen.number:
            stamps[kinds[row]] = seen.number
            distinct += 1
    for rank in range(plan.last_types):
        out[column + rank] = kinds[rows[rank]] if rank < seen.length else np.nan
    column += plan.last_types
    out[column] = kinds[rows[seen.length - 1]] if seen.length > 0 else np.nan
    out[column + 1] = distinct
    return column + 2


@block
def _write_numeric(events: Events, seen: Seen, i: int, room: Room, out: np.ndarray, column: int) -> int:
    values, sums, known, highest = events.numeric, room.sums, room.known, room.highest
    rows, smallest = room.row, room.window
    sums[:], known[:], highest[:] = 0.0, 0, -np.inf
    last, windows = np.nan, len(sums)
    for place in range(seen.length):
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


@block
def _write_categorical(events: Events, seen: Seen, i: int, room: Room, out: np.ndarray, column: int) -> int:
    codes, rows, stamps = events.categorical, room.row, room.level_stamp
    last, first, distinct = -1, -1, 0
    for row in rows[: seen.length]:
        level = codes[row, i]
        if level < 0:
            continue
        last = level if last < 0 else last
        first = level
        if stamps[i, level] != seen.number:
            stamps[i, level] = seen.number
            distinct += 1
    out[column] = last if last >= 0 else np.nan
    out[column + 1] = first if first >= 0 else np.nan
    out[column + 2] = distinct
    return column + 3


@block
def _write_lead(events: Events, seen: Seen, room: Room, out: np.ndarray, column: int) -> None:
    out[column : column + 5] = np.nan
    created = events.created_at[seen.lead]
    if UNKNOWN_TIME < created < seen.as_of:
        out[column] = (seen.as_of - created) / DAY
        out[column + 1] = (created // HOUR) % 24
        out[column + 2] = (created // DAY + _THURSDAY) % 7
    if seen.length > 0:
        latest = events.occurred_at[room.row[0]]
        out[column + 3] = (latest // HOUR) % 24
        out[column + 4] = (latest // DAY + _THURSDAY) % 7
    column += 5
    for i in range(events.lead_numeric.shape[1]):
        out[column + i] = events.lead_numeric[seen.lead, i]
    column += events.lead_numeric.shape[1]
    for i in range(events.lead_categorical.shape[1]):
        level = events.lead_categorical[seen.lead, i]
        out[column + i] = level if level >= 0 else np.nan
