"""What the kernel is given, and its working memory: arrays and numbers, no names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

DIRECTION_CODES = 3


class Plan(NamedTuple):
    """The catalogue as arrays: W windows with ``ever`` last, T types, G groups, H half-lives.

    Attributes:
        bounds: int64[2W - 1], microseconds: the windows, and the doubles of those that are finite.
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
        type: int32[n]; one that is missing, -1, counts as ``other``.
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
    known: int
    length: int


class Room(NamedTuple):
    """Scratch arrays, made once for a call; K is the length of the longest history.

    By place, oldest first, of what is seen: ``row`` int64[K] (into the events), ``moment`` int64[K], and ``before`` int32[K + 1, G], how
    many interactions of each group come before. The first three groups are the streams (all, inbound, outbound).

    By stream: ``day`` and ``session`` int32[3, K + 1], how many of them its first k interactions make; ``today`` int64[3], its latest day;
    ``first_gap``, ``last_gap`` and ``squares`` float64[3], of its gaps.

    By group: ``earliest`` and ``latest`` float64[G], NaN for none, and ``decayed`` float64[H, G], in units of a weight at ``origin``
    int64[H].

    ``edge`` int64[2W - 1] is the first place within each bound. ``touched`` int64[3] is how many outbound interactions there were at the
    latest of each direction, ``waited`` float64[1] how long the first inbound one waited for an answer. The stamps are lives and never
    cleared.
    """

    row: np.ndarray
    moment: np.ndarray
    before: np.ndarray
    day: np.ndarray
    session: np.ndarray
    today: np.ndarray
    first_gap: np.ndarray
    last_gap: np.ndarray
    squares: np.ndarray
    edge: np.ndarray
    earliest: np.ndarray
    latest: np.ndarray
    decayed: np.ndarray
    origin: np.ndarray
    touched: np.ndarray
    waited: np.ndarray
    sums: np.ndarray
    known: np.ndarray
    highest: np.ndarray
    last: np.ndarray
    types: np.ndarray
    type_stamp: np.ndarray
    levels: np.ndarray
    level_stamp: np.ndarray
