"""The simulated world runs forward: every lead is thinned out of a Poisson process, alone, from its own seed (Ogata 1981).

Between interactions all states fade, so that the total rate now bounds the rate until the next one: candidates come at that rate, and
each is kept with the probability (rate then) / (bound). Times are world days since the start of the world.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from training.simulation.dynamics import HAZARDS, LOST, OPTED_OUT, SILENT, WON, Dynamics
from training.simulation.world import KIND

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OPEN = -1
NOISE = 3
UNSUBSCRIBE = KIND["unsubscribe"]
_THINNED = -1


class Starts(NamedTuple):
    """n leads as they begin.

    ``seed``: int64[n]. ``created``: float64[n], world days. ``segment``, ``fit``, ``intent``: int64[n], positions in the dynamics.
    ``first``: int64[n], the kind of the first interaction. ``states``: float64[n, d].
    """

    seed: Ints
    created: Floats
    segment: Ints
    fit: Ints
    intent: Ints
    first: Ints
    states: Floats


class Lives(NamedTuple):
    """What became of n leads: e interactions by lead and time, and s sights, of every open lead at every reference time.

    ``lead``, ``kind``: int64[e]. ``at``: float64[e]. ``noise``: float64[e, NOISE], uniform, for what is drawn of each later. ``sights``:
    int64[s, 3], lead, reference time and segment. ``states``: float64[s, d] then. ``exposure``: float64[s], the hazard of winning, for
    average intent, that the lead has lived through. ``outcome``: int64[n], WON, LOST or OPEN. ``closed``: float64[n].
    """

    lead: Ints
    kind: Ints
    at: Floats
    noise: Floats
    sights: Ints
    states: Floats
    exposure: Floats
    outcome: Ints
    closed: Floats


@numba.njit(cache=True, nogil=True)
def live(world: Dynamics, starts: Starts, times: Floats) -> Lives:
    """The lives of the leads until the last of the reference times, float64[t], ascending."""
    who, what, when = [0 for _ in range(0)], [0 for _ in range(0)], [0.0 for _ in range(0)]
    sights, numbers = [0 for _ in range(0)], [0.0 for _ in range(0)]
    leads, kept = starts.created.size, world.fade.size + 1
    outcome, closed = np.empty(leads, np.int64), np.empty(leads)
    noise = [0.0 for _ in range(0)]
    for lead in range(leads):
        np.random.seed(starts.seed[lead])  # noqa: NPY002  Numba's own generator of this thread
        outcome[lead], closed[lead] = _live_one(world, starts, lead, times, what, when, sights, numbers)
        for _ in range(len(who), len(what)):
            who.append(lead)
            for _ in range(NOISE):
                noise.append(np.random.random())  # noqa: NPY002, PERF401
    table = np.array(numbers).reshape(-1, kept)
    return Lives(
        np.array(who),
        np.array(what),
        np.array(when),
        np.array(noise).reshape(-1, NOISE),
        np.array(sights).reshape(-1, 3),
        table[:, 1:].copy(),
        table[:, 0].copy(),
        outcome,
        closed,
    )


@numba.njit(cache=True, nogil=True)
def _live_one(world, starts, lead, times, what, when, sights, numbers):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  Numba types the lists
    """Append one lead's interactions and sights to the lists; return its outcome and when that was."""
    segment, at, states = starts.segment[lead], starts.created[lead], starts.states[lead].copy()
    winning, rates, exposure = world.fit[starts.fit[lead]], np.empty(world.base.shape[1]), 0.0
    intent, due = world.intent[starts.intent[lead]], np.searchsorted(times, at)
    what.append(starts.first[lead])
    when.append(at)
    while due < times.size:
        highest = intent * winning * np.exp(max(world.trend[segment] * at, world.trend[segment] * times[due]))
        bound = _fill_rates(world, segment, highest, states, rates)
        wait = np.random.exponential(1.0 / bound)  # noqa: NPY002
        step = min(wait, times[due] - at)
        exposure += winning * np.exp(world.trend[segment] * (at + step / 2)) * _pass(world, segment, states, step)
        at += step
        if step < wait:
            sights.extend((lead, due, segment))
            numbers.append(exposure)
            numbers.extend(states)
            due += 1
            continue
        _fill_rates(world, segment, intent * winning * np.exp(world.trend[segment] * at), states, rates)
        thing = _choose(rates, np.random.random() * bound)  # noqa: NPY002
        if thing in (WON, LOST):
            return thing, at
        if thing != _THINNED:
            what.append(UNSUBSCRIBE if thing == OPTED_OUT else thing - HAZARDS)
            when.append(at)
            states += world.push[segment, thing]
            if thing == OPTED_OUT:
                segment, states[:] = SILENT, 0.0
    return OPEN, times[-1]


@numba.njit(cache=True, nogil=True)
def _fill_rates(world: Dynamics, segment: int, winning: float, states: Floats, rates: Floats) -> float:
    """Fill in the rate of each thing that can happen; return their sum."""
    total = 0.0
    for thing in range(rates.size):
        rate = world.base[segment, thing]
        for state in range(states.size):
            rate += world.drive[segment, thing, state] * states[state]
        rates[thing] = rate * winning if thing == WON else rate
        total += rates[thing]
    return total


@numba.njit(cache=True, nogil=True)
def _pass(world: Dynamics, segment: int, states: Floats, step: float) -> float:
    """Fade the states; return the hazard of winning over the step for fit 1."""
    hazard: float = world.base[segment, WON] * step
    for state in range(states.size):
        left = np.exp(-world.fade[state] * step)
        hazard += world.drive[segment, WON, state] * states[state] * (1.0 - left) / world.fade[state]
        states[state] *= left
    return hazard


@numba.njit(cache=True, nogil=True)
def _choose(rates: Floats, point: float) -> int:
    """The thing in whose share of the bound the point lies, or ``_THINNED`` beyond them all."""
    for thing in range(rates.size):
        point -= rates[thing]
        if point < 0.0:
            return thing
    return _THINNED
