"""Where an evaluation holds and where it does not: the same figures for each part of the leads, the months, the ages.

A slice's rate is held against the mean of its probabilities. With many slices some are off by chance, so the verdict is on the
whole family: p-values are exact binomial tails over the effective rows of the slice (Korn & Graubard 1998), two-sided, and those
stay that Holm (1979) lets stand at 5 % over all slices of the call, whatever hangs together among them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from features.contract import SettingsError
from features.dataset import Dataset
from features.nearest import did_you_mean
from features.progress import progress
from models.intervals import effective_rows, wilson
from training.bootstrap import Difference, resample
from training.evaluate import Evaluation
from training.groups import Grouping, groupings
from training.metrics import ONLY_AUC, Predictions

__all__ = ["Grouping", "Slice", "breakdown", "groupings", "sliced", "stands_out"]

FEWEST_LEADS = 10
"""So many won leads, and so many others, a slice needs for an AUC."""
RESAMPLES = 500
ERROR = 0.05
"""The chance that any slice at all is called off where all probabilities hold."""

SliceVerdict = Literal["as expected", "more won", "fewer won"]


@dataclass(frozen=True)
class Slice:
    """What was seen of one part of the snapshots.

    Attributes:
        by: what the snapshots are parted by; see ``training.groups``.
        value: which part.
        rows: snapshots; of so many ``leads``, with so many ``positives``, won ones.
        expected: the mean of the model's probabilities.
        rate: the share of won snapshots, and its 95 % interval by lead (Wilson, effective rows; ``models.intervals``).
        auc: of the model within the slice, and its 95 % interval over resamples of the slice's leads; None with too few won leads.
        rules_auc: of the rules.
        difference: the model's AUC minus the rules', paired.
        verdict: whether the rate is what was expected, allowing for chance over all slices together.
    """

    by: str
    value: str
    rows: int
    leads: int
    positives: int
    expected: float
    rate: float
    rate_low: float
    rate_high: float
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    rules_auc: float | None = None
    difference: Difference | None = None
    verdict: SliceVerdict = "as expected"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return vars(self) | {"difference": self.difference and self.difference.to_dict()}


def breakdown(evaluation: Evaluation, dataset: Dataset, by: Iterable[str] | None = None) -> list[Slice]:
    """The slices of an evaluation, grouping by grouping.

    Args:
        evaluation: of snapshots of ``dataset``.
        dataset: with the attributes to part by.
        by: names of ``training.groups.groupings``; by default all that part the snapshots at all.

    Raises:
        SettingsError: there is no such grouping.
    """
    known = groupings(dataset, evaluation.snapshots)
    wanted = list(dict.fromkeys(by)) if by is not None else [name for name, one in known.items() if len(one.names) > 1]
    for name in wanted:
        if name not in known:
            hint = f"{did_you_mean(name, known)} Known are: {', '.join(known)}.".strip()
            raise SettingsError(f"There is nothing called {name!r} to break the figures down by.", hint)
    chosen = {name: known[name] for name in wanted}
    places = [rows for grouping in chosen.values() for rows in grouping.rows]
    snapshots = evaluation.snapshots
    slices = sliced(snapshots.label, snapshots.lead, evaluation.probability, chosen)
    with progress("breaking the figures down", len(slices)) as advance:
        for number, rows in enumerate(places):
            slices[number] = _ranked(slices[number], evaluation, rows)
            advance(1)
    return slices


def sliced(label: np.ndarray, lead: np.ndarray, expected: np.ndarray, parted: Mapping[str, Grouping]) -> list[Slice]:
    """The rate of every group beside the mean of what was expected of its rows, with the verdicts over all groups; without AUCs.

    Args:
        label: int8[m], 1 won, 0 not.
        lead: int64[m].
        expected: a probability for each row, float64[m].
        parted: ways to part the m rows, by name.
    """
    found = [
        _slice(by, value, label[rows], lead[rows], expected[rows])
        for by, grouping in parted.items()
        for value, rows in zip(grouping.names, grouping.rows, strict=True)
    ]
    return _judged([one for one, _ in found], np.array([chance for _, chance in found]))


def _slice(by: str, value: str, y: np.ndarray, lead: np.ndarray, expected: np.ndarray) -> tuple[Slice, float]:
    """A slice with its p-value."""
    enough = float(effective_rows(y, lead)[-1])
    rate, mean = float(y.mean()), float(expected.mean())
    low, high = wilson(rate, enough)
    counts = (len(y), len(np.unique(lead)), int(y.sum()))
    return Slice(by, value, *counts, mean, rate, float(low), float(high)), _chance(rate, mean, enough)


def _ranked(one: Slice, evaluation: Evaluation, rows: np.ndarray) -> Slice:
    """The slice with its AUCs where there are leads enough."""
    some = evaluation.snapshots.take(rows)
    y, lead = some.label, some.lead
    if min(len(np.unique(lead[y == 1])), len(np.unique(lead[y == 0]))) < FEWEST_LEADS:
        return one
    both = {"model": evaluation.probability[rows], "rules": evaluation.rules_probability[rows]}
    predictions = {name: Predictions(y, p, lead) for name, p in both.items()}
    resampled = resample(predictions, RESAMPLES, evaluation.seed, ONLY_AUC)
    low, high = resampled.intervals("model")["auc"]
    difference = resampled.differences("model", "rules")["auc"]
    return replace(one, auc=difference.a, auc_low=low, auc_high=high, rules_auc=difference.b, difference=difference)


def _chance(rate: float, expected: float, rows: float) -> float:
    """The chance of a rate at least as far off: twice the smaller binomial tail, through the incomplete beta function."""
    from scipy.special import betainc

    won = rate * rows
    more = float(betainc(won, rows - won + 1, expected)) if won > 0 else 1.0
    fewer = 1 - float(betainc(won + 1, rows - won, expected)) if won < rows else 1.0
    return min(1.0, 2 * min(more, fewer))


def _judged(slices: list[Slice], chance: np.ndarray) -> list[Slice]:
    """The slices with their verdicts by Holm's procedure."""
    judged = list(slices)
    for done, number in enumerate(np.argsort(chance, kind="stable").tolist()):
        if chance[number] * (len(slices) - done) > ERROR:
            break
        one = slices[number]
        judged[number] = replace(one, verdict="more won" if one.rate > one.expected else "fewer won")
    return judged


def stands_out(slices: Iterable[Slice]) -> list[Slice]:
    """Those whose rate is not what was expected, the largest ratio first."""
    return sorted(
        (one for one in slices if one.verdict != "as expected"),
        key=lambda one: -abs(math.log(max(one.rate, 1e-9) / max(one.expected, 1e-9))),
    )
