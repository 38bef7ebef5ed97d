"""The arithmetic: arrays in, arrays out. It knows no names; ``catalogue.py`` says what each column means.

The kernel sweeps: over a lead's interactions once, oldest first, and over its snapshots in the order of their moments. At each snapshot
every block of the catalogue takes in what is new since the last (``_take_...``, into ``Room``) and writes its columns (``_write_...``).
A snapshot alone is a sweep of one: every sum has one order, oldest first, so the result depends on nothing but the lead and the moment,
not on which other leads, moments, shards or threads are computed with it. Where something older becomes known later, between two
snapshots, the sweep starts over.

Blocks are inlined, since handing the arrays over takes longer than many a block. What is swept is only lent to the sweep, which cannot make
arrays. ``features.native`` compiles it and calls it.
"""

from __future__ import annotations

import numba
import numpy as np

from features.contract import DAY, HOUR, NEVER, UNKNOWN_TIME
from features.plan import DIRECTION_CODES, Events, Plan, Room, Seen

RENEWED = 512
"""After so many half-lives decayed sums get a new unit, far from where float64 ends."""
_THURSDAY = 3  # the weekday of 1970-01-01, Monday being 0

block = numba.njit(nogil=True, error_model="numpy", inline="always")


@block
def sweep(plan: Plan, events: Events, lead: np.ndarray, as_of: np.ndarray, order: np.ndarray, room: Room, out: np.ndarray) -> None:
    """Write the features of snapshots (lead int64[m], as_of int64[m]) into ``out`` float32[m, F], in the order int64[k]."""
    one, moment, life, cursor, length, unknown_until = -1, NEVER, 0, 0, 0, NEVER
    for number in order:
        if lead[number] != one or as_of[number] < moment or as_of[number] > unknown_until:
            one, life, length, unknown_until = lead[number], life + 1, 0, NEVER
            cursor = events.start[one]
            _forget(room)
        moment, known, row = as_of[number], length, out[number]
        cursor, length, unknown_until = _look(events, room, one, moment, cursor, length, unknown_until)
        seen = Seen(one, moment, life, known, length)
        _take_streams(plan, events, seen, room)
        _move_edges(plan, seen, room)
        _take_groups(plan, events, seen, room)
        _take_losses(plan, room)
        column = _write_groups(plan, seen, room, row)
        for stream in range(3):
            column = _write_stream(plan, seen, stream, room, row, column)
        column = _write_shares(plan, seen, room, row, column)
        column = _write_answers(seen, room, row, column)
        column = _write_types(plan, events, seen, room, row, column)
        for i in range(events.numeric.shape[1]):
            column = _write_numeric(plan, events, seen, i, room, row, column)
        for i in range(events.categorical.shape[1]):
            column = _write_categorical(events, seen, i, room, row, column)
        _write_lead(events, seen, room, row, column)


@block
def _forget(room: Room) -> None:
    """Nothing is seen yet."""
    room.edge[:], room.lost[:], room.total[:], room.left[:], room.types[:] = 0, 0, 0, 0, 0
    room.decayed[:], room.squares[:], room.sums[:], room.known[:] = 0.0, 0.0, 0.0, 0
    room.answers[:], room.highest[:], room.last[:] = 0, -np.inf, np.nan
    room.levels[:, 0], room.levels[:, 1], room.levels[:, 2] = -1, -1, 0


@block
def _look(events: Events, room: Room, lead: int, as_of: int, cursor: int, length: int, unknown_until: int) -> tuple[int, int, int]:
    """List what happened before ``as_of`` and was known by then, from the row ``cursor`` on.

    Returns:
        The next row, how many are listed, and when the first of those that were left out becomes known.
    """
    last, occurred_at, known_at = events.start[lead + 1], events.occurred_at, events.known_at
    kinds, directions, rows, codes = events.type, events.direction, room.row, room.code
    while cursor < last and occurred_at[cursor] < as_of:
        if known_at[cursor] < as_of:
            rows[length], codes[length] = cursor, kinds[cursor] * DIRECTION_CODES + directions[cursor]
            length += 1
        else:
            unknown_until = min(unknown_until, known_at[cursor])
        cursor += 1
    return cursor, length, unknown_until


@block
def _take_streams(plan: Plan, events: Events, seen: Seen, room: Room) -> None:
    """The lists by stream: moments, and the numbers of the day and of the session; and the squares of the gaps."""
    occurred_at, rows, codes, before, squares = events.occurred_at, room.row, room.code, room.before, room.squares
    moments, days, sessions, session_gap = room.moment, room.day, room.session, plan.session_gap
    for place in range(seen.known, seen.length):
        moment, direction = occurred_at[rows[place]], codes[place] % DIRECTION_CODES
        for stream in range(3):
            k = before[place, stream]
            if stream > 0 and stream != direction:
                before[place + 1, stream] = k
                continue
            before[place + 1, stream] = k + 1
            moments[stream, k], days[stream, k], sessions[stream, k] = moment, 0, 0
            if k > 0:
                newer = moments[stream, k - 1]
                days[stream, k] = days[stream, k - 1] + (moment // DAY != newer // DAY)
                sessions[stream, k] = sessions[stream, k - 1] + (moment - newer > session_gap)
            if k > 1:
                difference = (moment - moments[stream, k - 1] - (moments[stream, 1] - moments[stream, 0])) / DAY
                squares[stream] += difference * difference


@block
def _move_edges(plan: Plan, seen: Seen, room: Room) -> None:
    """Move each edge up to the first interaction within its bound; the last bound holds all."""
    bounds, edges, moments = plan.bounds, room.edge, room.moment
    edge = 0
    for i in range(len(bounds) - 2, -1, -1):
        edge = max(edge, edges[i])
        while edge < seen.length and seen.as_of - moments[0, edge] > bounds[i]:
            edge += 1
        edges[i] = edge


@block
def _take_groups(plan: Plan, events: Events, seen: Seen, room: Room) -> None:
    """Totals, latest, earliest and decayed sums of every group.

    A weight is 2^(t / h), t counted from ``origin``; what the sum is worth at a moment is left to ``_write_groups``.
    """
    group_start, groups, rows, codes = plan.group_start, plan.groups, room.row, room.code
    total, latest, earliest, decayed, weights = room.total, room.latest, room.earliest, room.decayed, room.weights
    half_lives, origin, occurred_at = plan.half_lives, room.origin, events.occurred_at
    for place in range(seen.known, seen.length):
        moment = occurred_at[rows[place]]
        for i in range(len(half_lives)):
            if place == 0:
                origin[i] = moment
            elif moment - origin[i] > RENEWED * half_lives[i]:
                for group in range(len(decayed)):
                    decayed[group, i] *= np.exp2(-(moment - origin[i]) / half_lives[i])
                origin[i] = moment
            weights[i] = np.exp2((moment - origin[i]) / half_lives[i])
        for at in range(group_start[codes[place]], group_start[codes[place] + 1]):
            group = groups[at]
            if total[group] == 0:
                earliest[group] = moment
            total[group] += 1
            latest[group] = moment
            for i in range(len(weights)):
                decayed[group, i] += weights[i]


@block
def _take_losses(plan: Plan, room: Room) -> None:
    """What has left each window since the snapshot before."""
    group_start, groups, codes, windows = plan.group_start, plan.groups, room.code, plan.windows
    edges, lost, left = room.edge, room.lost, room.left
    for window in range(len(lost)):
        for place in range(lost[window], edges[windows[window]]):
            for at in range(group_start[codes[place]], group_start[codes[place] + 1]):
                left[groups[at], window] += 1
        lost[window] = edges[windows[window]]


@block
def _write_groups(plan: Plan, seen: Seen, room: Room, out: np.ndarray) -> int:
    total, left, latest, earliest = room.total, room.left, room.latest, room.earliest
    decayed, weights, origin, half_lives = room.decayed, room.weights, room.origin, plan.half_lives
    for i in range(len(weights)):
        weights[i] = np.exp2(-(seen.as_of - origin[i]) / half_lives[i]) if seen.length > 0 else 0.0
    column, finite = 0, left.shape[1]
    for group in range(len(total)):
        for window in range(finite):
            out[column + window] = total[group] - left[group, window]
        column += finite
        some = total[group] > 0
        out[column] = total[group]
        out[column + 1] = (seen.as_of - latest[group]) / DAY if some else np.nan
        out[column + 2] = (seen.as_of - earliest[group]) / DAY if some else np.nan
        column += 3
        for i in range(len(weights)):
            out[column + i] = decayed[group, i] * weights[i]
        column += len(weights)
    return column


@block
def _write_stream(plan: Plan, seen: Seen, stream: int, room: Room, out: np.ndarray, column: int) -> int:
    """A window that holds k interactions of the stream holds its last k; days and sessions are counted by their numbers."""
    before, edges, moments, days, sessions = room.before, room.edge, room.moment, room.day, room.session
    windows, doubles, n = plan.windows, plan.doubles, room.before[seen.length, stream]
    for window in range(len(windows)):
        first = before[edges[windows[window]], stream]
        some = first < n
        out[column + window] = days[stream, n - 1] - days[stream, first] + 1 if some else 0
        out[column + len(windows) + window] = sessions[stream, n - 1] - sessions[stream, first] + 1 if some else 0
    column += 2 * len(windows)
    for window in range(len(doubles)):
        first, earlier = before[edges[windows[window]], stream], before[edges[doubles[window]], stream]
        out[column + window] = (n - first - (first - earlier)) / (n - earlier) if n > earlier else np.nan
    column += len(doubles)
    out[column : column + 3] = np.nan
    if n > 1:
        latest, first, first_gap = moments[stream, n - 1], moments[stream, 0], moments[stream, 1] - moments[stream, 0]
        difference = (latest - first - (n - 1) * first_gap) / DAY / (n - 1)
        out[column], out[column + 1] = (latest - moments[stream, n - 2]) / DAY, (latest - first) / DAY / (n - 1)
        out[column + 2] = np.sqrt(max(0.0, room.squares[stream] / (n - 1) - difference * difference))
    return column + 3


@block
def _write_shares(plan: Plan, seen: Seen, room: Room, out: np.ndarray, column: int) -> int:
    before, edges, windows = room.before, room.edge, plan.windows
    for window in range(len(windows)):
        inbound = before[seen.length, 1] - before[edges[windows[window]], 1]
        both = inbound + before[seen.length, 2] - before[edges[windows[window]], 2]
        out[column + window] = inbound / both if both > 0 else np.nan
    return column + len(windows)


@block
def _write_answers(seen: Seen, room: Room, out: np.ndarray, column: int) -> int:
    """Outbound touches since the latest inbound interaction, and how long the first inbound one waited for an answer."""
    moments, codes, answers = room.moment, room.code, room.answers
    for place in range(seen.known, seen.length):
        direction = codes[place] % DIRECTION_CODES
        if direction == 1:
            answers[0] = 0
        elif direction == 2:
            answers[0] += 1
            if answers[1] == 0 and room.before[place, 1] > 0:
                answers[1], answers[2] = 1, moments[0, place] - moments[1, 0]
    out[column] = answers[0]
    out[column + 1] = answers[2] / HOUR if answers[1] == 1 else np.nan
    return column + 2


@block
def _write_types(plan: Plan, events: Events, seen: Seen, room: Room, out: np.ndarray, column: int) -> int:
    kinds, rows, stamps, types = events.type, room.row, room.type_stamp, room.types
    for row in rows[seen.known : seen.length]:
        if stamps[kinds[row]] != seen.life:
            stamps[kinds[row]] = seen.life
            types[0] += 1
    for rank in range(plan.last_types):
        out[column + rank] = kinds[rows[seen.length - 1 - rank]] if rank < seen.length else np.nan
    column += plan.last_types
    out[column] = kinds[rows[0]] if seen.length > 0 else np.nan
    out[column + 1] = types[0]
    return column + 2


@block
def _write_numeric(plan: Plan, events: Events, seen: Seen, i: int, room: Room, out: np.ndarray, column: int) -> int:
    """Each finite window is added up anew, since a float cannot be taken off a sum without a trace; ``ever`` goes on from before."""
    values, rows, edges, windows = events.numeric, room.row, room.edge, plan.windows
    sums, known, highest, ever = room.sums, room.known, room.highest, len(windows) - 1
    for window in range(len(windows)):
        first = seen.known if window == ever else edges[windows[window]]
        if window != ever:
            sums[i, window], known[i, window], highest[i, window] = 0.0, 0, -np.inf
        for place in range(first, seen.length):
            value = values[rows[place], i]
            if not np.isnan(value):
                sums[i, window] += value
                known[i, window] += 1
                highest[i, window] = max(highest[i, window], value)
                room.last[i] = value
        some = known[i, window] > 0
        out[column + window] = sums[i, window]
        out[column + ever + 1 + window] = sums[i, window] / known[i, window] if some else np.nan
        out[column + 2 * (ever + 1) + window] = highest[i, window] if some else np.nan
    column += 3 * (ever + 1)
    out[column] = room.last[i]
    return column + 1


@block
def _write_categorical(events: Events, seen: Seen, i: int, room: Room, out: np.ndarray, column: int) -> int:
    codes, rows, stamps, levels = events.categorical, room.row, room.level_stamp, room.levels
    for row in rows[seen.known : seen.length]:
        level = codes[row, i]
        if level < 0:
            continue
        levels[i, 0] = level
        levels[i, 1] = level if levels[i, 1] < 0 else levels[i, 1]
        if stamps[i, level] != seen.life:
            stamps[i, level] = seen.life
            levels[i, 2] += 1
    out[column] = levels[i, 0] if levels[i, 0] >= 0 else np.nan
    out[column + 1] = levels[i, 1] if levels[i, 1] >= 0 else np.nan
    out[column + 2] = levels[i, 2]
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
        latest = events.occurred_at[room.row[seen.length - 1]]
        out[column + 3] = (latest // HOUR) % 24
        out[column + 4] = (latest // DAY + _THURSDAY) % 7
    column += 5
    for i in range(events.lead_numeric.shape[1]):
        out[column + i] = events.lead_numeric[seen.lead, i]
    column += events.lead_numeric.shape[1]
    for i in range(events.lead_categorical.shape[1]):
        level = events.lead_categorical[seen.lead, i]
        out[column + i] = level if level >= 0 else np.nan
