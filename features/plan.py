"""What the kernel is given, and its working memory: arrays and numbers, no names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

DIRECTION_CODES = 3


class Plan(NamedTuple):
    """The catalogue as arrays: W windows with ``ever`` last, B bounds of ages, T types, G groups, H half-lives.

    Attributes:
        bounds: int64[B], every window and its double, ascending, microseconds.
        windows: int64[W], the place of each window in ``bounds``.
        doubles: int64[W - 1], the place of each finite window's double.
        half_lives: float64[H], microseconds.
        group_start: int64[(T + 1) * 3 + 1], boundaries in ``groups`` by type and direction.
        groups: uintp[...], the groups that an interaction of a type and direction belongs to.
        level_counts: int64[C], number of codes of each categorical attribute.
        group_count: G.
        type_count: T; the code T is ``other``.
        session_gap: microseconds.
        last_types: how many latest types are written.
    """

    bounds: np.ndarray
    windows: np.ndarray
    doubles: np.ndarray
    half_lives: np.ndarray
    group_start: np.ndarray
    groups: np.ndarray
    level_counts: np.ndarray
    group_count: int
    type_count: int
    session_gap: int
    last_types: int


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
    """What one snapshot sees of its lead: ``length`` interactions, of which those from ``known`` on are new since the snapshot before.

    ``life`` numbers the beginnings from nothing, from 1 on.
    """

    lead: int
    as_of: int
    life: int
    known: int
    length: int


class Room(NamedTuple):
    """Scratch arrays, made once for a call; K is the length of the longest history.

    By place, oldest first, of what is seen: ``row`` int64[K] (into the events), ``code`` int64[K] (its type and direction), and ``before``
    int64[K + 1, 3], how many interactions of each stream come before. By stream (all, inbound, outbound) and place in it: ``moment``
    int64[3, K], ``day`` and ``session`` int64[3, K], numbered from 0 on.

    ``edge`` int64[B] is the first place within each bound. ``left`` int64[G, W - 1] are those of ``total`` int64[G] that a window has lost.
    ``decayed`` float64[G, H] is in units of a weight at ``origin`` int64[H]. The stamps are lives and never cleared.
    """

    row: np.ndarray
    code: np.ndarray
    before: np.ndarray
    moment: np.ndarray
    day: np.ndarray
    session: np.ndarray
    squares: np.ndarray
    edge: np.ndarray
    lost: np.ndarray
    total: np.ndarray
    left: np.ndarray
    latest: np.ndarray
    earliest: np.ndarray
    decayed: np.ndarray
    origin: np.ndarray
    weights: np.ndarray
    answers: np.ndarray
    sums: np.ndarray
    known: np.ndarray
    highest: np.ndarray
    last: np.ndarray
    types: np.ndarray
    type_stamp: np.ndarray
    levels: np.ndarray
    level_stamp: np.ndarray
