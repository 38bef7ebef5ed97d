"""Choosing the thresholds of warm and hot from rows that the model was not trained on.

A policy is a promise about the bands. Where the rows do not bear it out, the bands say so in their notes: a temperature that
cannot be had does not occur (its threshold is 1), and only the policy "lift" takes the top of what there is instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.contract import DAY, ModelError
from models.intervals import ONE_SIDED_95, effective_rows, wilson
from models.temperature import Bands, Floats, Policy, TemperatureSettings, measure

LEAST_LEADS = 30
"""A threshold that rests on what was seen above it needs this many leads there."""
TOP_WARM = 0.2
"""The share of rows that are warm or hot where the policy "lift" cannot be met."""
TOP_HOT = 0.25
"""The share of these that are hot where the policy "lift" cannot be met."""
WARM_PER_HOT = 3
"""How many leads are warm for one that is hot where the policy "capacity" is not told."""
NEVER_REACHED = 1.0

Chosen = tuple[float, float, list[str]]


@dataclass(frozen=True, eq=False)
class Rows:
    """What thresholds are chosen on: matured snapshots, the highest probability first."""

    probability: Floats
    y: npt.NDArray[np.int64]
    as_of: npt.NDArray[np.int64]
    lead: npt.NDArray[np.generic]

    @classmethod
    def ranked(cls, probability: npt.ArrayLike, y: npt.ArrayLike, as_of: npt.ArrayLike, lead: npt.ArrayLike) -> Rows:
        """The rows in order of probability.

        Raises:
            ModelError: there are none, lengths differ, or probabilities or labels are not what they must be.
        """
        p, label = np.asarray(probability, dtype=np.float64), np.asarray(y, dtype=np.int64)
        moment, leads = np.asarray(as_of, dtype=np.int64), np.asarray(lead)
        if not len(p) or not p.shape == label.shape == moment.shape == leads.shape:
            raise ModelError(
                "Bands need at least one row, with its probability, label, moment and lead.",
                "Widen the calibration part of the split if it holds no matured snapshot.",
            )
        if not ((p > 0) & (p < 1)).all() or not np.isin(label, (0, 1)).all():
            raise ModelError("Bands need probabilities between 0 and 1 and labels of 0 or 1.", "Leave out snapshots that have not matured.")
        order = np.argsort(-p, kind="stable")
        return cls(p[order], label[order], moment[order], leads[order])

    def below(self, threshold: float) -> Rows:
        """The rows with a probability under the threshold."""
        keep = self.probability < threshold
        return Rows(self.probability[keep], self.y[keep], self.as_of[keep], self.lead[keep])

    @cached_property
    def leads_so_far(self) -> npt.NDArray[np.int64]:
        """How many leads the first 1, 2, ... rows belong to."""
        first = np.zeros(len(self.lead), dtype=np.int64)
        first[np.unique(self.lead, return_index=True)[1]] = 1
        return np.cumsum(first)

    def leads_from(self, threshold: float) -> int:
        """How many leads reach the threshold at least once."""
        reached = int((self.probability >= threshold).sum())
        return int(self.leads_so_far[reached - 1]) if reached else 0


def choose_bands(
    settings: TemperatureSettings, probability: npt.ArrayLike, y: npt.ArrayLike, as_of: npt.ArrayLike, lead: npt.ArrayLike
) -> Bands:
    """The bands that follow the policy on the given rows.

    Args:
        settings: the ``[temperature]`` table.
        probability: calibrated, in (0, 1), float64[m].
        y: 1 won within the horizon, 0 not, [m].
        as_of: when each lead was looked at, microseconds UTC, int64[m]; for ``hot_per_day``, a day is a UTC day.
        lead: the lead of each row, [m].

    Raises:
        ModelError: no rows, unequal lengths, or probabilities or labels out of range.
    """
    rows = Rows.ranked(probability, y, as_of, lead)
    warm, hot, notes = _POLICIES[settings.policy](settings, rows)
    bands = measure((warm, hot), rows.probability, rows.y, rows.lead)
    notes += [f"No lead was {band.name} in the rows the bands were chosen on." for band in bands if not band.rows]
    return Bands(settings.policy, settings.hysteresis, float(rows.y.mean()), bands, tuple(notes))


def _lift(settings: TemperatureSettings, rows: Rows) -> Chosen:
    """Threshold = factor * base rate; beyond the data's reach, the top fifth is warm and the top quarter of the warm is hot."""
    warm_factor, hot_factor = settings.warm_and_hot
    base = float(rows.y.mean())
    if base == 0:
        return NEVER_REACHED, NEVER_REACHED, ["None of these leads was won, so there is no base rate to measure a lift by."]
    notes: list[str] = []
    warm, hot = warm_factor * base, hot_factor * base
    if rows.leads_from(warm) < LEAST_LEADS:
        warm, note = _highest(rows.probability, int(TOP_WARM * len(rows.y)), "warm")
        notes += [_short_of("warm", warm_factor, base), note or f"Warm is the top {TOP_WARM:.0%} instead, from {_times(warm, base)}."]
    if rows.leads_from(hot) < LEAST_LEADS:
        reaching = rows.probability[rows.probability >= warm]
        hot, note = _highest(reaching, int(TOP_HOT * len(reaching)), "hot")
        notes += [
            _short_of("hot", hot_factor, base),
            note or f"Hot is the top {TOP_HOT:.0%} of the warm instead, from {_times(hot, base)}.",
        ]
    return warm, hot, notes


def _short_of(name: str, factor: float, base: float) -> str:
    return f"Fewer than {LEAST_LEADS} leads reach {factor:g} times the base rate of {base:.1%}, which would be {name}."


def _times(threshold: float, base: float) -> str:
    return f"{threshold:.1%} ({threshold / base:.1f} times the base rate)"


def _capacity(settings: TemperatureSettings, rows: Rows) -> Chosen:
    """The lowest threshold that at most so many leads reach, counting each lead once a day at its highest probability."""
    highest, days = _daily_highest(rows)
    hot_places = _places(settings.hot_per_day, settings.hot_share, len(highest), days)
    stated = settings.warm_per_day or settings.warm_share
    warm_places = _places(settings.warm_per_day, settings.warm_share, len(highest), days) if stated else WARM_PER_HOT * hot_places
    hot, note = _highest(highest, hot_places, "hot")
    warm, more = _highest(highest, hot_places + warm_places, "warm or hot")
    return warm, hot, [text for text in (note, more) if text]


def _places(per_day: float | None, share: float | None, looks: int, days: int) -> int:
    return int((per_day or 0) * days + (share or 0) * looks)


def _daily_highest(rows: Rows) -> tuple[Floats, int]:
    """Each lead's highest probability of each day, descending, and the number of days on which leads were looked at."""
    days, day = np.unique(rows.as_of // DAY, return_inverse=True)
    leads, lead = np.unique(rows.lead, return_inverse=True)
    first = np.unique(day * len(leads) + lead, return_index=True)[1]
    return rows.probability[np.sort(first)], len(days)


def _precision(settings: TemperatureSettings, rows: Rows) -> Chosen:
    """The lowest thresholds that keep the bands' promises; warm is judged by the leads below hot alone."""
    warm_rate, hot_rate = settings.warm_and_hot
    hot, notes = _lowest_that_holds(rows, hot_rate, "hot")
    warm, more = _lowest_that_holds(rows.below(hot), warm_rate, "warm")
    return min(warm, hot), hot, notes + more


def _lowest_that_holds(rows: Rows, target: float, name: str) -> tuple[float, list[str]]:
    """The lowest threshold where the 95 % lower bound (one-sided, Wilson, by lead) of the rate from it upwards is the target or more."""
    last_of_equals = np.append(rows.probability[1:] < rows.probability[:-1], np.ones(min(1, len(rows.y)), dtype=bool))
    candidate = np.flatnonzero(last_of_equals & (rows.leads_so_far >= LEAST_LEADS))
    if not len(candidate):
        return NEVER_REACHED, [f"There are fewer than {LEAST_LEADS} leads to show that {target:.0%} of the {name} ones convert."]
    rate = np.cumsum(rows.y) / np.arange(1, len(rows.y) + 1)
    bound = wilson(rate, effective_rows(rows.y, rows.lead), ONE_SIDED_95)[0][candidate]
    holds = np.flatnonzero(bound >= target)
    if len(holds):
        return float(rows.probability[candidate[holds[-1]]]), []
    best = int(np.argmax(bound))
    most = f"the most is {bound[best]:.1%}, from a probability of {rows.probability[candidate[best]]:.1%}"
    return NEVER_REACHED, [f"No threshold makes sure that {target:.0%} of the {name} leads convert (95 % lower bound): {most}."]


def _value(settings: TemperatureSettings, _: Rows) -> Chosen:
    """Threshold = cost / value: from there on, probability * win_value covers the cost."""
    contact, win = settings.contact_cost or 0.0, settings.win_value or 1.0
    nurture = settings.nurture_cost or contact / 2
    return nurture / win, contact / win, []


def _highest(descending: Floats, places: int, name: str) -> tuple[float, str]:
    """The lowest threshold that at most ``places`` of the probabilities reach, and a note if it does not fill them as it should."""
    if places < len(descending):
        above = descending[descending > descending[places]]  # equal ones stay together
        if len(above):
            return float(above[-1]), ""
    elif len(descending):
        return float(descending[-1]), f"There is room for more {name} leads than there are: all of them reach the threshold."
    return NEVER_REACHED, f"No threshold lets only {places} leads be {name}: more of them share the highest probability."


_POLICIES: dict[Policy, Callable[[TemperatureSettings, Rows], Chosen]] = {
    "lift": _lift,
    "capacity": _capacity,
    "precision": _precision,
    "value": _value,
}
