"""What the kernel is given, and its working memory: arrays and numbers, no names."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np


class Plan(NamedTuple):
    """The catalogue as arrays: W windows with ``ever`` last, B bounds of ages, T types, G groups, H half-lives.

    Attributes:
        bounds: int64[B], every window and its double, ascending, microseconds.
        window_of: int64[B], the smallest window that holds an age up to the bound.
        before: int64[W - 1, 2], how many bounds lie within a window and within its double.
        half_lives: float64[H], microseconds.
        group_start: int64[(T + 1) * 3 + 1], boundaries in ``groups`` by type and direction.
        groups: uintp[...], the groups that an interaction of a type and direction belongs to.
        group_count: G.
        type_count: T; the code T is ``other``.
        session_gap: microseconds.
        last_types: how many latest types are written.
        level_counts: int64[C], number of codes of each categorical attribute.
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
    """Histories in the plan's codes: n interactions with A numeric and C categorical attributes, L leads with theirs.

    Attributes:
        start: int64[L + 1].
        occurred_at: int64[n].
        known_at: int64[n].
        type: int32[n].
        direction: int8[n].
        numeric: float64[n, A], NaN for missing.
        categorical: int32[n, C], -1 for missing.
        created_at: int64[L].
        lead_numeric: float64[L, ...].
        lead_categorical: int32[L, ...].
    """

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
    """One snapshot: the position of its lead, its moment in microseconds, its number from 1 on, and how many interactions could be seen."""

    lead: int
    as_of: int
    number: int
    length: int


class Room(NamedTuple):
    """Scratch arrays, made once for a call; K is the length of the longest history.

    The first ``Seen.length`` places of ``row`` (int64[K], into the events), ``bin`` (int64[K], the first of ``Plan.bounds`` that holds it)
    and ``window`` (int64[K], the smallest window that holds it) are what could be seen, newest first. ``steps`` float64[K, H], powers of
    decay from one interaction to the next, last for a lead; the stamps are numbers of snapshots and never cleared.
    """

    row: np.ndarray
    bin: np.ndarray
    window: np.ndarray
    steps: np.ndarray
    weights: np.ndarray
    counts: np.ndarray
    latest: np.ndarray
    earliest: np.ndarray
    decayed: np.ndarray
    fine: np.ndarray
    days: np.ndarray
    sessions: np.ndarray
    sums: np.ndarray
    known: np.ndarray
    highest: np.ndarray
    type_stamp: np.ndarray
    level_stamp: np.ndarray


@numba.njit(nogil=True)
def new_room(plan: Plan, longest: int) -> Room:
    """Room for histories of up to ``longest`` interactions."""
    windows, groups, half_lives = len(plan.before) + 1, plan.group_count, len(plan.half_lives)
    widest = 1
    for count in plan.level_counts:
        widest = max(widest, count)
    return Room(
        row=np.empty(longest, np.int64),
        bin=np.empty(longest, np.int64),
        window=np.empty(longest, np.int64),
        steps=np.empty((longest, half_lives)),
        weights=np.empty(half_lives),
        counts=np.empty((groups, windows), np.int64),
        latest=np.empty(groups, np.int64),
        earliest=np.empty(groups, np.int64),
        decayed=np.empty((groups, half_lives)),
        fine=np.empty(len(plan.bounds), np.int64),
        days=np.empty(windows, np.int64),
        sessions=np.empty(windows, np.int64),
        sums=np.empty(windows),
        known=np.empty(windows, np.int64),
        highest=np.empty(windows),
        type_stamp=np.zeros(plan.type_count + 1, np.int64),
        level_stamp=np.zeros((len(plan.level_counts), widest), np.int64),
    )
