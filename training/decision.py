"""What a ranking is worth to sales: how many wins they meet who work k leads a day.

Sales look at the open leads at the dates of the snapshots (UTC days), take them as a list, the best first, and work k of them for every
calendar day until the next date: with weekly snapshots and 10 leads a day, the first 70. A lead that was worked is not worked again before
its horizon is over, however high it stands; then it may be. A worked lead counts as a win if it is won within the horizon after
that. Nothing here says that a lead is won *because* it was worked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numba
import numpy as np

from features.contract import DAY
from models.intervals import TWO_SIDED_95, effective_rows, wilson
from training.bootstrap import Difference, Verdict
from training.evaluate import Evaluation

PER_DAY = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
ORDERS = 100
"""Random orders that are tried."""


@dataclass(frozen=True)
class Wins:
    """How many of the leads that an order led to were won, with a 95 % interval; ``worked`` of them were worked.

    For the order of model or rules, the interval is that of the rate of the worked leads (Wilson, effective rows). For random orders,
    ``wins`` is the mean and the interval holds 95 % of them.
    """

    worked: float
    wins: float
    low: float
    high: float


@dataclass(frozen=True)
class Capacity:
    """What k leads a day are worth over the days of the test.

    Attributes:
        per_day: k.
        days: calendar days from the first date to the end of the last one's turn.
        possible: the wins if every lead could be worked.
        expected: the sum of the model's probabilities over the leads that it led to.
        model, rules, random: what each order led to.
        difference: the model's wins minus the rules', with its 95 % interval over leads, the two orders being given.
    """

    per_day: float
    days: int
    possible: int
    expected: float
    model: Wins
    rules: Wins
    random: Wins
    difference: Difference

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def decision_value(evaluation: Evaluation, horizon: int, per_day: Sequence[float] = PER_DAY) -> list[Capacity]:
    """The value of the orders of model and rules, and of a random one, for some capacities.

    Args:
        evaluation: on test snapshots.
        horizon: of their labels, microseconds.
        per_day: leads that sales can work a day. Beyond the first that suffices for all leads there is no row: more changes nothing.
    """
    desk = _Desk(evaluation, horizon)
    capacities = sorted(set(per_day))
    enough = sum(not desk.works_all(k) for k in capacities) + 1
    capacities = capacities[:enough]
    return [desk.capacity(k, random) for k, random in zip(capacities, desk.random(capacities), strict=True)]


class _Desk:
    """The snapshots day by day, and the orders in which they can be worked."""

    def __init__(self, evaluation: Evaluation, horizon: int) -> None:
        self._rows, self._evaluation, self._horizon = evaluation.snapshots, evaluation, horizon
        self._lead = np.unique(self._rows.lead, return_inverse=True)[1].astype(np.int64)
        days, self._day = np.unique(self._rows.as_of // DAY, return_inverse=True)
        turns = np.diff(days)
        self._turns = np.append(turns, int(np.median(turns)) if len(turns) else 1)
        self._starts = np.append(0, np.cumsum(np.bincount(self._day)))
        self._model = self._order(evaluation.probability)
        self._rules = self._order(evaluation.rules_probability)
        self._possible = int(self._won(self._worked(self._model, math.inf)).sum())

    def works_all(self, per_day: float) -> bool:
        """Whether so many a day leave no lead out."""
        return bool((self._worked(self._model, per_day) == self._worked(self._model, math.inf)).all())

    def capacity(self, per_day: float, random: Wins) -> Capacity:
        """The value of so many leads a day."""
        model, rules = self._worked(self._model, per_day), self._worked(self._rules, per_day)
        expected = float(self._evaluation.probability[model].sum())
        days, orders = int(self._turns.sum()), (self._wins(model), self._wins(rules), random)
        return Capacity(per_day, days, self._possible, expected, *orders, self._difference(model, rules))

    def random(self, capacities: Sequence[float]) -> list[Wins]:
        """What random orders lead to, for each capacity."""
        rng = np.random.default_rng(self._evaluation.seed)
        by_lead, chance = np.lexsort((self._rows.as_of, self._lead)), np.empty(len(self._lead))
        found = np.empty((len(capacities), 2, ORDERS))
        for number in range(ORDERS):
            chance[by_lead] = rng.random(len(chance))
            order = np.argsort(self._day + chance)
            for i, per_day in enumerate(capacities):
                rows = self._worked(order, per_day)
                found[i, :, number] = rows.sum(), self._won(rows).sum()
        return [Wins(float(worked.mean()), float(wins.mean()), *np.percentile(wins, (2.5, 97.5)).tolist()) for worked, wins in found]

    def _order(self, probability: np.ndarray) -> np.ndarray:
        """Row numbers day by day, the highest probability first, equals by lead and moment."""
        return np.lexsort((self._rows.as_of, self._lead, -probability, self._day))

    def _worked(self, order: np.ndarray, per_day: float) -> np.ndarray:
        """bool[m]: which snapshots lead to work."""
        places = np.minimum(self._turns * per_day, len(order)).astype(np.int64)
        return _work(order, self._starts, places, self._lead, self._rows.as_of, self._horizon)

    def _won(self, worked: np.ndarray) -> np.ndarray:
        won: np.ndarray = worked & (self._rows.label == 1)
        return won

    def _wins(self, worked: np.ndarray) -> Wins:
        y, count = self._rows.label[worked], float(worked.sum())
        if not count:
            return Wins(0.0, 0.0, 0.0, 0.0)
        low, high = wilson(y.mean(), effective_rows(y, self._lead[worked])[-1])
        return Wins(count, float(y.sum()), float(low) * count, float(high) * count)

    def _difference(self, model: np.ndarray, rules: np.ndarray) -> Difference:
        a, b = (np.bincount(self._lead, self._won(worked)) for worked in (model, rules))
        each, leads = a - b, len(a)
        total = float(each.sum())
        error = TWO_SIDED_95 * math.sqrt(leads / max(leads - 1, 1) * float(((each - total / leads) ** 2).sum()))
        verdict: Verdict = "better" if total > error else "worse" if total < -error else "tie"
        return Difference(float(a.sum()), float(b.sum()), total, total - error, total + error, verdict)


@numba.njit(cache=True, nogil=True)
def _work(order: np.ndarray, starts: np.ndarray, places: np.ndarray, lead: np.ndarray, as_of: np.ndarray, horizon: int) -> np.ndarray:
    """bool[m]: day by day (the rows ``order[starts[d]:starts[d + 1]]``), the first ``places[d]`` whose lead is free to be worked."""
    worked = np.zeros(len(order), np.bool_)
    free_from = np.full(lead.max() + 1, np.iinfo(np.int64).min)
    for day in range(len(places)):
        left = places[day]
        for i in range(starts[day], starts[day + 1]):
            if left == 0:
                break
            row = order[i]
            if as_of[row] >= free_from[lead[row]]:
                worked[row] = True
                free_from[lead[row]] = as_of[row] + horizon
                left -= 1
    return worked
