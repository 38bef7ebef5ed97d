"""Five leads whose chance is shown over time: drawn by the seed among those of their kind, and never named.

A lead's id, attributes and dates stay out of the report, for it is passed on, and what is forgotten must be forgotten everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.contract import DAY
from features.history import OUTBOUND
from models.scorer import Scored
from training.plots.paths import Path
from training.report.evidence import Evidence

Integers = np.ndarray
HOT = 2
LONGEST = 120
"""Days that are shown at most, the latest ones."""

KINDS = {
    "won, and hot before": "was hot when last looked at before it was won",
    "won, though not hot": "was cold or warm when last looked at before it was won",
    "hot, and not won": "was hot at a look after which it was not won within the horizon, nor at a later one",
    "heating up": "was in a warmer band at its last look than at its first",
    "cooling down": "was in a colder band at its last look than at its first",
}


@dataclass(frozen=True, eq=False)
class Example:
    """One lead: which kind it stands for, out of how many such leads, its path, and what moved it when its chance was highest."""

    name: str
    kind: str
    means: str
    among: int
    path: Path
    why: tuple[str, ...]

    @property
    def key(self) -> str:
        """Its anchor."""
        return self.name.lower().replace(" ", "-")


def examples(evidence: Evidence) -> list[Example]:
    """One lead of each kind, as far as there are any; no lead twice."""
    lead, first, last = _leads(evidence)
    rng = np.random.default_rng(evidence.seed)
    taken: list[int] = []
    found: list[Example] = []
    for kind, fits in zip(KINDS, _fitting(evidence, lead, first, last), strict=True):
        candidates = np.flatnonzero(fits & ~np.isin(lead, taken))
        if len(candidates):
            at = int(rng.choice(candidates))
            taken.append(int(lead[at]))
            found.append(_example(evidence, f"Lead {'ABCDE'[len(found)]}", kind, int(fits.sum()), int(lead[at])))
    return found


def _leads(evidence: Evidence) -> tuple[Integers, Integers, Integers]:
    """The test leads in the order of their ids, and the places of each one's first and last look in ``evidence.order``."""
    lead = evidence.evaluation.snapshots.lead[evidence.order]
    first = np.flatnonzero(np.append(np.True_, lead[1:] != lead[:-1]))
    last = np.append(first[1:], len(lead)) - 1
    return lead[first], first, last


def _fitting(evidence: Evidence, lead: Integers, first: Integers, last: Integers) -> list[np.ndarray]:
    """For each kind, bool[leads]: who is of it. Leads of a single look show no path and are left out."""
    temperature = evidence.evaluation.scored.temperature[evidence.order]
    label = evidence.evaluation.snapshots.label[evidence.order]
    won, several = label[last] == 1, last > first
    hot_before = temperature[last] == HOT
    in_vain = np.add.reduceat((temperature == HOT) & (label == 0), first) > 0
    never = np.add.reduceat(label, first) == 0
    still_open = evidence.dataset.outcomes.closed_at[lead] > evidence.evaluation.snapshots.as_of[evidence.order][last]
    moved = temperature[last] - temperature[first]
    return [
        several & won & hot_before,
        several & won & ~hot_before,
        several & never & in_vain,
        several & never & still_open & (moved > 0),
        several & never & still_open & (moved < 0),
    ]


def _example(evidence: Evidence, name: str, kind: str, among: int, lead: int) -> Example:
    history = evidence.dataset.history.with_schema(evidence.scorer.schema).slice(lead, lead + 1)
    moments, end = _moments(evidence, lead, history.known_at)
    numbers = evidence.scorer.numbers(history, np.zeros(len(moments), np.int64), moments)
    begin, until = int(moments[0]), int(moments[-1])
    shown = (history.known_at >= begin) & (history.known_at <= until)
    by_us = history.direction == OUTBOUND
    outcomes = evidence.dataset.outcomes
    won_at = outcomes.won_at[outcomes.won_start[lead] : outcomes.won_start[lead + 1]]
    path = Path(
        days=(moments - begin) / DAY,
        probability=numbers.probability,
        temperature=evidence.bands.along(numbers.probability, np.zeros(len(moments), np.int64)),
        acted=(history.known_at[shown & ~by_us] - begin) / DAY,
        contacted=(history.known_at[shown & by_us] - begin) / DAY,
        end=None if end is None else (end - begin) / DAY,
        won=end is not None and bool(np.isin(end, won_at)),
    )
    best = int(np.argmax(numbers.probability))
    return Example(name, kind, KINDS[kind], among, path, _why(evidence, numbers, best))


def _moments(evidence: Evidence, lead: int, known_at: Integers) -> tuple[Integers, int | None]:
    """Every day from the lead's first test look on, and just after each interaction, until it is closed or the last horizon ends.

    Returns:
        int64[k], ascending, and when the lead was closed, if that is shown.
    """
    as_of = evidence.evaluation.snapshots.as_of[evidence.evaluation.snapshots.lead == lead]
    closed = int(evidence.dataset.outcomes.closed_at[lead])
    until = min(closed, int(as_of.max()) + evidence.scorer.horizon, evidence.dataset.observed_until)
    begin = max(int(as_of.min()), until - LONGEST * DAY)
    moments = np.concatenate((np.arange(begin, until, DAY), known_at[(known_at >= begin) & (known_at < until)] + 1, [until]))
    return np.unique(moments), closed if closed == until else None


def _why(evidence: Evidence, numbers: Scored, row: int) -> tuple[str, ...]:
    """The weightiest reasons for the lead at one moment, of those that tell what happened and not who it is."""
    told = {signal.name for signal in evidence.scorer.features.signals} | {"activity", "inbound"}
    sums, _ = evidence.scorer.contributions(numbers, np.array([row]))
    reasons = evidence.scorer.explainer.reasons(numbers.X[row], sums[0])
    return tuple(reason.words for reason in reasons if reason.contribution > 0 and reason.signal in told)[:3]
