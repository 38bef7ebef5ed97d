"""The columns of one snapshot, written from what its lead's sweep has taken in (``Room``), in the order of ``catalogue.py``.

The part of ``features.kernel`` that writes: each block of the catalogue writes its columns from one on, and returns the next.
"""

from __future__ import annotations

import numpy as np

from features.contract import DAY, HOUR, UNKNOWN_TIME
from features.native.block import at, block
from features.plan import Events, Plan, Room, Seen

_THURSDAY = 3  # the weekday of 1970-01-01, Monday being 0


@block
def finite_windows(plan: Plan) -> int:
    """How many windows end somewhere; ``ever`` is one more."""
    finite: int = len(plan.bounds) // 2
    return finite


@block
def write(plan: Plan, events: Events, seen: Seen, room: Room, out: np.ndarray) -> None:
    """Write all columns of a snapshot into ``out`` float32[F]."""
    column = _write_groups(plan, seen, room, out)
    for stream in range(3):
        column = _write_stream(plan, seen, stream, room, out, column)
    column = _write_shares(plan, seen, room, out, column)
    column = _write_answers(seen, room, out, column)
    column = _write_types(plan, events, seen, room, out, column)
    for i in range(events.numeric.shape[1]):
        column = _write_numeric(plan, events, seen, i, room, out, column)
    for i in range(events.categorical.shape[1]):
        column = _write_categorical(i, room, out, column)
    _write_lead(events, seen, room, out, column)


@block
def _write_groups(plan: Plan, seen: Seen, room: Room, out: np.ndarray) -> int:
    """What has happened in a window has happened before now, and not before the window's edge."""
    groups, finite, half_lives, now = plan.group_count, finite_windows(plan), len(plan.half_lives), room.before[at(seen.length)]
    size = finite + 3 + half_lives
    for window in range(finite):
        earlier = room.before[at(room.edge[window])]
        for group in range(groups):
            out[at(group * size + window)] = now[group] - earlier[group]
    for group in range(groups):
        column = group * size + finite
        out[at(column)] = now[group]
        out[at(column + 1)] = (seen.as_of - room.latest[group]) / DAY
        out[at(column + 2)] = (seen.as_of - room.earliest[group]) / DAY
    for i in range(half_lives):
        weight = np.exp2(-(seen.as_of - room.origin[i]) / plan.half_lives[i]) if seen.length > 0 else 0.0
        for group in range(groups):
            out[at(group * size + finite + 3 + i)] = room.decayed[i, group] * weight
    return groups * size


@block
def _write_stream(plan: Plan, seen: Seen, stream: int, room: Room, out: np.ndarray, column: int) -> int:
    """A window that holds k interactions of the stream holds its last k; days and sessions are counted by their numbers."""
    days, sessions, n, finite = room.day[stream], room.session[stream], room.before[seen.length, stream], finite_windows(plan)
    for window in range(finite + 1):
        first = room.before[at(room.edge[window]), stream]
        some = first < n
        out[at(column + window)] = days[at(n)] - days[at(first + some)] + some
        out[at(column + finite + 1 + window)] = sessions[at(n)] - sessions[at(first + some)] + some
    column += 2 * (finite + 1)
    for window in range(finite):
        first, earlier = room.before[at(room.edge[window]), stream], room.before[at(room.edge[finite + 1 + window]), stream]
        out[at(column + window)] = (n - first - (first - earlier)) / (n - earlier) if n > earlier else np.nan
    column += finite
    out[column : column + 3] = np.nan
    if n > 1:
        span, first_gap = room.latest[stream] - room.earliest[stream], room.first_gap[stream]
        difference = (span - (n - 1) * first_gap) / DAY / (n - 1)
        out[column], out[column + 1] = room.last_gap[stream] / DAY, span / DAY / (n - 1)
        out[column + 2] = np.sqrt(max(0.0, room.squares[stream] / (n - 1) - difference * difference))
    return column + 3


@block
def _write_shares(plan: Plan, seen: Seen, room: Room, out: np.ndarray, column: int) -> int:
    windows, now = finite_windows(plan) + 1, room.before[at(seen.length)]
    for window in range(windows):
        earlier = room.before[at(room.edge[window])]
        inbound = now[1] - earlier[1]
        both = inbound + now[2] - earlier[2]
        out[column + window] = inbound / both if both > 0 else np.nan
    return column + windows


@block
def _write_answers(seen: Seen, room: Room, out: np.ndarray, column: int) -> int:
    """Outbound touches since the latest inbound interaction, and how long the first inbound one waited for an answer."""
    out[column] = room.before[seen.length, 2] - room.touched[1]
    out[column + 1] = room.waited[0] / HOUR
    return column + 2


@block
def _write_types(plan: Plan, events: Events, seen: Seen, room: Room, out: np.ndarray, column: int) -> int:
    for rank in range(plan.last_types):
        out[column + rank] = events.type[room.row[seen.length - 1 - rank]] if rank < seen.length else np.nan
    column += plan.last_types
    out[column] = events.type[room.row[0]] if seen.length > 0 else np.nan
    out[column + 1] = room.types[0]
    return column + 2


@block
def _write_numeric(plan: Plan, events: Events, seen: Seen, i: int, room: Room, out: np.ndarray, column: int) -> int:
    """Each finite window is added up anew, since a float cannot be taken off a sum without a trace; ``ever`` goes on from before."""
    sums, known, highest, windows = room.sums, room.known, room.highest, finite_windows(plan) + 1
    for window in range(windows):
        first = seen.known
        if window < windows - 1:
            first, sums[i, window], known[i, window], highest[i, window] = room.edge[window], 0.0, 0, -np.inf
        for place in range(first, seen.length):
            value = events.numeric[room.row[place], i]
            if not np.isnan(value):
                sums[i, window] += value
                known[i, window] += 1
                highest[i, window] = max(highest[i, window], value)
                room.last[i] = value
        some = known[i, window] > 0
        out[column + window] = sums[i, window]
        out[column + windows + window] = sums[i, window] / known[i, window] if some else np.nan
        out[column + 2 * windows + window] = highest[i, window] if some else np.nan
    out[column + 3 * windows] = room.last[i]
    return column + 3 * windows + 1


@block
def _write_categorical(i: int, room: Room, out: np.ndarray, column: int) -> int:
    for rank in range(2):
        out[column + rank] = room.levels[i, rank] if room.levels[i, rank] >= 0 else np.nan
    out[column + 2] = room.levels[i, 2]
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
    for value in events.lead_numeric[seen.lead]:
        out[column] = value
        column += 1
    for level in events.lead_categorical[seen.lead]:
        out[column] = level if level >= 0 else np.nan
        column += 1
