"""Drift: how far features and scores have moved from the population that the model was calibrated on.

The population stability index of shares p now and q then is Σ (p - q) ln(p / q) over the bins. Where nothing has moved it is about
(1/n + 1/m) times a chi-square variable with as many degrees of freedom as bins less one (Yurdakul & Naranjo 2020, J. Risk Model
Validation 14.4), so what chance allows is known, and small logs do not cry. n and m are leads here, not rows, for the rows of a lead
resemble each other.
"""

from __future__ import annotations

import numpy as np

from models.population import Bins, bins_of, count
from models.scorer import LeadScorer
from training.monitoring.report import Drift


def drift_of(name: str, before: Bins, values: np.ndarray, leads: tuple[int, int], importance: float, alarm: float) -> Drift:
    """How far a column has moved.

    Args:
        name: of the column.
        before: the reference.
        values: floats[m], what is seen now.
        leads: how many leads the reference and the values belong to.
        importance: see ``models.population``.
        alarm: the chance with which ``Drift.chance`` may be exceeded where nothing has moved.
    """
    from scipy.stats import chi2

    then, now = np.array(before.counts), count(values, before.edges)
    used = (then > 0) | (now > 0)
    p, q = ((some[used] + 0.5) / (some.sum() + 0.5 * used.sum()) for some in (now, then))
    psi = float(((p - q) * np.log(p / q)).sum())
    chance = sum(1 / max(one, 1) for one in leads) * float(chi2.isf(alarm, max(int(used.sum()) - 1, 1)))
    return Drift(name, psi, chance, now[-1] / max(now.sum(), 1), then[-1] / max(then.sum(), 1), importance)


def drifts_of(scorer: LeadScorer, X: np.ndarray, lead: np.ndarray, alarm: float) -> tuple[Drift, ...]:
    """Every feature's drift, float32[m, F], the farthest first; ``alarm`` is shared among them."""
    population = scorer.population
    if population is None or not len(X):
        return ()
    leads = population.leads, len(np.unique(lead))
    share = alarm / len(scorer.features.names)
    found = [
        drift_of(name, population.bins[name], X[:, i], leads, population.importance[name], share)
        for i, name in enumerate(scorer.features.names)
    ]
    return tuple(sorted(found, key=lambda one: (-one.psi, one.name)))


def score_drift_of(scorer: LeadScorer, probability: np.ndarray, lead: np.ndarray, alarm: float) -> Drift | None:
    """The drift of the probability, float64[m], from the reference population's."""
    if scorer.population is None or not len(probability) or not len(scorer.reference):
        return None
    leads = scorer.population.leads, len(np.unique(lead))
    return drift_of("probability", bins_of(scorer.reference), probability, leads, 1.0, alarm)
