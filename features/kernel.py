"""The arithmetic: arrays in, arrays out. It knows no names; ``catalogue.py`` says what each column means.

The kernel sweeps: over a lead's interactions once, oldest first, and over its snapshots in the order of their moments. At each snapshot
it takes in what is new since the last, into ``Room``, and writes the columns (``kernel_columns.py``).
A snapshot alone is a sweep of one: every sum has one order, oldest first, so the result depends on nothing but the lead and the moment,
not on which other leads, moments, shards or threads are computed with it. Where something older becomes known later, between two
snapshots, the sweep starts over.

What is swept is only lent to the sweep, which cannot make arrays. ``features.native`` compiles it and calls it.
"""

from __future__ import annotations

import numpy as np

from features.contract import DAY, NEVER
from features.kernel_columns import write
from features.native.block import at, block
from features.native.nearing import bring_near
from features.plan import DIRECTION_CODES, Events, Plan, Room, Seen

RENEWED = 512
"""After so many half-lives decayed sums get a new unit, far from where float64 ends."""
_SOON, _FAR = 2, 16
"""So many snapshots ahead memory is asked for: near enough to be kept, far enough to have come."""
_LINE = 16
"""Numbers, float32, that come from memory at once."""
STRIDE, _STEPS = 16, (8, 4, 2, 1)
"""How edges are moved: by strides, and then by these steps."""


@block
def sweep(plan: Plan, events: Events, lead: np.ndarray, as_of: np.ndarray, order: np.ndarray, room: Room, out: np.ndarray) -> None:
    """Write the features of snapshots (lead int64[m], as_of int64[m]) into ``out`` float32[m, F], in the order int64[k]."""
    one, moment, life, cursor, end, length, unknown_until = -1, NEVER, 0, 0, 0, 0, NEVER
    for place in range(len(order)):
        _look_ahead(lead, as_of, order, place, out)
        number = at(order[place])
        if lead[number] != one or as_of[number] < moment or as_of[number] > unknown_until:
            one, life, length, unknown_until = lead[number], life + 1, 0, NEVER
            cursor, end = events.start[one], events.start[one + 1]
            _forget(room)
        moment, known, row = as_of[number], length, out[number]
        while cursor < end and events.occurred_at[at(cursor)] < moment:
            if events.known_at[at(cursor)] < moment:
                _take(plan, events, cursor, length, life, room)
                length += 1
            else:
                unknown_until = min(unknown_until, events.known_at[cursor])
            cursor += 1
        seen = Seen(one, moment, known, length)
        _move_edges(plan, seen, room)
        write(plan, events, seen, room, row)


@block
def _look_ahead(lead: np.ndarray, as_of: np.ndarray, order: np.ndarray, place: int, out: np.ndarray) -> None:
    """Bring near what later snapshots read and write: it lies anywhere, and to wait for it takes a fifth of the time."""
    if place + _FAR < len(order):
        far, soon = order[place + _FAR], out[order[place + _SOON]]
        bring_near(lead, far)
        bring_near(as_of, far)
        for column in range(0, len(soon), _LINE):
            bring_near(soon, column)


@block
def _forget(room: Room) -> None:
    """Nothing is seen yet."""
    room.edge[:], room.earliest[:], room.latest[:], room.decayed[:] = 0, np.nan, np.nan, 0.0
    room.today[:], room.squares[:], room.touched[:], room.waited[:] = NEVER, 0.0, 0, np.nan
    room.types[:], room.levels[:, 0], room.levels[:, 1], room.levels[:, 2] = 0, -1, -1, 0
    room.sums[:], room.known[:], room.highest[:], room.last[:] = 0.0, 0, -np.inf, np.nan


@block
def _take(plan: Plan, events: Events, row: int, place: int, life: int, room: Room) -> None:
    """Take in the next interaction: a row of the events, and its place in what is seen."""
    moment, told, direction = events.occurred_at[at(row)], events.type[at(row)], at(events.direction[at(row)])
    kind = at(told if told >= 0 else plan.type_count)
    before, after = room.before[at(place)], room.before[at(place + 1)]
    room.row[at(place)], room.moment[at(place)] = row, moment
    _take_stream(plan, moment, at(0), before[0], room)
    if direction > 0:
        _take_stream(plan, moment, direction, before[direction], room)
    if place == 0:
        room.origin[:] = moment
    _take_groups(plan, moment, kind * at(DIRECTION_CODES) + direction, before, after, room)
    room.touched[direction] = after[2]
    if np.isnan(room.waited[0]) and direction == 2:
        room.waited[0] = moment - room.earliest[1]
    room.types[0] += room.type_stamp[kind] != life
    room.type_stamp[kind] = life
    for i in range(events.categorical.shape[1]):
        _take_level(events.categorical[row, i], i, life, room)


@block
def _take_stream(plan: Plan, moment: int, stream: int, k: int, room: Room) -> None:
    """The numbers of days and sessions up to the k-th interaction of a stream, from 0 on, and the squares of the gaps."""
    days, sessions, gap, day = room.day[stream], room.session[stream], moment - room.latest[stream], moment // DAY
    days[at(k + 1)] = days[at(k)] + (day != room.today[stream])
    sessions[at(k + 1)] = sessions[at(k)] + (gap > plan.session_gap)
    room.today[stream], room.last_gap[stream] = day, gap
    if k > 0:
        if k == 1:
            room.first_gap[stream] = gap
        difference = (gap - room.first_gap[stream]) / DAY
        room.squares[stream] += difference * difference


@block
def _take_groups(plan: Plan, moment: int, code: int, before: np.ndarray, after: np.ndarray, room: Room) -> None:
    """Counts, earliest, latest and decayed sums of the groups that a type and direction belong to.

    A weight is 2^(t / h), t counted from ``origin``; what the sum is worth at a moment is left to ``_write_groups``.
    """
    for group in range(plan.group_count):
        after[group] = before[group]
    groups = plan.groups[plan.group_start[code] : plan.group_start[code + at(1)]]
    for group in groups:
        if before[group] == 0:
            room.earliest[group] = moment
        room.latest[group] = moment
        after[group] += 1
    for i, half_life in enumerate(plan.half_lives):
        decayed, age = room.decayed[i], moment - room.origin[i]
        if age > RENEWED * half_life:
            decayed *= np.exp2(-age / half_life)
            room.origin[i], age = moment, 0
        weight = np.exp2(age / half_life)
        for group in groups:
            decayed[group] += weight


@block
def _take_level(level: int, i: int, life: int, room: Room) -> None:
    """The latest level of a categorical attribute, the first, and how many there were."""
    levels = room.levels[i]
    if level >= 0:
        levels[0] = level
        levels[1] = level if levels[1] < 0 else levels[1]
        levels[2] += room.level_stamp[i, level] != life
        room.level_stamp[i, level] = life


@block
def _move_edges(plan: Plan, seen: Seen, room: Room) -> None:
    """Move each edge up to the first interaction within its bound, without a branch where that is near: processors guess it wrong."""
    for i in range(len(plan.bounds)):
        edge, limit = room.edge[i], seen.as_of - plan.bounds[i]
        while edge + STRIDE <= seen.length and room.moment[at(edge + STRIDE - 1)] < limit:
            edge += STRIDE
        for step in _STEPS:
            edge += step * ((edge + step <= seen.length) & (room.moment[at(edge + step - 1)] < limit))
        room.edge[i] = edge
