"""The simulated world as arrays, ready for the kernels of ``training.simulation.process`` and ``training.simulation.truth``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from training.simulation.world import GROUPS, KINDS, LOSS, OPT_OUT, SILENT_LOSS, SILENT_WIN, SIZE_FACTORS, SIZES, STATES, WIN, Number

Floats = npt.NDArray[np.float64]

FIT_LEVELS = np.arange(-5, 5)
FIT_STEP = 0.28
"""Each fit point multiplies the hazard of winning by exp(0.28); points beyond the levels count as the nearest level."""
INTENT_QUANTILES = (np.arange(5) + 0.5) / 5


class Dynamics(NamedTuple):
    """The world as arrays, for the kernels: S segments and a silent one, R things that can happen, d states.

    The first three things are winning, losing and opting out; then come the kinds of interactions.

    ``fade``: float64[d], per world day. ``base``: float64[S + 1, R]. ``drive``: float64[S + 1, R, d], rates per unit of state. ``push``:
    float64[S + 1, R, d]. ``trend``: float64[S + 1], growth rate of winning per world day. ``fit``: float64[F] and ``intent``: float64[Q],
    multipliers of the hazard of winning.
    """

    fade: Floats
    base: Floats
    drive: Floats
    push: Floats
    trend: Floats
    fit: Floats
    intent: Floats


WON, LOST, OPTED_OUT, HAZARDS = 0, 1, 2, 3
"""Positions of what is no interaction, and their number."""
SILENT = len(GROUPS) * len(SIZES)
"""The segment of leads that have opted out."""


def dynamics(hidden_intent: float, trend: float) -> Dynamics:
    """The arrays of the world with this spread of hidden intent (of the logarithm) and growth rate of winning per world day."""
    fade = np.log(2) / np.array(list(STATES.values()))
    base = np.zeros((SILENT + 1, HAZARDS + len(KINDS)))
    drive, push = np.zeros((2, *base.shape, fade.size))
    for segment in range(SILENT):
        group, size = divmod(segment, len(SIZES))
        for thing, (hazard, which) in enumerate(((WIN, size), (LOSS, group), (OPT_OUT, group))):
            base[segment, thing] = hazard.base[which]
            drive[segment, thing] = state_vector(hazard.drivers, which)
        for thing, kind in enumerate(KINDS, HAZARDS):
            base[segment, thing] = _pick(kind.base, group)
            drive[segment, thing] = state_vector(kind.drivers, group) * fade * SIZE_FACTORS.get(kind.name, (1.0, 1.0, 1.0))[size]
            push[segment, thing] = state_vector(kind.pushes, group)
    base[SILENT, [WON, LOST]] = SILENT_WIN, SILENT_LOSS
    intent = np.exp(hidden_intent * ndtri(INTENT_QUANTILES)) if hidden_intent else np.ones(1)
    trends = np.append(np.full(SILENT, trend), 0.0)
    return Dynamics(fade, base, drive, push, trends, np.exp(FIT_STEP * FIT_LEVELS), intent / intent.mean())


def state_vector(by_state: Mapping[str, Number], group: int) -> Floats:
    """float64[d]: numbers by state, those of one group where they differ by group."""
    return np.array([_pick(by_state.get(state, 0.0), group) for state in STATES])


def _pick(number: Number, which: int) -> float:
    return number[which] if isinstance(number, tuple) else number
